package actions

import (
	"strings"
	"testing"
)

// No text of a file can end an annotation or begin another one.
func TestAnnotate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file           string
		line           int
		title, message string
		want           string
	}{
		{"a,b:c.yaml", 3, "100%", "one\ntwo", "::error file=a%2Cb%3Ac.yaml,line=3,title=100%25::one%0Atwo\n"},
		{"a.yaml", 0, "t", "::error::m\r\n", "::error file=a.yaml,line=1,title=t::::error::m%0D%0A\n"},
		{"", 7, "t", "m", "::error title=t::m\n"},
	} {
		var out strings.Builder
		if err := Annotate(&out, Error, test.file, test.line, test.title, test.message); err != nil || out.String() != test.want {
			t.Errorf("got %q, %v, want %q", out.String(), err, test.want)
		}
	}
}
