// Package input reads the inputs that a command names.
package input

import (
	"fmt"
	"io"
	"os"
)

// Read reads a file, or standard input if the name is "-". It returns an error, and no text, for an input of more than limit bytes.
func Read(name string, stdin io.Reader, limit int64) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		from = file
	} else {
		name = "standard input"
	}
	text, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s: want at most %d bytes", name, limit)
	}
	return text, nil
}
