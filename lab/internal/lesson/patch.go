package lesson

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// patch is a change to files, in the form of diff -u without line numbers: "--- FILE", then "-", "+" and " " lines, with "@@" between
// places that are apart. A patch that only adds lines makes the file.
type patch struct {
	file  string
	hunks []hunk
}

// hunk replaces lines by others. Both have the lines of context.
type hunk struct{ old, new []string }

// parsePatch reads the lines of a diff block.
func parsePatch(lines []string) ([]patch, error) {
	var patches []patch
	for _, line := range lines {
		n := len(patches)
		if file, ok := strings.CutPrefix(line, "--- "); ok {
			patches = append(patches, patch{file: strings.TrimSpace(file), hunks: []hunk{{}}})
			continue
		}
		if strings.HasPrefix(line, "+++ ") || strings.TrimSpace(line) == "" {
			continue
		}
		if n == 0 {
			return nil, fmt.Errorf("want --- FILE before the changes, got %q", line)
		}
		p := &patches[n-1]
		h := &p.hunks[len(p.hunks)-1]
		switch text := line[1:]; line[0] {
		case '@':
			p.hunks = append(p.hunks, hunk{})
		case '-':
			h.old = append(h.old, text)
		case '+':
			h.new = append(h.new, text)
		case ' ':
			h.old, h.new = append(h.old, text), append(h.new, text)
		default:
			return nil, fmt.Errorf("want a line that begins with a blank, +, - or @@, got %q", line)
		}
	}
	return patches, nil
}

// apply changes the file below root. It returns an error, and changes nothing, unless each place is found exactly once.
func (p patch) apply(root *os.Root) error {
	lines, err := p.read(root)
	if errors.Is(err, fs.ErrNotExist) && p.adds() {
		return p.create(root)
	}
	if err != nil {
		return err
	}
	for _, h := range p.hunks {
		if len(h.old)+len(h.new) == 0 {
			continue
		}
		at := places(lines, h.old)
		if len(at) != 1 {
			return fmt.Errorf("%s: want these lines once, got them %d times:\n%s", p.file, len(at), strings.Join(h.old, "\n"))
		}
		lines = slices.Replace(lines, at[0], at[0]+len(h.old), h.new...)
	}
	return root.WriteFile(p.file, []byte(strings.Join(lines, "\n")), 0o600)
}

// adds reports whether the patch only adds lines, in one place.
func (p patch) adds() bool { return len(p.hunks) == 1 && len(p.hunks[0].old) == 0 }

// create makes the file, and the directory that it is in.
func (p patch) create(root *os.Root) error {
	if err := root.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return err
	}
	return root.WriteFile(p.file, []byte(strings.Join(p.hunks[0].new, "\n")+"\n"), 0o600)
}

// applied reports whether the file below root has the change already.
func (p patch) applied(root *os.Root) bool {
	lines, err := p.read(root)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(p.hunks, func(h hunk) bool { return !h.applied(lines) })
}

// applied reports whether lines have the hunk's new lines, and no more the old ones, unless the new ones contain these.
func (h hunk) applied(lines []string) bool {
	return len(places(lines, h.new)) > 0 && (len(places(lines, h.old)) == 0 || len(places(h.new, h.old)) > 0)
}

func (p patch) read(root *os.Root) ([]string, error) {
	text, err := root.ReadFile(p.file)
	if err != nil {
		return nil, err
	}
	return strings.Split(string(text), "\n"), nil
}

// places returns the positions at which the lines of part are in lines.
func places(lines, part []string) []int {
	var at []int
	for i := 0; i+len(part) <= len(lines); i++ {
		if slices.Equal(lines[i:i+len(part)], part) {
			at = append(at, i)
		}
	}
	return at
}
