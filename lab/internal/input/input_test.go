package input

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		limit      int64
		want, fail string
	}{
		{file, 4, "four", ""},
		{file, 3, "", file + ": want at most 3 bytes"},
		{"-", 5, "typed", ""},
		{"-", 4, "", "standard input: want at most 4 bytes"},
		{file + "s", 4, "", "no such file"},
	} {
		text, err := Read(c.name, strings.NewReader("typed"), c.limit)
		if string(text) != c.want || (err != nil) != (c.fail != "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%s up to %d bytes: got %q, %v, want %q, %q", c.name, c.limit, text, err, c.want, c.fail)
		}
	}
}
