package child

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitterCutsOutputIntoBoundedLines(t *testing.T) {
	t.Parallel()
	var got []string
	s := &splitter{emit: func(text string) { got = append(got, text) }}
	long := strings.Repeat("x", maxLine)
	for _, write := range []string{"one\ntw", "o\r\n\n", long[:maxLine-1], "xyz", "zzz\nafter\nno end"} {
		if n, err := io.WriteString(s, write); n != len(write) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	s.flush()
	if diff := cmp.Diff([]string{"one", "two", long + " … (cut)", "after", "no end"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
