package compare

import (
	"regexp"
	"testing"

	"github.com/hopline/hopline/lab/mesh/urlpath"
	"pgregory.net/rapid"
)

// TestValidPath checks the expression for paths against the function that says which paths a proxy leaves as they are.
func TestValidPath(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`\A(?:` + validPath + `)\z`)
	rapid.Check(t, func(t *rapid.T) {
		path := "/" + rapid.StringOfN(rapid.SampledFrom([]rune(`/.%2eEaA0-_~ <"{\5Ff`)), 0, 8, -1).Draw(t, "path")
		normal, ok := urlpath.Normalize(path)
		if want := ok && normal == path; valid.MatchString(path) != want {
			t.Fatalf("%q: valid %t, and normalized it is %q, %t", path, !want, normal, ok)
		}
	})
}
