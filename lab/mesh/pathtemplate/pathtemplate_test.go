package pathtemplate

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// TestRegex: an operator matches the characters of a path that Envoy lists, {*} within one segment, {**} also slashes and nothing.
func TestRegex(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template, path string
		want           bool
	}{
		{"/a/{*}", "/a/b", true}, {"/a/{*}", "/a/", false}, {"/a/{*}", "/a/b/c", false}, {"/a/{*}", "/a", false}, {"/{*}/b", "/a/b", true},
		{"/a/{*}/c", "/a/b.~%20/c", true}, {"/a/{*}/", "/a/b/", true}, {"/a/{*}/", "/a/b", false}, {"/a/{*}", "/a/b=c", true}, {"/a/{*}", "/a/[b]", false}, {"/a=b/{*}", "/a=b/c", true}, {"/a/{*}", "/a/*", true},
		{"/a/{**}", "/a/", true}, {"/a/{**}", "/a/b/c", true}, {"/a/{**}", "/a", false}, {"/{**}/c", "/a/b/c", true}, {"/{**}", "/", true},
		{"/a.b/{*}", "/axb/c", false}, {"/A/{*}", "/a/b", false},
	} {
		if got := matches(Parse(c.template), c.path); got != c.want {
			t.Errorf("%s matches %s: %v, want %v", c.template, c.path, got, c.want)
		}
	}
}

// TestAfter: a path matches exactly if its rest matches one of the templates of what may follow its beginning.
func TestAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		template := Parse(rapid.StringMatching(`(/(a|b|\{\*\})){0,3}(/\{\*\*\})?(/(a|b)){0,2}`).Draw(t, "template"))
		beginning, rest := rapid.StringMatching(`[/ab\[]{0,5}`).Draw(t, "beginning"), rapid.StringMatching(`[/ab\[]{0,5}`).Draw(t, "rest")
		found := false
		for _, after := range template.After(beginning) {
			found = found || matches(after, rest)
		}
		if want := matches(template, beginning+rest); found != want {
			t.Errorf("%s, then %s: %v, want %v", beginning, rest, found, want)
		}
	})
}

func matches(t Template, path string) bool {
	return regexp.MustCompile(`\A(?:` + t.Regex() + `)\z`).MatchString(path)
}
