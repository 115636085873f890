package answer

import (
	"net/http"
	"strconv"
	"strings"
)

// JSONType, TextType and HTMLType are the media types that services choose among.
const (
	JSONType = "application/json"
	TextType = "text/plain"
	HTMLType = "text/html"
)

// Prefers tells whether the request's Accept puts one media type before the other, with quality values and wildcards as in RFC
// 9110, 12.5.1. The other is a service's usual answer, meant also when Accept is missing, says */* or does not tell them apart.
func Prefers(r *http.Request, one, other string) bool {
	accept := r.Header["Accept"]
	if len(accept) == 0 {
		return false
	}
	list := strings.Join(accept, ",")
	return quality(list, one) > quality(list, other)
}

// quality is the weight that an Accept list gives a media type: that of its most specific range which matches, 0 when none does.
func quality(list, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	weight, specific := 0.0, 0
	for item := range strings.SplitSeq(list, ",") {
		name, parameters, _ := strings.Cut(item, ";")
		level := 0
		switch strings.ToLower(strings.TrimSpace(name)) {
		case mediaType:
			level = 3
		case kind + "/*":
			level = 2
		case "*/*":
			level = 1
		}
		if level > specific {
			weight, specific = weightOf(parameters), level
		}
	}
	return weight
}

// weightOf is the q among a range's parameters; 1 without, 0 when it is no number from 0 to 1.
func weightOf(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
