package answer

import (
	"net/http"
	"strconv"
	"strings"
)

// JSONType, TextType and HTMLType are the media types that the services produce.
const (
	JSONType = "application/json"
	TextType = "text/plain"
	HTMLType = "text/html"
)

// Prefers reports whether the request's Accept header ranks media type one above other, with quality values and wildcards as in RFC 9110,
// 12.5.1. other is the service's default: it also wins when Accept is missing, is */*, or ranks both the same.
func Prefers(r *http.Request, one, other string) bool {
	accept := r.Header["Accept"]
	if len(accept) == 0 {
		return false
	}
	list := strings.Join(accept, ",")
	return quality(list, one) > quality(list, other)
}

// quality returns the weight that an Accept list gives a media type: the weight of the most specific range that matches, or 0 if none
// matches.
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

// weightOf returns the q parameter of a media range: 1 if it is missing, 0 if it is not a number from 0 to 1.
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
