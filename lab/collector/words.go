package collector

import (
	"hash/maphash"
	"strings"
)

const (
	wordMin   = 3       // bytes: a shorter text is as short as its number
	wordMax   = 128     // bytes: a longer text is rarely repeated
	wordBytes = 80      // of a word beside its text: its places in the list and in the map
	remember  = 1 << 12 // texts that were seen once
)

// words holds each text that spans have in common once, for as long as a span has it. A text becomes a word when it is seen for the second
// time within a short while: many texts, such as ids, are unique, and cost less where they are.
type words struct {
	numbers map[string]uint32
	list    []word // by number
	free    []uint32
	seed    maphash.Seed
	once    []uint64 // hashes of texts that were seen once, each at a place that its hash determines
	bytes   int64    // estimated memory
	buffer  []byte   // of the span that is being packed
}

type word struct {
	text string
	uses int
}

func newWords() words {
	return words{numbers: map[string]uint32{}, seed: maphash.MakeSeed(), once: make([]uint64, remember)}
}

// use returns the number of a word, and counts a use of it. ok is false for a text that is not a word.
func (w *words) use(text string) (number uint32, ok bool) {
	if len(text) < wordMin || len(text) > wordMax {
		return 0, false
	}
	if number, ok = w.numbers[text]; ok {
		w.list[number].uses++
		return number, true
	}
	hash := maphash.String(w.seed, text)
	if place := &w.once[hash%remember]; *place != hash {
		*place = hash
		return 0, false
	}
	return w.add(text), true
}

func (w *words) add(text string) uint32 {
	text = strings.Clone(text) // it may be a part of a larger text, which would stay
	number := uint32(len(w.list))
	if last := len(w.free) - 1; last >= 0 {
		number, w.free = w.free[last], w.free[:last]
		w.list[number] = word{text, 1}
	} else {
		w.list = append(w.list, word{text, 1})
	}
	w.numbers[text] = number
	w.bytes += int64(len(text)) + wordBytes
	return number
}

// drop ends a use of a word.
func (w *words) drop(number uint32) {
	word := &w.list[number]
	if word.uses--; word.uses > 0 {
		return
	}
	delete(w.numbers, word.text)
	w.bytes -= int64(len(word.text)) + wordBytes
	word.text = ""
	w.free = append(w.free, number)
}
