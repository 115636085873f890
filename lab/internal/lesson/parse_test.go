package lesson

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/docs/lessons"
)

const whole = `# Canary

*Needs the lab or a cluster with Istio. 8 minutes.*

You will know a canary.

## Start

Words
about it.

` + "```console lab" + `
$ hopline up overlays/canary &
…
$ curl -s \
> http://localhost:8080/
one
` + "```" + `

` + "```yaml" + `
a: 1
` + "```" + `

<details><summary>Why?</summary>

Because.

</details>

` + "```diff" + `
--- overlays/canary/middle.yaml
-a
+b
` + "```" + `

` + "```console until" + `
$ false
(the command fails)
` + "```" + `

## Break it

` + "```diff fault" + `
--- f
-a
+b
` + "```" + `

` + "```console check" + `
$ true
` + "```" + `

<details><summary>The solution</summary>

Words.

` + "```diff solution" + `
--- f
-b
+a
` + "```" + `

</details>

## Read on

- more
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse("04-canary.md", whole)
	if err != nil {
		t.Fatal(err)
	}
	want := &Lesson{
		Number: 4, Name: "canary", Title: "Canary", Needs: Either, With: "Istio", Time: 8 * time.Minute, Opening: []string{"You will know a canary."},
		Steps: []Step{{Title: "Start", Parts: []Part{
			{Kind: Prose, Line: 8, Lines: []string{"Words", "about it."}},
			{Kind: Commands, Line: 13, On: Lab, Runs: []Run{
				{Line: 13, Command: "hopline up overlays/canary", Expects: []string{"…"}, Stays: true},
				{Line: 15, Command: "curl -s \\\nhttp://localhost:8080/", Expects: []string{"one"}},
			}},
			{Kind: Prose, Line: 20, Lines: []string{"```yaml", "a: 1", "```"}},
			{Kind: Question, Line: 24, Asks: "Why?", Lines: []string{"Because."}},
			{Kind: Change, Line: 31, Lines: []string{"--- overlays/canary/middle.yaml", "-a", "+b"}},
			{Kind: Until, Line: 37, Runs: []Run{{Line: 37, Command: "false", Fails: true}}},
		}}},
		Broken: &Step{Title: "Break it", Parts: []Part{
			{Kind: Fault, Line: 44, Lines: []string{"--- f", "-a", "+b"}},
			{Kind: Check, Line: 50, Runs: []Run{{Line: 50, Command: "true"}}},
			{Kind: Solution, Line: 58, Lines: []string{"--- f", "-b", "+a"}},
			{Kind: Question, Line: 53, Asks: "The solution", Lines: []string{"Words."}},
		}},
		Closing: []string{"- more"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseNamesEachMistake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"no title", "# Canary", "Canary", `04-canary.md:1: want a title such as # Canary, got "Canary"`},
		{"no needs", "*Needs the lab or a cluster with Istio. 8 minutes.*", "*Needs luck.*", `04-canary.md:3: want *Needs the lab. 5 minutes.*`},
		{"too long", "8 minutes", "11 minutes", "want from 1 to 10 minutes, got 11m0s"},
		{"no command", "$ hopline up overlays/canary &", "hopline up", `04-canary.md:13: want a command such as $ hopline version, got "hopline up"`},
		{"unknown words", "```console lab", "```console twice", "04-canary.md:12: want ```console"},
		{"fault in a step", "```diff\n", "```diff fault\n", `04-canary.md:30: a block "diff fault" is in the section "Break it" only`},
		{"no solution", "```diff solution", "```text", `want a block "diff solution" in the section "Break it"`},
		{"no end of the question", "</details>\n\n```diff\n", "```diff\n", "04-canary.md:24: want <details><summary>The question?</summary>, and later a line </details>"},
		{"no closing", "## Read on", "## More", `want a section "Read on" at the end`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(whole, c.old, c.new, 1)
			if text == whole {
				t.Fatal("nothing was replaced")
			}
			if _, err := Parse("04-canary.md", text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := Parse("canary.md", whole); err == nil || !strings.Contains(err.Error(), "want a name such as 04-canary.md") {
		t.Errorf("a file without a number: %v", err)
	}
}

func TestLessonThatNothingPlays(t *testing.T) {
	t.Parallel()
	const reason = "it makes a cluster (or two)"
	l, err := Parse("04-canary.md", strings.Replace(whole, "8 minutes.*", "8 minutes. No test plays it: "+reason+".*", 1))
	if err != nil || l.Unplayed != reason {
		t.Fatalf("reason %q, error %v", l.Unplayed, err)
	}
	if err := Verify(t.Context(), l, Setup{Engine: Cluster, Tool: "/bin/false"}); err == nil || err.Error() != "lesson 4 is not played: "+reason {
		t.Errorf("got %v", err)
	}
}

func TestNumbersAndNamesAreUnique(t *testing.T) {
	t.Parallel()
	page := &fstest.MapFile{Data: []byte(whole)}
	for _, c := range []struct{ other, want string }{
		{"05-by-header.md", ""},
		{"04-by-header.md", "want a number of its own, got 4 again"},
		{"05-canary.md", "want a name of its own, got canary again"},
	} {
		_, err := Read(fstest.MapFS{"04-canary.md": page, c.other: page})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %s: got %v, want %q", c.other, err, c.want)
		}
	}
}

func TestShippedLessonsAreInTheForm(t *testing.T) {
	t.Parallel()
	all, err := Read(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no lessons")
	}
	for _, l := range all {
		for _, step := range append(l.Steps, optional(l.Broken)...) {
			for _, part := range step.Parts {
				for _, run := range part.Runs {
					for line := range strings.Lines(run.Command) {
						if len(line) > 120 {
							t.Errorf("%02d-%s.md:%d: want at most 120 characters in a line of a command, got %d", l.Number, l.Name, run.Line, len(line))
						}
					}
				}
				if part.Kind == Change || part.Kind == Fault || part.Kind == Solution {
					if _, err := parsePatch(part.Lines); err != nil {
						t.Errorf("%02d-%s.md:%d: %v", l.Number, l.Name, part.Line, err)
					}
				}
			}
		}
	}
}

func optional(step *Step) []Step {
	if step == nil {
		return nil
	}
	return []Step{*step}
}

// players returns the targets that play a lesson, or why none does.
func players(l *Lesson) string {
	if l.Unplayed != "" {
		return "nobody: " + l.Unplayed
	}
	return map[Engine]string{Lab: "`make lessons`", Cluster: "`make e2e`", Either: "both"}[l.Needs]
}

// The table of the course is a list of the files.
func TestTableOfTheCourse(t *testing.T) {
	t.Parallel()
	all, err := Read(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	text, err := lessons.Files.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(text)) {
		if row := strings.TrimSpace(line); strings.HasPrefix(row, "| ") && strings.Contains(row, ".md)") {
			got = append(got, row)
		}
	}
	for _, l := range all {
		want = append(want, fmt.Sprintf("| %d | [%s](%02d-%s.md) | %s | %.0f | %s |", l.Number, l.Title, l.Number, l.Name, l.Needed(), l.Time.Minutes(), players(l)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/lessons/README.md: -want +got:\n%s", diff)
	}
}
