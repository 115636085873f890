package lesson

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/tty"
)

// shortLimits make failing commands end soon.
var shortLimits = limits{command: 2 * time.Second, until: 3 * time.Second, check: 3 * time.Second, ready: 2 * time.Second}

// of makes a lesson of steps and an exercise: blocks are written with ”' in place of the fence.
func of(t *testing.T, body string) *Lesson {
	t.Helper()
	text := "# A\n\n*Needs the lab. 1 minutes.*\n\nYou will know.\n\n" + strings.ReplaceAll(body, "'''", "```") + "\n## Read on\n\n- more\n"
	l, err := Parse("01-a.md", text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func check(t *testing.T, body string) error {
	t.Helper()
	return verify(context.Background(), of(t, body), Setup{Engine: Lab, Tool: "/bin/false"}, shortLimits)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const exercise = "## S\n\n'''console\n$ true\n'''\n\n## Break it\n\n'''diff fault\n--- overlays/prod/kustomization.yaml\n-resources:\n+resource:\n'''\n\n"
	for _, c := range []struct{ name, body, want string }{
		{"variables, directory and output hold", "## S\n\n'''console\n$ cd overlays && x='a b'\n$ echo \"$x\" && basename \"$PWD\"\na b\noverlays\n'''\n", ""},
		{"only the other engine", "## S\n\n'''console cluster\n$ false\n'''\n", ""},
		{"a failure that is expected", "## S\n\n'''console\n$ echo no && false\nno\n(the command fails)\n'''\n", ""},
		{"other output", "## S\n\n'''console\n$ printf 'a\\nb\\n'\na\nc\n'''\n", "S: line 10: $ printf 'a\\nb\\n'\n  a\n- c\n+ b"},
		{"a failure", "## S\n\n'''console\n$ exit 3\n'''\n", "the command failed with exit code 3"},
		{"no failure", "## S\n\n'''console\n$ true\n(the command fails)\n'''\n", "want the command to fail, it succeeded"},
		{"a command that hangs", "## S\n\n'''console\n$ sleep 60\n'''\n", "the command has not ended after 2s"},
		{"a log line of kubectl's library", "## S\n\n'''console\n$ printf 'I1127 03:47:28.964142   25046 reflector.go:664] \"Warning: watch ended\"\\npod met\\n'\npod met\n'''\n", ""},
		{"until", "## S\n\n'''console until\n$ echo x >>n && wc -l <n\n2\n'''\n", ""},
		{"until in vain", "## S\n\n'''console until\n$ echo 1\n2\n'''\n", "- 2\n+ 1"},
		{"a command that stays", "## S\n\n'''console\n$ sh -c 'echo here; exec sleep 60' &\nhere\n'''\n", ""},
		{"a command that stays and ends", "## S\n\n'''console\n$ echo gone &\nhere\n'''\n", "the command has ended, with code 0"},
		{"a change", "## S\n\n'''diff\n--- overlays/prod/kustomization.yaml\n-resources:\n+resource:\n'''\n\n'''console\n$ grep -c '^resource:' overlays/prod/kustomization.yaml\n1\n'''\n", ""},
		{
			"an exercise", exercise + "'''console check\n$ grep -q '^resources:' overlays/prod/kustomization.yaml\n'''\n\n" +
				"<details><summary>Solution</summary>\n\n'''diff solution\n--- overlays/prod/kustomization.yaml\n-resource:\n+resources:\n'''\n\n</details>\n", "",
		},
		{
			"an exercise whose check passes anyway", exercise + "'''console check\n$ true\n'''\n\n" +
				"<details><summary>Solution</summary>\n\n'''diff solution\n--- overlays/prod/kustomization.yaml\n-resource:\n+resources:\n'''\n\n</details>\n",
			"the check passes although the fault is there",
		},
		{
			"an exercise whose solution is none", exercise + "'''console check\n$ grep -q '^resources:' overlays/prod/kustomization.yaml\n'''\n\n" +
				"<details><summary>Solution</summary>\n\n'''diff solution\n--- overlays/prod/kustomization.yaml\n-resource:\n+res:\n'''\n\n</details>\n",
			"the command failed with exit code 1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := check(t, c.body)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestVerifyRefusesAnEngineThatTheLessonDoesNotNeed(t *testing.T) {
	t.Parallel()
	err := verify(context.Background(), of(t, "## S\n\n'''console\n$ true\n'''\n"), Setup{Engine: Cluster, Tool: "/bin/false"}, shortLimits)
	if err == nil || err.Error() != "lesson 1 is not played: it needs the lab" {
		t.Errorf("got %v", err)
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	const body = "## S\n\nSome `words`.\n\n'''console\n$ echo a\nb\n'''\n\n<details><summary>Why?</summary>\n\nBecause.\n\n</details>\n\n" +
		"'''diff\n--- overlays/prod/kustomization.yaml\n-resources:\n+resource:\n'''\n"
	for _, c := range []struct {
		name, typed string
		want        []string
		err         error
	}{
		{"a difference, then the right command", "\necho b\n\n\na\n", []string{"- b", "+ a", "Why?", "Because.", "does not have this change yet", "Lesson 1 is done."}, nil},
		{"it is left", "q\n", []string{"Some `words`."}, ErrLeft},
		{"the input ends", "", nil, ErrLeft},
		{"it is skipped", "s\n\na\n", []string{"Lesson 1 is done."}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			learner, err := OpenCopy(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = Walk(context.Background(), of(t, body), Setup{Engine: Lab, Tool: "/bin/false"}, learner, strings.NewReader(c.typed), tty.Screen{Out: tty.New(&out), Wide: 60})
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			text := out.String()
			for _, want := range c.want {
				_, rest, found := strings.Cut(text, want)
				if !found {
					t.Fatalf("%q is not there, or not in this order:\n%s", want, out.String())
				}
				text = rest
			}
			if done := learner.Done(); done["a"] != (c.err == nil) || len(done) > 1 {
				t.Errorf("done: %v", learner.Done())
			}
		})
	}
}

func TestResetKeepsWhatIsDoneAndNothingElse(t *testing.T) {
	t.Parallel()
	below := t.TempDir()
	c, err := OpenCopy(below)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.MarkDone("canary"), os.WriteFile(c.Dir+"/overlays/prod/kustomization.yaml", []byte("x"), 0o600), c.Reset()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(c.Dir + "/overlays/prod/kustomization.yaml"); err != nil || string(text) == "x" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if done := c.Done(); len(done) != 1 || !done["canary"] {
		t.Errorf("done: %v", done)
	}
	if err := os.WriteFile(c.Dir+"/thesis.txt", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(); err == nil || !strings.Contains(err.Error(), "got one with thesis.txt in it") {
		t.Errorf("a directory with a file of the learner's is removed: %v", err)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	got := strings.Join(wrap([]string{"one two three four five six seven eight nine ten", "eleven", "", "- a list with an item that is longer than one line", "```text", "x  y", "```", "![a graph](../images/graph.png)"}, 40), "\n")
	const want = "one two three four five six seven eight\nnine ten eleven\n\n- a list with an item that is longer\n  than one line\n    x  y\n(Picture: a graph)"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
