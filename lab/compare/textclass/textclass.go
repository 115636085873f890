// Package textclass finds the texts that a list of regular expressions distinguishes.
package textclass

import (
	"cmp"
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"strings"
)

// Class describes a set of texts that no pattern of a list distinguishes, with one or two of them. The classes of a list are disjoint.
type Class struct {
	Text string
	More string  // another text; empty if there is none
	In   []int32 // the patterns that match its texts, ascending
}

// Matches reports whether the i-th pattern matches the texts of the class.
func (c *Class) Matches(i int32) bool {
	_, found := slices.BinarySearch(c.In, i)
	return found
}

// maxTextStates bounds the search of classes. A list of ten thousand exact texts needs about one state for each of their characters.
const maxTextStates = 500_000

// alphabet holds the characters of the texts, in the order of preference.
const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./:,;=?&@!$'()*+~[]{}<>|^`\"\\#% \t"

// Cache remembers the classes of patterns.
type Cache map[string]found

type found struct {
	list     []Class
	complete bool
}

// Of returns what the function Of returns. The caller does not change the list.
func (c Cache) Of(patterns []string, valid string, preferred ...string) (list []Class, complete bool) {
	key := strings.Join(slices.Concat(patterns, []string{valid}, preferred), "\x00")
	known, ok := c[key]
	if !ok {
		known.list, known.complete = Of(patterns, valid, preferred...)
		c[key] = known
	}
	return known.list, known.complete
}

// Of returns one text for every combination of patterns that some valid text matches together, the shortest that there is, or one of
// preferred if it belongs to the same class. The patterns are RE2 expressions for the whole text, as is valid. Texts are of the characters
// in alphabet. complete is false if the search was given up at maxTextStates; then classes are missing.
//
// It runs all expressions side by side, as nondeterministic automata, on all texts together: it searches the product automaton, whose states
// are sets of positions in the expressions, breadth first. Texts that lead to one state have the same future.
func Of(patterns []string, valid string, preferred ...string) (list []Class, complete bool) {
	s := &search{seen: map[string]int{}, found: map[string]int{}}
	for _, p := range append([]string{valid}, patterns...) {
		s.add(p)
	}
	s.visit(s.first(), -1, "")
	for n := 0; n < len(s.queue); n++ {
		if n >= maxTextStates {
			return s.classes, false
		}
		s.step(s.queue[n])
		s.queue[n] = visited{}
	}
	return s.prefer(preferred), true
}

// prefer returns the classes, with the preferred texts in those that have one. These classes come first, in that order.
func (s *search) prefer(preferred []string) []Class {
	var first []Class
	taken := map[string]bool{}
	for _, text := range preferred {
		in, ok := s.run(text)
		key := Key(in)
		if !ok || taken[key] {
			continue
		}
		taken[key] = true
		c := s.classes[s.found[key]]
		if c.Text != text {
			c.Text, c.More = text, c.Text
		}
		first = append(first, c)
	}
	for _, c := range s.classes {
		if !taken[Key(c.In)] {
			first = append(first, c)
		}
	}
	return first
}

// search is a breadth-first search over the product automaton of some expressions. The first one is the condition that a text is valid.
type search struct {
	programs []*syntax.Prog
	queue    []visited
	seen     map[string]int // by state, the index in classes of the texts that end there; -1 for none
	found    map[string]int // the index in classes by the patterns that match
	classes  []Class
}

// thread is a position in one of the programs.
type thread struct{ program, at uint32 }

// visited is a state of the product automaton: its threads, before empty-width instructions, and how it was reached.
type visited struct {
	threads  []thread
	previous rune // -1 at the beginning
	text     string
}

// add compiles an expression. The mesh has compiled it before, so it is valid.
func (s *search) add(pattern string) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		re = &syntax.Regexp{Op: syntax.OpNoMatch}
	}
	program, err := syntax.Compile(re.Simplify())
	if err != nil {
		program, _ = syntax.Compile(&syntax.Regexp{Op: syntax.OpNoMatch})
	}
	s.programs = append(s.programs, program)
}

func (s *search) first() []thread {
	threads := make([]thread, len(s.programs))
	for i, p := range s.programs {
		threads[i] = thread{uint32(i), uint32(p.Start)}
	}
	return threads
}

// visit adds a state to the queue unless it is known, and its text to the class that it belongs to.
func (s *search) visit(threads []thread, previous rune, text string) {
	if len(threads) == 0 || threads[0].program != 0 {
		return // no continuation is valid
	}
	state := stateKey(threads, previous)
	n, known := s.seen[state]
	if !known {
		n = s.classOf(threads, previous, text)
		s.seen[state] = n
		s.queue = append(s.queue, visited{threads, previous, text})
	}
	if n >= 0 && s.classes[n].More == "" && s.classes[n].Text != text {
		s.classes[n].More = text
	}
}

// classOf returns the index of the class of a text, which may be a new one; -1 if the text is not valid.
func (s *search) classOf(threads []thread, previous rune, text string) int {
	in, ok := s.accepted(threads, previous)
	if !ok {
		return -1
	}
	key := Key(in)
	n, known := s.found[key]
	if !known {
		n = len(s.classes)
		s.found[key] = n
		s.classes = append(s.classes, Class{Text: text, In: in})
	}
	return n
}

// stateKey is equal for equal states. It includes only what empty-width instructions check of the previous character.
func stateKey(threads []thread, previous rune) string {
	key := make([]byte, 1, 1+8*len(threads))
	switch {
	case previous < 0:
		key[0] = 0
	case syntax.IsWordChar(previous):
		key[0] = 1
	default:
		key[0] = 2
	}
	for _, t := range threads {
		key = binary.LittleEndian.AppendUint32(key, t.program)
		key = binary.LittleEndian.AppendUint32(key, t.at)
	}
	return string(key)
}

// Key is equal for equal lists.
func Key(in []int32) string {
	var key []byte
	for _, i := range in {
		key = binary.LittleEndian.AppendUint32(key, uint32(i))
	}
	return string(key)
}

// accepted returns the patterns that match a text that ends here, and whether it is valid.
func (s *search) accepted(threads []thread, previous rune) (in []int32, valid bool) {
	for _, t := range s.closure(threads, syntax.EmptyOpContext(previous, -1)) {
		if s.programs[t.program].Inst[t.at].Op != syntax.InstMatch {
			continue
		}
		if t.program == 0 {
			valid = true
		} else {
			in = append(in, int32(t.program)-1)
		}
	}
	return slices.Compact(in), valid
}

// closure follows all instructions that read no character, and returns those that do or that match, sorted by program.
func (s *search) closure(threads []thread, context syntax.EmptyOp) []thread {
	var out []thread
	on := map[thread]struct{}{}
	var follow func(t thread)
	follow = func(t thread) {
		if _, done := on[t]; done {
			return
		}
		on[t] = struct{}{}
		switch inst := &s.programs[t.program].Inst[t.at]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			follow(thread{t.program, inst.Out})
			follow(thread{t.program, inst.Arg})
		case syntax.InstCapture, syntax.InstNop:
			follow(thread{t.program, inst.Out})
		case syntax.InstEmptyWidth:
			if want := syntax.EmptyOp(inst.Arg); context&want == want {
				follow(thread{t.program, inst.Out})
			}
		case syntax.InstFail:
		default:
			out = append(out, t)
		}
	}
	for _, t := range threads {
		follow(t)
	}
	return out
}

// step visits the states after one more character. If several characters lead to the same state, it uses the first one of the alphabet.
func (s *search) step(from visited) {
	closures := map[syntax.EmptyOp][]thread{}
	for _, r := range alphabet {
		context := syntax.EmptyOpContext(from.previous, r)
		open, ok := closures[context]
		if !ok {
			open = s.closure(from.threads, context)
			closures[context] = open
		}
		s.visit(s.after(open, r), r, from.text+string(r))
	}
}

// after returns the threads after a character, sorted.
func (s *search) after(open []thread, r rune) []thread {
	var next []thread
	for _, t := range open {
		inst := &s.programs[t.program].Inst[t.at]
		if inst.Op == syntax.InstMatch || !inst.MatchRune(r) {
			continue
		}
		next = append(next, thread{t.program, inst.Out})
	}
	slices.SortFunc(next, func(a, b thread) int {
		return cmp.Or(cmp.Compare(a.program, b.program), cmp.Compare(a.at, b.at))
	})
	return slices.Compact(next)
}

// run returns the patterns that match a text, and whether it is valid.
func (s *search) run(text string) (in []int32, valid bool) {
	threads, previous := s.first(), rune(-1)
	for _, r := range text {
		threads = s.after(s.closure(threads, syntax.EmptyOpContext(previous, r)), r)
		previous = r
	}
	return s.accepted(threads, previous)
}
