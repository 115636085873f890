package zipkin

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Tag is one tag of a span.
type Tag struct{ Key, Value string }

// Tags holds the tags of a span. A normalized span has them sorted by key, and each key once. In JSON they are an object.
//
// It is a list instead of a map because a span has some twenty tags, is made for every request, and is mostly read from beginning to end.
type Tags []Tag

// TagsOf returns the tags of a map, sorted.
func TagsOf(m map[string]string) Tags {
	var t Tags
	for _, key := range slices.Sorted(maps.Keys(m)) {
		t = append(t, Tag{key, m[key]})
	}
	return t
}

// Get returns the value of a key, or "" if there is no such tag.
func (t Tags) Get(key string) string {
	value, _ := t.Lookup(key)
	return value
}

// Lookup returns the value of a key, and whether there is such a tag.
func (t Tags) Lookup(key string) (value string, ok bool) {
	for i := range t {
		if t[i].Key == key {
			return t[i].Value, true
		}
	}
	return "", false
}

// With returns the tags of both. For a key that both have, more has the value.
func (t Tags) With(more Tags) Tags { return slices.Concat(t, more).normal() }

// normal returns the tags sorted by key, in place. Of several values for one key it keeps the last, as a map does.
func (t Tags) normal() Tags {
	if t.isNormal() {
		return t
	}
	slices.SortStableFunc(t, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	kept := t[:0]
	for i := range t {
		if i+1 == len(t) || t[i].Key != t[i+1].Key {
			kept = append(kept, t[i])
		}
	}
	return kept
}

func (t Tags) isNormal() bool {
	for i := 1; i < len(t); i++ {
		if t[i-1].Key >= t[i].Key {
			return false
		}
	}
	return true
}

// MarshalJSON implements json.Marshaler.
func (t Tags) MarshalJSON() ([]byte, error) { return t.append(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Tags) UnmarshalJSON(data []byte) error {
	var m map[string]string
	err := json.Unmarshal(data, &m)
	*t = TagsOf(m)
	return err
}

// append appends the tags as an object.
func (t Tags) append(b []byte) []byte {
	b = append(b, '{')
	for i := range t {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(appendText(b, t[i].Key), ':'), t[i].Value)
	}
	return append(b, '}')
}
