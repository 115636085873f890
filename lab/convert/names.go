package convert

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// maxName bounds the name of a Service in characters. Other names could be longer.
const maxName = 63

// names holds the names of objects that exist, by kind, namespace and name.
type names map[string]bool

func (n names) take(m overlay.Meta) { n[m.String()] = true }

// claim is a name that an object wants.
type claim struct {
	meta overlay.Meta // with the wanted name
	of   string       // what the object is made of; unique among the claims
}

// give names objects. An object gets the name that it wants, as a valid one. If an object has that name already, or several want it, each of
// them gets a suffix that depends on nothing but what it is made of. So names do not depend on the order of files.
func (n names) give(claims []claim) []overlay.Meta {
	wanted := map[string]int{}
	out := make([]overlay.Meta, len(claims))
	for i, c := range claims {
		out[i] = c.meta
		out[i].Name = validName(c.meta.Name)
		wanted[out[i].String()]++
	}
	for i, c := range claims {
		if key := out[i].String(); wanted[key] > 1 || n[key] || len(out[i].Name) > maxName {
			out[i].Name = out[i].Name[:min(len(out[i].Name), maxName-9)] + "-" + digest(c.of)
		}
	}
	for _, m := range out {
		n.take(m)
	}
	return out
}

// digest returns eight characters that identify a text.
func digest(text string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return fmt.Sprintf("%08x", h.Sum32())
}

// validName returns the nearest name of a DNS label: in lower case, with - for every other character.
func validName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	return strings.Trim(name, "-")
}
