package zipkin

import (
	"encoding/json"
	"testing"
)

// The scanner and encoding/json agree on which words are numbers.
func TestIsNumber(t *testing.T) {
	t.Parallel()
	numbers := 0
	for _, word := range []string{
		"0", "-0", "7", "10", "-12", "0.5", "1.50", "1e3", "1E+3", "1e-3", "-1.5e10", "",
		"-", "+1", "01", "-01", ".5", "1.", "1.e3", "1e", "1e+", "1.5.2", "1-2", "0x10", "1_000", "NaN", "Infinity", "1e3e3", "00", "--1",
	} {
		got, want := isNumber([]byte(word)), json.Valid([]byte(word))
		if got != want {
			t.Errorf("%q: %t, and encoding/json says %t", word, got, want)
		}
		if want {
			numbers++
		}
	}
	if numbers != 11 {
		t.Errorf("%d of the words are numbers, want 11", numbers)
	}
}

// skip and encoding/json agree on which texts are values.
func TestSkip(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`null`, `true`, `false`, `"a"`, `"\u00e9\n"`, `1.5e3`, `[]`, `{}`, `[1,[2,{"a":null}],"x"]`, `{"a":{"b":[true,false]}}`, " [ 1 , 2 ] ",
		`nul`, `nulls`, `tru`, `True`, `"a`, `"\q"`, `"\u12g4"`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{1:2}`, `[`, `{`, `{"a":1`, `]`, `}`, ``, `,`, `1]`,
	} {
		s := scanner{data: []byte(text)}
		err := s.skip(0)
		whole := err == nil && s.space() == 0
		if valid := json.Valid([]byte(text)); whole != valid {
			t.Errorf("%s: skip says %v at byte %d, encoding/json says valid %t", text, err, s.at, valid)
		}
	}
}
