package mesh

import (
	"fmt"
	"regexp"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// wholePath is the expression by which istiod lets an HTTPRoute replace the whole path.
const wholePath = "/.*"

// newRewrite compiles a rewrite under a path match. It replaces the matched part of the path: a prefix literally, so that "/old/" rewritten
// to "/new" turns "/old/a" into "/newa"; the whole path under an exact match or a regex. The query does not change.
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto, prefix_rewrite and regex_rewrite)
func newRewrite(r *networking.HTTPRewrite, match *pathMatch) (*Rewrite, error) {
	out := &Rewrite{Authority: r.GetAuthority()}
	switch regex := r.GetUriRegexRewrite(); {
	case regex != nil:
		rewrite, err := regexRewrite(regex.GetMatch(), regex.GetRewrite())
		if err != nil {
			return nil, err
		}
		out.URI, out.Regex = rewrite, regex.GetMatch() != wholePath || strings.Contains(regex.GetRewrite(), `\`)
		out.Text = fmt.Sprintf("every match of regex %q replaced by %q", regex.GetMatch(), regex.GetRewrite())
	case r.GetUri() != "":
		out.URI, out.Text = prefixRewrite(match, r.GetUri()), prefixText(match, r.GetUri())
		if match.isPrefix() {
			out.From, out.To = match.text, r.GetUri()
		}
		if match.kind == matchSegments && r.GetUri() == "/" {
			out.URI = withoutSegments(match.text)
		}
	}
	return out, nil
}

// withoutSegments returns a function that removes a prefix of whole segments, as Istio does for a prefix replaced by "/": "/old/a" becomes
// "/a", and "/old" becomes "/".
// (pilot/pkg/networking/core/route/route.go of Istio 1.31, applyHTTPRouteDestination)
func withoutSegments(prefix string) func(string) string {
	return func(p string) string { return "/" + strings.TrimPrefix(p[min(len(prefix), len(p)):], "/") }
}

// prefixRewrite returns a function that replaces the matched part of the path.
func prefixRewrite(match *pathMatch, uri string) func(string) string {
	if match.isPrefix() {
		n := len(match.text)
		return func(p string) string { return uri + p[min(n, len(p)):] }
	}
	return func(p string) string {
		path, _ := splitPath(p)
		return uri + p[len(path):]
	}
}

// prefixText describes the function of prefixRewrite.
func prefixText(match *pathMatch, uri string) string {
	if match.isPrefix() {
		return fmt.Sprintf("prefix %q replaced by %q", match.text, uri)
	}
	return fmt.Sprintf("replaced by %q", uri)
}

// regexRewrite returns a function that replaces every match of an RE2 expression in the path with a text in which \1 means the first group.
func regexRewrite(expression, text string) (func(string) string, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("match: want an RE2 expression, got %q: %w", expression, err)
	}
	template, err := expandTemplate(text, re.NumSubexp())
	if err != nil {
		return nil, err
	}
	return func(p string) string {
		path, _ := splitPath(p)
		return re.ReplaceAllString(path, template) + p[len(path):]
	}, nil
}

// expandTemplate turns RE2's substitution syntax into Go's: a digit (of a group) or another backslash follows a backslash.
// (https://github.com/google/re2/blob/main/re2/re2.h, RE2::CheckRewriteString)
func expandTemplate(text string, groups int) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '$':
			b.WriteString("$$")
		case c != '\\':
			b.WriteByte(c)
		case i+1 < len(text) && text[i+1] == '\\':
			b.WriteByte('\\')
			i++
		case i+1 < len(text) && '0' <= text[i+1] && text[i+1] <= '9':
			group := int(text[i+1] - '0')
			if group > groups {
				return "", fmt.Errorf("rewrite: want at most \\%d, which the match has groups for, got %q", groups, text)
			}
			fmt.Fprintf(&b, "${%d}", group)
			i++
		default:
			return "", fmt.Errorf("rewrite: want a digit or a backslash after each backslash, got %q", text)
		}
	}
	return b.String(), nil
}
