package load

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"github.com/hopline/hopline/lab/internal/tty"
)

// How often the progress is shown.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second // without a terminal
)

// The columns of the bar, and of the text around it: the percentage, the frame, spaces.
const (
	barWidth = 10
	barFrame = 12
)

// progress shows the progress of a run.
type progress struct {
	screen  tty.Screen
	command *Command
	plan    *plan
	target  *target
	rec     *recorder

	quit chan struct{}
	done sync.WaitGroup
}

// startProgress shows the progress of a run until stop is called.
func startProgress(screen tty.Screen, c *Command, p *plan, t *target, rec *recorder) *progress {
	g := &progress{screen: screen, command: c, plan: p, target: t, rec: rec, quit: make(chan struct{})}
	if screen.Out == nil {
		return g
	}
	g.done.Add(1)
	go func() {
		defer g.done.Done()
		if screen.TTY {
			g.bar()
		} else {
			g.lines()
		}
	}()
	return g
}

func (g *progress) stop() {
	close(g.quit)
	g.done.Wait()
}

// bar draws a bar with the figures behind it.
func (g *progress) bar() {
	bar := progressbar.NewOptions64(int64(g.plan.requests),
		progressbar.OptionSetWriter(g.screen.Out.Raw()), // it moves the cursor; it contains only figures
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
	)
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.quit:
			_ = bar.Clear() // nothing can be done about a terminal that fails
			return
		case <-tick.C:
			done, figures := g.figures()
			bar.Describe(fitting(figures, g.screen.Wide-barWidth-barFrame))
			_ = bar.Set64(min(int64(done), int64(g.plan.requests)-1)) // the library treats a bar at its maximum as finished
		}
	}
}

// fitting returns as many of the figures as fit in the columns, so that the bar stays on its line and is redrawn in place. It returns at
// least one.
func fitting(figures string, columns int) string {
	for columns > 0 && utf8.RuneCountInString(figures) > columns {
		i := strings.LastIndex(figures, ", ")
		if i < 0 {
			break
		}
		figures = figures[:i]
	}
	return figures
}

// lines writes a line every lineEvery.
func (g *progress) lines() {
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.quit:
			return
		case <-tick.C:
			done, figures := g.figures()
			fmt.Fprintf(g.screen.Out, "%d of %d  %s\n", done, g.plan.requests, figures)
		}
	}
}

// figures returns how many requests are done, and the current figures as text.
func (g *progress) figures() (done uint64, text string) {
	s := g.rec.snapshot()
	elapsed := time.Since(g.plan.start())
	held := 0.0
	if elapsed > 0 {
		held = float64(g.target.sent.Load()) / elapsed.Seconds()
	}
	asked := g.plan.sent(min(elapsed, g.plan.span())) / max(elapsed, time.Millisecond).Seconds()
	return s.done, fmt.Sprintf("%.1f of %.1f/s, %d in flight, %d errors, p50 %s p90 %s p99 %s",
		held, asked, g.target.inFlight.Load(), s.errors, milliseconds(s.p50), milliseconds(s.p90), milliseconds(s.p99))
}
