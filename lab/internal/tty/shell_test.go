package tty

import (
	"os/exec"
	"testing"

	"pgregory.net/rapid"
)

func TestShellWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "''", "a-1_b./:=%": "a-1_b./:=%", "x-dev-user: betaUser": "'x-dev-user: betaUser'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "ä": "'ä'", "@[`{": "'@[`{'",
	} {
		if got := ShellWord(text); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", text, got, want)
		}
	}
}

// A shell reads the word as the text.
func TestShellReadsTheText(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~äß]{0,12}`).Draw(t, "text")
		out, err := exec.Command(shell, "-c", "printf %s "+ShellWord(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("a shell reads %s as %q, %v, want %q", ShellWord(text), out, err, text)
		}
	})
}
