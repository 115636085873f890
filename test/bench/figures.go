package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// figuresInto puts a table between its markers in a page, <!-- figures: NAME --> and <!-- end -->.
func figuresInto(path, name string, table io.Reader) error {
	text, err := io.ReadAll(table)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page, err = between(page, name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, page, 0o644)
}

// between returns the page with the text between the markers of a name. It replaces what was there before.
func between(page []byte, name string, text []byte) ([]byte, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, fmt.Errorf("figures %s: nothing to put there", name)
	}
	marker, end := []byte("<!-- figures: "+name+" -->\n"), []byte("<!-- end -->")
	before, rest, found := bytes.Cut(page, marker)
	if !found {
		return nil, fmt.Errorf("want a line %q", marker)
	}
	old, after, found := bytes.Cut(rest, end)
	if !found || bytes.Contains(old, []byte("<!-- figures: ")) {
		return nil, fmt.Errorf("want a line %q after %q", end, marker)
	}
	return bytes.Join([][]byte{before, marker, []byte("\n"), text, []byte("\n\n"), end, after}, nil), nil
}
