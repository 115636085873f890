package textclass

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawPattern draws an expression over few letters, so that expressions often match the same texts.
func drawPattern(t *rapid.T) string {
	return rapid.SampledFrom([]string{`a`, `ab`, `abc`, `b`, `a(?s:.*)`, `ab(?s:.*)`, `(?s:.*)`, `(?s:.*)b`, `(?i:ab)`, `[ab]+`, `a?b?c?`, `^a|b$`, `.*c.*`, `\ba\b.*`, `[^a]`, `(?:ab)*`, ``, `(?s:.+)`}).Draw(t, "pattern")
}

// TestOf compares the classes with all texts of up to four characters: each text's combination of patterns is there once, and every
// class's own text has it.
func TestOf(t *testing.T) {
	t.Parallel()
	texts := []string{""}
	for n := 0; n < len(texts) && len(texts[n]) < 4; n++ {
		for _, c := range []string{"a", "b", "c", "A", "-"} {
			texts = append(texts, texts[n]+c)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		patterns := rapid.SliceOfN(rapid.Custom(drawPattern), 0, 6).Draw(t, "patterns")
		const valid = `[abcA-]{0,4}`
		var compiled []*regexp.Regexp
		for _, p := range patterns {
			compiled = append(compiled, regexp.MustCompile(`\A(?:`+p+`)\z`))
		}
		in := func(text string) string {
			var list []int32
			for i, re := range compiled {
				if re.MatchString(text) {
					list = append(list, int32(i))
				}
			}
			return fmt.Sprint(list)
		}
		want := map[string]bool{}
		for _, text := range texts {
			want[in(text)] = true
		}
		list, complete := Of(patterns, valid, "cc", "a", "not valid")
		if !complete {
			t.Fatal("the search was given up")
		}
		for _, c := range list {
			if got := in(c.Text); got != fmt.Sprint(c.In) {
				t.Fatalf("%q should match %v of %q, and matches %s", c.Text, c.In, patterns, got)
			}
			if !want[in(c.Text)] {
				t.Fatalf("the class %v of %q is there twice, or has no text", c.In, patterns)
			}
			delete(want, in(c.Text))
		}
		if len(want) > 0 {
			t.Fatalf("the classes of %q lack %v", patterns, want)
		}
	})
}

// TestPreferred checks that a preferred text represents its class, and is otherwise ignored.
func TestPreferred(t *testing.T) {
	t.Parallel()
	list, _ := Of([]string{"GET", "P.*"}, "[A-Z]+", "GET", "POST", "PUT", "DELETE", "get")
	var texts []string
	for _, c := range list {
		texts = append(texts, c.Text)
	}
	slices.Sort(texts)
	if fmt.Sprint(texts) != "[DELETE GET POST]" {
		t.Errorf("got %q", texts)
	}
}
