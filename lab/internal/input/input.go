// Package input reads the inputs that a command names.
package input

import (
	"io"
	"os"

	"github.com/hopline/hopline/lab/internal/usage"
)

// Read reads a file, or standard input if the name is "-". It returns an error of package usage, and no text, for a file that cannot be read and
// for an input of more than limit bytes.
func Read(name string, stdin io.Reader, limit int64) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usage.Error(err)
		}
		defer func() { _ = file.Close() }()
		from = file
	} else {
		name = "standard input"
	}
	text, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, usage.Error(err)
	}
	if int64(len(text)) > limit {
		return nil, usage.Errorf("%s: want at most %d bytes", name, limit)
	}
	return text, nil
}
