package usage

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestIs(t *testing.T) {
	t.Parallel()
	marked := Errorf("limit: want a number, got %q", "x")
	for name, c := range map[string]struct {
		err  error
		text string
		want bool
	}{
		"nil":              {nil, "", false},
		"nil marked":       {Error(nil), "", false},
		"another":          {io.EOF, "EOF", false},
		"marked":           {marked, `limit: want a number, got "x"`, true},
		"wrapped":          {fmt.Errorf("--from: %w", marked), `--from: limit: want a number, got "x"`, true},
		"beside another":   {errors.Join(io.EOF, marked), "EOF\n" + `limit: want a number, got "x"`, true},
		"of another error": {Error(io.EOF), "EOF", true},
	} {
		if got := Is(c.err); got != c.want || c.err != nil && c.err.Error() != c.text {
			t.Errorf("%s: %t with the text %q, want %t with %q", name, got, c.err, c.want, c.text)
		}
	}
	if err := Error(io.EOF); !errors.Is(err, io.EOF) {
		t.Error("a marked error is no longer the error that it was")
	}
}
