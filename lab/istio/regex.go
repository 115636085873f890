package istio

import (
	"fmt"
	"regexp"
)

// WholeRegex compiles an RE2 expression that must match a whole text, as Envoy's safe_regex does.
func WholeRegex(expression string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expression); err != nil { // without the group, so that ")(" is invalid
		return nil, fmt.Errorf("want an RE2 expression, got %q: %w", expression, err)
	}
	return regexp.Compile(`\A(?:` + expression + `)\z`)
}
