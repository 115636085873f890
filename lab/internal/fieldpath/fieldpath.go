// Package fieldpath reads and writes the path of a field in an object, such as spec.http[1].route[0].weight, and writes values as messages have
// them beside it.
package fieldpath

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// step matches a field, an index or a quoted key of a path.
var step = regexp.MustCompile(`\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)`)

// Steps splits a path such as spec.http[1].route[0] into its steps.
func Steps(path string) (steps []string) {
	for _, m := range step.FindAllStringSubmatch(path, -1) {
		switch {
		case m[1] != "":
			key, err := strconv.Unquote(`"` + m[1] + `"`)
			if err != nil {
				key = m[1]
			}
			steps = append(steps, key)
		case m[2] != "":
			steps = append(steps, m[2])
		default:
			steps = append(steps, m[3])
		}
	}
	return steps
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// IsPlain reports whether a key can follow a dot in a path.
func IsPlain(key string) bool { return plain.MatchString(key) }

// Join returns the path of a field, or of a key of a mapping, below a path: "spec.http", or "metadata.labels[\"a/b\"]".
func Join(path, name string) string {
	switch {
	case path == "":
		return name
	case !IsPlain(name):
		return fmt.Sprintf("%s[%q]", path, name)
	}
	return path + "." + name
}

// Index returns the index of a step, or -1.
func Index(step string) int {
	n, err := strconv.Atoi(step)
	if err != nil {
		return -1
	}
	return n
}

// Compare compares two paths, as cmp.Compare does. It orders them so that http[2] is before http[10].
func Compare(a, b string) int {
	for a != "" && b != "" {
		na, nb := leadingDigits(a), leadingDigits(b)
		if na != "" && nb != "" {
			// A longer number without leading zeros is greater.
			if c := cmp.Or(cmp.Compare(len(na), len(nb)), cmp.Compare(na, nb)); c != 0 {
				return c
			}
			a, b = a[len(na):], b[len(nb):]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i]
}

// PointerSteps returns the steps of a JSON pointer (RFC 6901).
func PointerSteps(pointer string) []string {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[i])
	}
	return steps
}

// Pointer returns a path as a JSON pointer (RFC 6901), the form of a JSON patch: "/spec/http/1/route/0/weight".
func Pointer(path string) string {
	var b strings.Builder
	for _, step := range Steps(path) {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	return b.String()
}

// Quote formats a string for a message, escaped and shortened.
func Quote(s string) string {
	const long = 80
	if len(s) > long {
		return strconv.Quote(s[:long]) + "…"
	}
	return strconv.Quote(s)
}
