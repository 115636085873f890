package up

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/tty"
)

// spoken returns the output of a terminal for the calls in say.
func spoken(s tty.Screen, logs bool, say func(*terminal)) string {
	var out bytes.Buffer
	s.Out = tty.New(&out)
	t := newTerminal(s, Logs{On: logs})
	say(t)
	t.close()
	return out.String()
}

func TestOffATerminalThereIsPlainTextAndNoBoard(t *testing.T) {
	t.Parallel()
	got := spoken(tty.Screen{}, false, func(t *terminal) {
		t.show([]row{{name: "hopline/front", state: "starting"}})
		t.note("a note")
		t.warn("something\nin two lines")
		t.started()
		t.say("the addresses")
		t.follow(podlog.Line{Pod: "front", Text: "not asked for"})
	})
	want := "a note\n! something\n  in two lines\nthe addresses\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestTheBoardIsDrawnInPlaceBelowOtherLines(t *testing.T) {
	t.Parallel()
	got := spoken(tty.Screen{TTY: true, Wide: 80, High: 24}, false, func(t *terminal) {
		t.show([]row{{name: "hopline/front", state: "starting"}, {name: "hopline/middle", state: "failing", failed: true}})
		t.warn("careful")
		t.show([]row{{name: "hopline/front", state: "ready", ready: true}, {name: "hopline/middle", state: "ready", ready: true}})
		t.started()
		t.say("the addresses")
	})
	if diff := cmp.Diff([]string{"! careful", "  ✓ hopline/front   ready", "  ✓ hopline/middle  ready", "the addresses"}, onScreen(t, got)); diff != "" {
		t.Errorf("the final screen (-want +got):\n%s", diff)
	}
}

// onScreen applies the output to a simulated screen that supports cursor up and erase below.
func onScreen(t *testing.T, output string) []string {
	t.Helper()
	var lines []string
	for output != "" {
		if rest, ok := strings.CutPrefix(output, "\x1b["); ok {
			up, after, found := strings.Cut(rest, "A\x1b[J")
			if !found || len(up) != 1 {
				t.Fatalf("an unknown sequence in %q", output)
			}
			lines = lines[:len(lines)-int(up[0]-'0')]
			output = after
			continue
		}
		line, after, _ := strings.Cut(output, "\n")
		lines = append(lines, line)
		output = after
	}
	return lines
}

func TestABoardThatDoesNotFitIsLeftOut(t *testing.T) {
	t.Parallel()
	got := spoken(tty.Screen{TTY: true, Wide: 80, High: 3}, false, func(t *terminal) {
		t.show([]row{{name: "a"}, {name: "b"}})
	})
	if got != "" {
		t.Errorf("wrote %q", got)
	}
}

func TestColoursOnlyWhereTheyAreWanted(t *testing.T) {
	t.Parallel()
	say := func(t *terminal) {
		t.note("note")
		t.warn("warning")
		t.follow(podlog.Line{Pod: "front-1", Deployment: "front", Text: "line"})
	}
	if got := spoken(tty.Screen{}, true, say); strings.Contains(got, "\x1b") {
		t.Errorf("escapes without Colour: %q", got)
	}
	got := spoken(tty.Screen{Colour: true}, true, say)
	for _, want := range []string{"\x1b[2mnote\x1b[0m\n", "\x1b[33m! warning\x1b[0m\n", "front-1 |\x1b[0m line\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q has no %q", got, want)
		}
	}
}

// TestNothingReachesTheScreenRaw checks that names and texts from files and processes are escaped in every output.
func TestNothingReachesTheScreenRaw(t *testing.T) {
	t.Parallel()
	const foreign = "a\x1b]0;title\a"
	got := spoken(tty.Screen{TTY: true, Wide: 80, High: 24}, true, func(t *terminal) {
		t.say("%s", foreign)
		t.note("%s", foreign)
		t.warn("%s", foreign)
		t.print(tty.Text(foreign))
		t.follow(podlog.Line{Pod: foreign, Text: foreign})
		t.show([]row{{name: foreign, state: foreign}})
	})
	if strings.ContainsAny(got, "\x1b\a") || strings.Count(got, `a\x1b]0;title\a`) != 8 {
		t.Errorf("wrote %q", got)
	}
}

// TestALineOfAProcessStaysOne checks that a message with a line end in it does not look like another line.
func TestALineOfAProcessStaysOne(t *testing.T) {
	t.Parallel()
	got := spoken(tty.Screen{}, true, func(t *terminal) {
		t.follow(podlog.Line{Pod: "front-1", Text: `{"msg":"one\ncore-1 | forged"}`})
	})
	if want := "front-1 | one\n    | core-1 | forged\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

// stuck is a screen that blocks until it is released.
type stuck struct{ goOn chan struct{} }

func (s stuck) Write(data []byte) (int, error) {
	<-s.goOn
	return 0, errors.New("closed")
}

func TestAStuckTerminalHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	screen := stuck{goOn: make(chan struct{})}
	terminal := newTerminal(tty.Screen{Out: tty.New(screen)}, Logs{On: true})
	for range 3 * maxQueued {
		terminal.follow(podlog.Line{Pod: "front", Text: "line"})
	}
	terminal.close()
	close(screen.goOn)
	<-terminal.done
}
