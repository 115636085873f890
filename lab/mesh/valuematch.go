package mesh

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/pathtemplate"
)

// valueMatch matches one value of an attribute: a text, with an optional star at one end ("abc*", "*abc", or "*" for any text that is
// present), an expression, a range of addresses, or a port.
// (https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule)
type valueMatch struct {
	kind  valueKind
	text  string
	fold  bool
	block netip.Prefix // with valueBlock
	port  int          // with valuePort

	// With valueRegex, regex matches the whole value, and text holds its expression. A path's template is kept beside it.
	regex    *regexp.Regexp
	template pathtemplate.Template
}

type valueKind uint8

const (
	valueExact valueKind = iota
	valueHead
	valueTail
	valuePresent // not empty
	valueAny     // empty or not
	valueRegex
	valueBlock
	valuePort
)

func newValueMatches(values []string, fold bool) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		m := valueMatch{text: v, fold: fold}
		switch {
		case v == "*":
			m.kind, m.text = valuePresent, ""
		case strings.HasPrefix(v, "*"):
			m.kind, m.text = valueTail, v[1:]
		case strings.HasSuffix(v, "*"):
			m.kind, m.text = valueHead, v[:len(v)-1]
		}
		out = append(out, m)
	}
	return out
}

// newHeaderValues compiles values of a header. "*" matches a header that is present, even an empty one.
func newHeaderValues(values []string) []valueMatch {
	out := newValueMatches(values, false)
	for i := range out {
		if out[i].kind == valuePresent {
			out[i].kind = valueAny
		}
	}
	return out
}

// newNamespaces compiles namespaces. Istio compares a namespace with a star by an expression for the whole principal, so that a star also
// matches a slash.
// (pilot/pkg/security/authz/model/generator.go of Istio 1.31, srcNamespaceGenerator)
func newNamespaces(values []string) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		if strings.Contains(v, "*") {
			out = append(out, newValueRegex(".*/ns/"+strings.ReplaceAll(regexp.QuoteMeta(v), `\*`, ".*")+"/.*"))
		} else {
			out = append(out, valueMatch{text: v})
		}
	}
	return out
}

// newServiceAccounts compiles service accounts, NAME or NAMESPACE/NAME, to ends of principals. The default is the policy's namespace.
func newServiceAccounts(values []string, namespace string) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		if !strings.Contains(v, "/") {
			v = namespace + "/" + v
		}
		out = append(out, valueMatch{kind: valueTail, text: "/ns/" + strings.Replace(v, "/", "/sa/", 1)})
	}
	return out
}

// newPaths compiles paths, some of which may be templates.
func newPaths(values []string) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		if pathtemplate.Is(v) {
			template := pathtemplate.Parse(v)
			m := newValueRegex(template.Regex())
			m.template = template
			out = append(out, m)
		} else {
			out = append(out, newValueMatches([]string{v}, false)...)
		}
	}
	return out
}

// newValueRegex compiles an expression that is valid.
func newValueRegex(expression string) valueMatch {
	regex, err := istio.WholeRegex(expression)
	if err != nil {
		panic(err) // of an expression that the lab makes itself
	}
	return valueMatch{kind: valueRegex, text: expression, regex: regex}
}

// newBlocks compiles addresses and ranges of them. It skips invalid ones: an earlier check rejects them.
func newBlocks(values []string) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		block, err := netip.ParsePrefix(v)
		if address, errAddress := netip.ParseAddr(v); errAddress == nil {
			block, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err == nil {
			out = append(out, valueMatch{kind: valueBlock, block: block.Masked()})
		}
	}
	return out
}

// newPorts compiles ports. It skips invalid ones: an earlier check rejects them.
func newPorts(values []string) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		if n, err := strconv.Atoi(v); err == nil {
			out = append(out, valueMatch{kind: valuePort, port: n})
		}
	}
	return out
}

// matches reports whether the match accepts a text.
func (m *valueMatch) matches(value string) bool {
	n := len(m.text)
	switch m.kind {
	case valueAny:
		return true
	case valuePresent:
		return value != ""
	case valueHead:
		return len(value) >= n && m.same(value[:n])
	case valueTail:
		return len(value) >= n && m.same(value[len(value)-n:])
	case valueRegex:
		return m.regex.MatchString(value)
	default:
		return m.same(value)
	}
}

func (m *valueMatch) same(value string) bool {
	if m.fold {
		return equalFold(value, m.text)
	}
	return value == m.text
}
