package zipkin

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deeply the values of unknown keys may nest.
const maxDepth = 64

// scanner reads JSON in one pass, value by value, as the caller expects them. It exists beside encoding/json because a collector decodes
// tens of thousands of spans a second, must name the invalid field, and matches keys by case.
//
// As in Zipkin's reader, Gson, a number may be written as a string and the other way round, and strings may hold control characters.
type scanner struct {
	data []byte
	at   int
}

var errEnd = errors.New("the JSON ends too early")

// space skips white space and returns the next byte without consuming it, or 0 at the end.
func (s *scanner) space() byte {
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// unexpected returns an error that names what was found instead of what was wanted.
func (s *scanner) unexpected(want string) error {
	if s.space() == 0 {
		return errEnd
	}
	r, _ := utf8.DecodeRune(s.data[s.at:])
	return fmt.Errorf("want %s, got %q at byte %d", want, r, s.at)
}

// list reads an array and calls element, which reads one value, for each.
func (s *scanner) list(element func(i int) error) error {
	if s.space() != '[' {
		return s.unexpected("a list")
	}
	s.at++
	if s.space() == ']' {
		s.at++
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.at++
		case ']':
			s.at++
			return nil
		default:
			return s.unexpected("a comma or ] after the value")
		}
	}
}

// object reads an object and calls member, which reads one value, for each key.
func (s *scanner) object(member func(key string) error) error {
	if s.space() != '{' {
		return s.unexpected("an object")
	}
	s.at++
	if s.space() == '}' {
		s.at++
		return nil
	}
	for {
		if s.space() != '"' {
			return s.unexpected("a key")
		}
		key, err := s.quoted()
		if err != nil {
			return err
		}
		if s.space() != ':' {
			return s.unexpected("a colon after the key")
		}
		s.at++
		if err := member(known(key)); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return s.unexpected("a comma or } after the value")
		}
	}
}

// null consumes a null if one is next.
func (s *scanner) null() bool {
	if s.space() == 'n' && s.word("null") {
		return true
	}
	return false
}

// word consumes a literal if it is next and ends there.
func (s *scanner) word(literal string) bool {
	end := s.at + len(literal)
	if end > len(s.data) || string(s.data[s.at:end]) != literal || end < len(s.data) && isWord(s.data[end]) {
		return false
	}
	s.at = end
	return true
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// boolean reads true or false.
func (s *scanner) boolean() (bool, error) {
	switch s.space() {
	case 't':
		if s.word("true") {
			return true, nil
		}
	case 'f':
		if s.word("false") {
			return false, nil
		}
	}
	return false, s.unexpected("true or false")
}

// text reads a string, or a number as the string it is written as.
func (s *scanner) text() (string, error) {
	raw, err := s.scalar("a string")
	return string(raw), err
}

// integer reads a whole number, or a string that is one.
func (s *scanner) integer() (int64, error) {
	raw, err := s.scalar("a whole number")
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	// 1.5e9 is a whole number too
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, fmt.Errorf("want a whole number, got %.40q", raw)
	}
	return int64(f), nil
}

// scalar reads a string or number; the result is valid until the next call and may be part of the input.
func (s *scanner) scalar(want string) ([]byte, error) {
	switch c := s.space(); {
	case c == '"':
		return s.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return nil, s.unexpected(want)
}

// number reads a number in JSON's grammar.
func (s *scanner) number() ([]byte, error) {
	begin := s.at
	for s.at < len(s.data) {
		if c := s.data[s.at]; isWord(c) || c == '-' || c == '+' || c == '.' {
			s.at++
			continue
		}
		break
	}
	raw := s.data[begin:s.at]
	if !isNumber(raw) {
		return nil, fmt.Errorf("%.40q at byte %d is not a number", raw, begin)
	}
	return raw, nil
}

// isNumber checks a word against the grammar of RFC 8259, section 6.
func isNumber(raw []byte) bool {
	i := 0
	digits := func() bool {
		begin := i
		for i < len(raw) && raw[i] >= '0' && raw[i] <= '9' {
			i++
		}
		return i > begin
	}
	if i < len(raw) && raw[i] == '-' {
		i++
	}
	whole := i
	if !digits() || raw[whole] == '0' && i > whole+1 {
		return false
	}
	if i < len(raw) && raw[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(raw) && (raw[i] == 'e' || raw[i] == 'E') {
		if i++; i < len(raw) && (raw[i] == '+' || raw[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(raw)
}

// quoted reads a string. Without escapes, as nearly always, the result is a part of the input.
func (s *scanner) quoted() ([]byte, error) {
	s.at++ // the quote
	begin := s.at
	for i := begin; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return valid(s.data[begin:i]), nil
		case c == '\\':
			return s.escaped(begin, i)
		}
	}
	return nil, errEnd
}

// valid replaces invalid UTF-8, as Java's and Go's readers do.
func valid(raw []byte) []byte {
	if utf8.Valid(raw) {
		return raw
	}
	return []byte(string([]rune(string(raw))))
}

// escaped reads the rest of a string that began at begin and has its first backslash at i.
func (s *scanner) escaped(begin, i int) ([]byte, error) {
	out := append(make([]byte, 0, 2*(i-begin)+16), s.data[begin:i]...)
	for i < len(s.data) {
		switch c := s.data[i]; {
		case c == '"':
			s.at = i + 1
			return valid(out), nil
		case c != '\\':
			out = append(out, c)
			i++
		case i+1 >= len(s.data):
			return nil, errEnd
		case s.data[i+1] == 'u':
			r, next, err := s.unicode(i)
			if err != nil {
				return nil, err
			}
			out, i = utf8.AppendRune(out, r), next
		default:
			plain, ok := escapes[s.data[i+1]]
			if !ok {
				return nil, fmt.Errorf(`\%c at byte %d is not an escape of JSON`, s.data[i+1], i)
			}
			out, i = append(out, plain), i+2
		}
	}
	return nil, errEnd
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unicode reads \uXXXX at i, with its other half if it is one of a surrogate pair. Half a pair becomes U+FFFD.
func (s *scanner) unicode(i int) (rune, int, error) {
	unit := func(i int) (rune, bool) {
		if i+6 > len(s.data) || s.data[i] != '\\' || s.data[i+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(s.data[i+2:i+6]), 16, 16)
		return rune(n), err == nil
	}
	r, ok := unit(i)
	if !ok {
		return 0, 0, fmt.Errorf(`\u without four hex digits at byte %d`, i)
	}
	if !utf16.IsSurrogate(r) {
		return r, i + 6, nil
	}
	if low, ok := unit(i + 6); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, i + 12, nil
		}
	}
	return utf8.RuneError, i + 6, nil
}

// skip reads a value of any kind and forgets it.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values nest deeper than %d at byte %d", maxDepth, s.at)
	}
	switch c := s.space(); c {
	case '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.list(func(int) error { return s.skip(depth + 1) })
	case 't', 'f':
		_, err := s.boolean()
		return err
	case 'n':
		if s.null() {
			return nil
		}
		return s.unexpected("a value")
	default:
		_, err := s.scalar("a value")
		return err
	}
}
