package lesson

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// The errors of a Guide, besides those of what it does.
var (
	ErrNone  = errors.New("there is no such lesson or step")
	ErrBusy  = errors.New("a step of a lesson is running: wait for its end")
	ErrOrder = errors.New("a step before this one is not done")
	ErrHere  = errors.New("the lesson cannot be played here")
)

// Running is the lab that the commands of a Guide talk to.
type Running interface {
	// Run makes the overlay in a directory the one that the lab runs, with new processes, and waits until they are ready. It returns the lines
	// that `hopline up` prints about its addresses.
	Run(dir string) ([]string, error)
	// Saved applies what was saved below a directory, if the lab runs an overlay there. It returns when that is active, or rejected.
	Saved(below string)
}

// Guide plays lessons step by step for a page, in the learner's copy and with a lab that runs already. It plays one lesson at a time, and
// one step at a time. Its methods are safe for concurrent use.
type Guide struct {
	lessons   []*Lesson
	directory string // in which the learner works
	tool      string
	addresses Addresses
	lab       Running
	limits    limits
	turn      chan struct{}   // holds a token while something runs
	open      context.Context // ends with Close
	end       context.CancelFunc

	mu     sync.Mutex
	played *played // the lesson that is played; nil: none
}

// played is the state of the lesson that is played.
type played struct {
	lesson  *Lesson
	actions []Part
	player  *player
	done    map[int]bool // by the number of a step
}

// checkTime bounds the check of an exercise: a change that a page has made is active already, and one by hand soon.
const checkTime = 3 * time.Second

// NewGuide returns a Guide. directory is where the learner works, tool the path of hopline. The caller must close it.
func NewGuide(lessons []*Lesson, directory, tool string, a Addresses, lab Running) *Guide {
	g := &Guide{lessons: lessons, directory: directory, tool: tool, addresses: a, lab: lab, limits: usualLimits, turn: make(chan struct{}, 1)}
	g.limits.check = checkTime
	g.open, g.end = context.WithCancel(context.Background())
	return g
}

// Directory returns the directory of the learner's copy, which may not be there yet.
func (g *Guide) Directory() string { return CopyAt(g.directory).Dir }

// List returns all lessons.
func (g *Guide) List() []Summary {
	done := CopyAt(g.directory).Done()
	list := []Summary{}
	for _, l := range g.lessons {
		list = append(list, summaryOf(l, Lab, done[l.Name]))
	}
	return list
}

// Document returns a lesson, or ErrNone.
func (g *Guide) Document(number int) (*Document, error) {
	l, err := g.find(number)
	if err != nil {
		return nil, err
	}
	d := documentOf(l, Lab)
	d.Summary = summaryOf(l, Lab, CopyAt(g.directory).Done()[l.Name])
	g.mu.Lock()
	defer g.mu.Unlock()
	d.Next = min(1, d.Steps)
	if g.played != nil && g.played.lesson == l {
		d.Next = g.played.next()
	}
	return d, nil
}

func (g *Guide) find(number int) (*Lesson, error) {
	for _, l := range g.lessons {
		if l.Number == number {
			return l, nil
		}
	}
	return nil, fmt.Errorf("lesson %d: %w", number, ErrNone)
}

// How is a way to do a step.
type How string

// The ways. Only a change has Look.
const (
	Do   How = ""     // run the command, or make the change
	Look How = "look" // the learner has made the change: look whether it is there
	Skip How = "skip" // continue without it
)

// Outcome holds the result of a step.
type Outcome struct {
	Passed     bool     `json:"passed"`
	Lines      []string `json:"lines"`      // the output, if it passed
	Difference []string `json:"difference"` // otherwise: "  " before lines that fit, "- " before one that is missing, "+ " before what is there instead
	Reason     string   `json:"reason"`     // why it did not pass, if the difference does not show it
	Cut        int      `json:"cut"`        // lines left out, because there are too many
	Next       int      `json:"next"`       // the step that is next; 0 once all are done
}

// Step does a step of a lesson. It begins the lesson if another one is played, or none: then the background commands of the other one end.
// The error is ErrNone, ErrHere, ErrOrder, ErrBusy, or the reason why the learner's copy cannot be used; a step that fails is an Outcome.
func (g *Guide) Step(ctx context.Context, number, step int, how How) (*Outcome, error) {
	l, err := g.find(number)
	if err != nil {
		return nil, err
	}
	if !l.RunsOn(Lab) {
		return nil, fmt.Errorf("lesson %d needs %s: %w", number, l.Needed(), ErrHere)
	}
	if step < 1 || step > len(l.actions(Lab)) {
		return nil, fmt.Errorf("lesson %d, step %d: %w", number, step, ErrNone)
	}
	leave, err := g.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err := g.play(l)
	if err != nil {
		return nil, err
	}
	if next := p.next(); next > 0 && next < step && !p.actions[step-1].optional() {
		return nil, fmt.Errorf("step %d: %w: step %d", step, ErrOrder, next)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.open, cancel)()
	o := p.outcome(ctx, p.actions[step-1], how)
	g.mu.Lock()
	defer g.mu.Unlock()
	p.done[step] = p.done[step] || o.Passed
	if o.Next = p.next(); o.Next == 0 && o.Passed {
		return o, CopyAt(g.directory).MarkDone(l.Name)
	}
	return o, nil
}

// Reset ends the lesson that is played and restores the learner's copy to its first state.
func (g *Guide) Reset() error {
	leave, err := g.enter()
	if err != nil {
		return err
	}
	defer leave()
	return errors.Join(g.leave(), CopyAt(g.directory).Reset())
}

// Leave ends a lesson: it begins again with its first step. A lesson that is not played stays as it is.
func (g *Guide) Leave(number int) error {
	l, err := g.find(number)
	if err != nil {
		return err
	}
	leave, err := g.enter()
	if err != nil {
		return err
	}
	defer leave()
	if g.played == nil || g.played.lesson != l {
		return nil
	}
	return g.leave()
}

// Close ends the running step and the lesson that is played. Later steps fail.
func (g *Guide) Close() error {
	g.end()
	g.turn <- struct{}{}
	defer func() { <-g.turn }()
	return g.leave()
}

// enter reserves the Guide for one caller, or returns ErrBusy.
func (g *Guide) enter() (leave func(), err error) {
	select {
	case g.turn <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	if g.open.Err() != nil {
		<-g.turn
		return nil, errors.New("the lab is stopping")
	}
	return func() { <-g.turn }, nil
}

// play returns the state of a lesson. It begins the lesson unless it is played already.
func (g *Guide) play(l *Lesson) (*played, error) {
	if g.played != nil && g.played.lesson == l {
		return g.played, nil
	}
	if err := g.leave(); err != nil {
		return nil, err
	}
	c, err := OpenCopy(g.directory)
	if err != nil {
		return nil, err
	}
	p, err := newPlayer(c, Lab, g.tool, g.addresses)
	if err != nil {
		return nil, err
	}
	p.lab = g.lab
	p.shell.limits = g.limits
	g.mu.Lock()
	defer g.mu.Unlock()
	g.played = &played{lesson: l, actions: l.actions(Lab), player: p, done: map[int]bool{}}
	return g.played, nil
}

// leave ends the lesson that is played, if any.
func (g *Guide) leave() error {
	g.mu.Lock()
	before := g.played
	g.played = nil
	g.mu.Unlock()
	if before == nil {
		return nil
	}
	return before.player.close()
}

// next returns the number of the first step that is not done, without optional ones; 0 if all are done.
func (p *played) next() int {
	for i, a := range p.actions {
		if !p.done[i+1] && !a.optional() {
			return i + 1
		}
	}
	return 0
}

// outcome does an action and returns its result.
func (p *played) outcome(ctx context.Context, a Part, how How) *Outcome {
	switch {
	case how == Skip:
		return outcomeOf(nil, nil)
	case how == Look && p.player.changed(a):
		return outcomeOf(nil, nil)
	case how == Look:
		return outcomeOf(nil, errors.New("the file does not have this change yet"))
	}
	lines, err := p.player.do(ctx, a)
	if err == nil && a.Kind.changes() {
		p.player.lab.Saved(p.player.root.Name())
	}
	return outcomeOf(lines, err)
}

// The bounds of the output that an Outcome holds.
const (
	maxLines = 400
	maxLine  = 2000 // bytes
)

func outcomeOf(lines []string, err error) *Outcome {
	o := &Outcome{Passed: err == nil, Lines: []string{}, Difference: []string{}}
	var d *Difference
	switch {
	case errors.As(err, &d):
		o.Reason = d.Reason
		o.Difference, o.Cut = bounded(d.Lines)
	case err != nil:
		o.Reason = err.Error()
	default:
		o.Lines, o.Cut = bounded(lines)
	}
	return o
}

// bounded returns the first lines, each without what is beyond its bound, and the number of lines that it leaves out.
func bounded(lines []string) (kept []string, cut int) {
	kept = []string{}
	for _, line := range lines[:min(len(lines), maxLines)] {
		if len(line) > maxLine {
			line = strings.ToValidUTF8(line[:maxLine], "") + "…"
		}
		kept = append(kept, line)
	}
	return kept, len(lines) - len(kept)
}
