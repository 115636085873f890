package tty

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestEscapeTakesTheHarmOutOfControlCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain text, äöü, 中文, ✓": "plain text, äöü, 中文, ✓",
		"tab\tand\nline stay":    "tab\tand\nline stay",
		"\x1b[31mred":            `\x1b[31mred`,
		"\x1b]0;title\a":         `\x1b]0;title\a`,
		"bell\a, back\b, \r":     `bell\a, back\b, \r`,
		"delete \x7f":            `delete \u007f`,
		"c1 \u009b31m":           `c1 \u009b31m`,
		"turned \u202e round":    `turned \u202e round`,
		"kept \u2066 apart":      `kept \u2066 apart`,
		"another\u2028line":      `another\u2028line`,
		"broken \xff utf-8":      "broken \ufffd utf-8",
	} {
		if got := Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestWriteEscapesWhateverTheWritesAre(t *testing.T) {
	t.Parallel()
	const text = "ä✓\u009b31m😀\x1b[0m\xff.\n"
	var out bytes.Buffer
	w := New(&out)
	for i := range len(text) {
		if n, err := w.Write([]byte{text[i]}); n != 1 || err != nil {
			t.Fatalf("Write gave %d, %v", n, err)
		}
	}
	if got, want := out.String(), "ä✓\\u009b31m😀\\x1b[0m\ufffd.\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestOnlyOurOwnSequencesPass(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := New(&out)
	if New(w) != w {
		t.Error("a Writer is wrapped again")
	}
	if err := w.Print(Up(2), (&Screen{Colour: true}).Paint(Yellow, "! \x1b[1mbold"), Text(" \x1b[2J\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "\x1b[2A\x1b[J\x1b[33m! \\x1b[1mbold\x1b[0m \\x1b[2J\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestJSONStaysJSON(t *testing.T) {
	t.Parallel()
	const text = "a\x1b\x7f\u009b\u202eb"
	var out bytes.Buffer
	if err := json.NewEncoder(New(&out)).Encode(text); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != text {
		t.Errorf("read %q, %v from %s", got, err, out.String())
	}
}
