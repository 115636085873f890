package main

import (
	"strings"
	"testing"
)

const page = "# A\n\n<!-- figures: one -->\nold\n<!-- end -->\n\ntext\n\n<!-- figures: two -->\n<!-- end -->\n"

func TestBetween(t *testing.T) {
	got, err := between([]byte(page), "one", []byte("| new |\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(page, "\nold\n", "\n\n| new |\n\n", 1)
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, err := between(got, "one", []byte("| new |"))
	if err != nil || string(again) != want {
		t.Errorf("a second time: got %v\n%s", err, again)
	}
}

func TestBetweenRefuses(t *testing.T) {
	for name, c := range map[string]struct{ page, name, text, want string }{
		"no marker":  {page, "three", "x", "figures: three"},
		"no end":     {"<!-- figures: one -->\n", "one", "x", "<!-- end -->"},
		"other's":    {"<!-- figures: one -->\n<!-- figures: two -->\n<!-- end -->", "one", "x", "<!-- end -->"},
		"empty text": {page, "one", " \n", "nothing"},
	} {
		if _, err := between([]byte(c.page), c.name, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}
