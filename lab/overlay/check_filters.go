package overlay

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/overlay/validate"
)

// checkFilters checks the filters of a rule or of one of its destinations. matches are the rule's.
func checkFilters(at problems, path string, filters []HTTPRouteFilter, matches []HTTPRouteMatch) {
	checkCount(at, path, len(filters), maxEntries)
	once := map[string]bool{"CORS": true, "RequestHeaderModifier": true, "ResponseHeaderModifier": true, "RequestRedirect": true, "URLRewrite": true}
	seen := map[string]bool{}
	for i := range filters {
		f, path := &filters[i], fmt.Sprintf("%s[%d]", path, i)
		if once[f.Type] && seen[f.Type] {
			at.add(path+".type", "%s appears twice", f.Type)
		}
		seen[f.Type] = true
		checkFilter(at, path, f, matches)
	}
	if seen["RequestRedirect"] && seen["URLRewrite"] {
		at.add(path, "want RequestRedirect or URLRewrite, got both")
	}
}

// checkFilter checks that a filter has the field of its type and no other one, and the field.
func checkFilter(at problems, path string, f *HTTPRouteFilter, matches []HTTPRouteMatch) {
	set := map[string]bool{"RequestHeaderModifier": f.RequestHeaderModifier != nil, "ResponseHeaderModifier": f.ResponseHeaderModifier != nil,
		"RequestMirror": f.RequestMirror != nil, "RequestRedirect": f.RequestRedirect != nil, "URLRewrite": f.URLRewrite != nil, "CORS": f.CORS != nil}
	fields := map[string]string{"RequestHeaderModifier": "requestHeaderModifier", "ResponseHeaderModifier": "responseHeaderModifier",
		"RequestMirror": "requestMirror", "RequestRedirect": "requestRedirect", "URLRewrite": "urlRewrite", "CORS": "cors"}
	types := []string{"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "CORS"}
	checkEnum(at, path+".type", f.Type, append(slices.Clone(types), "ExtensionRef", "ExternalAuth")...)
	for _, t := range types {
		field := path + "." + fields[t]
		switch {
		case t == f.Type && !set[t]:
			at.add(field, "missing: the type is %s", t)
		case t != f.Type && set[t]:
			at.add(field, "want none: the type is %s", f.Type)
		}
	}
	checkModifier(at, path+".requestHeaderModifier", f.RequestHeaderModifier, validate.RequestHeader)
	checkModifier(at, path+".responseHeaderModifier", f.ResponseHeaderModifier, validate.WrittenHeader)
	checkRequestMirror(at, path+".requestMirror", f.RequestMirror)
	checkRequestRedirect(at, path+".requestRedirect", f.RequestRedirect, matches)
	checkFilterCORS(at, path+".cors", f.CORS)
	if w := f.URLRewrite; w != nil {
		if w.Hostname != "" {
			checkHostname(at, path+".urlRewrite.hostname", w.Hostname, false)
		}
		checkPathModifier(at, path+".urlRewrite.path", w.Path, matches)
	}
}

// corsOrigin matches an origin that a CORS filter allows.
var corsOrigin = regexp.MustCompile(`^(\*|https?://((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:[0-9]{1,5})?)$`)

func checkFilterCORS(at problems, path string, c *CORS) {
	if c == nil {
		return
	}
	for _, list := range []struct {
		field  string
		values []string
		most   int
		single bool // whether * cannot be combined with other values
		valid  func(string) bool
	}{
		{".allowOrigins", c.AllowOrigins, 64, true, func(s string) bool { return len(s) <= 253 && corsOrigin.MatchString(s) }},
		{".allowMethods", c.AllowMethods, 9, true, func(s string) bool { return slices.Contains(validate.CORSMethods, s) }},
		{".allowHeaders", c.AllowHeaders, 64, true, func(s string) bool { return len(s) <= 256 && gatewayHeader.MatchString(s) }},
		{".exposeHeaders", c.ExposeHeaders, 64, false, func(s string) bool { return len(s) <= 256 && gatewayHeader.MatchString(s) }},
	} {
		checkCount(at, path+list.field, len(list.values), list.most)
		if list.single && len(list.values) > 1 && slices.Contains(list.values, "*") {
			at.add(path+list.field, "want only *, got more")
		}
		for i, v := range list.values {
			path := fmt.Sprintf("%s%s[%d]", path, list.field, i)
			if !list.valid(v) {
				at.add(path, "want %s, got %s", map[string]string{".allowOrigins": "an origin such as https://shop.test", ".allowMethods": "a method"}[list.field]+
					map[bool]string{true: "the name of a header"}[strings.HasSuffix(list.field, "Headers")], fieldpath.Quote(v))
			}
			if slices.Contains(list.values[:i], v) {
				at.add(path, "%s appears twice", fieldpath.Quote(v))
			}
		}
	}
	if *c.MaxAge < 1 {
		at.add(path+".maxAge", "want at least 1, got %d", *c.MaxAge)
	}
}

// checkModifier checks changes of headers: their form, and that the proxy may make them, as for a VirtualService.
func checkModifier(at problems, path string, m *HeaderModifier, name func(string) string) {
	if m == nil {
		return
	}
	for _, list := range []struct {
		field   string
		headers []HTTPHeader
	}{{".set", m.Set}, {".add", m.Add}} {
		checkCount(at, path+list.field, len(list.headers), maxEntries)
		names := map[string]bool{}
		for i, h := range list.headers {
			path := fmt.Sprintf("%s%s[%d]", path, list.field, i)
			checkHeaderName(at, path+".name", h.Name, names)
			if why := name(h.Name); why != "" && gatewayHeader.MatchString(h.Name) {
				at.add(path+".name", "%s", why)
			}
			checkGatewayValue(at, path+".value", h.Value)
			if why := validate.HeaderValue(h.Value); why != "" {
				at.add(path+".value", "%s", why)
			}
		}
	}
	checkCount(at, path+".remove", len(m.Remove), maxEntries)
	for i, h := range m.Remove {
		path := fmt.Sprintf("%s.remove[%d]", path, i)
		if slices.Contains(m.Remove[:i], h) {
			at.add(path, "%s appears twice", fieldpath.Quote(h))
		}
		if why := validate.RemovedHeader(h); why != "" {
			at.add(path, "%s", why)
		} else if strings.EqualFold(h, "content-length") && strings.HasSuffix(path[:strings.LastIndex(path, ".")], "requestHeaderModifier") {
			at.add(path, "the proxy frames messages itself: the lab does not let this header be removed from requests")
		}
	}
}

func checkRequestMirror(at problems, path string, m *RequestMirror) {
	if m == nil {
		return
	}
	checkBackendRef(at, path+".backendRef", m.BackendRef)
	if m.Percent != nil && (*m.Percent < 0 || *m.Percent > 100) {
		at.add(path+".percent", "want 0 to 100, got %d", *m.Percent)
	}
	if f := m.Fraction; f != nil {
		switch {
		case m.Percent != nil:
			at.add(path+".fraction", "want percent or fraction, got both")
		case *f.Denominator < 1:
			at.add(path+".fraction.denominator", "want at least 1, got %d", *f.Denominator)
		case f.Numerator < 0 || f.Numerator > *f.Denominator:
			at.add(path+".fraction.numerator", "want 0 to %d, got %d", *f.Denominator, f.Numerator)
		}
	}
}

func checkRequestRedirect(at problems, path string, r *RequestRedirect, matches []HTTPRouteMatch) {
	if r == nil {
		return
	}
	checkEnum(at, path+".scheme", r.Scheme, "", "http", "https")
	if r.Hostname != "" {
		checkHostname(at, path+".hostname", r.Hostname, false)
	}
	if r.Port != 0 {
		checkPort(at, path+".port", r.Port)
	}
	if !slices.Contains([]int{301, 302, 303, 307, 308}, r.StatusCode) {
		at.add(path+".statusCode", "want 301, 302, 303, 307 or 308, got %d", r.StatusCode)
	}
	checkPathModifier(at, path+".path", r.Path, matches)
}

// checkPathModifier checks a change of the path. One of a prefix needs the one prefix of the rule.
func checkPathModifier(at problems, path string, m *PathModifier, matches []HTTPRouteMatch) {
	if m == nil {
		return
	}
	checkEnum(at, path+".type", m.Type, "ReplaceFullPath", "ReplacePrefixMatch")
	for _, f := range []struct {
		name, field string
		value       *string
	}{{"ReplaceFullPath", ".replaceFullPath", m.ReplaceFullPath}, {"ReplacePrefixMatch", ".replacePrefixMatch", m.ReplacePrefixMatch}} {
		switch {
		case f.value == nil && m.Type == f.name:
			at.add(path+f.field, "missing: the type is %s", f.name)
		case f.value != nil && m.Type != f.name:
			at.add(path+f.field, "want none: the type is %s", m.Type)
		case f.value != nil && len(*f.value) > 1024:
			at.add(path+f.field, "want at most 1024 characters, got %d", len(*f.value))
		case f.value != nil:
			validate.WireText(at.add, path+f.field, *f.value)
		}
	}
	if m.ReplacePrefixMatch != nil && (len(matches) != 1 || matches[0].Path.Type != "PathPrefix") {
		at.add(path+".replacePrefixMatch", "want exactly one match, of type PathPrefix")
	}
}
