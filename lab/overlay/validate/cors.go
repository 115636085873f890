package validate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	networking "istio.io/api/networking/v1alpha3"
)

// CORSMethods lists the methods that Istio accepts in a corsPolicy.
var CORSMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"}

// checkCORS applies Istio's validateCORSPolicy.
func checkCORS(at Report, path string, p *networking.CorsPolicy) {
	for i, origin := range p.GetAllowOrigins() {
		path := fmt.Sprintf("%s.allowOrigins[%d]", path, i)
		if origin.GetExact()+origin.GetPrefix()+origin.GetRegex() == "" {
			at(path, "empty, want exact, prefix or regex with at least one character")
			continue
		}
		checkMatch(at, path, origin, false)
	}
	for i, method := range p.GetAllowMethods() {
		if !slices.Contains(CORSMethods, method) {
			at(fmt.Sprintf("%s.allowMethods[%d]", path, i), "want one of %s, got %s", strings.Join(CORSMethods, ", "), fieldpath.Quote(method))
		}
	}
	checkCORSHeaders(at, path+".allowHeaders", p.GetAllowHeaders())
	checkCORSHeaders(at, path+".exposeHeaders", p.GetExposeHeaders())
	if age := p.GetMaxAge(); age != nil && (age.AsDuration() < time.Second || age.GetNanos() != 0) {
		at(path+".maxAge", "want at least 1s, in whole seconds, got %v", age.AsDuration())
	}
}

// checkCORSHeaders checks names of headers; * is any.
func checkCORSHeaders(at Report, path string, names []string) {
	for i, name := range names {
		if name != "*" && !istioHeader.MatchString(name) {
			at(fmt.Sprintf("%s[%d]", path, i), "want the name of a header or *, got %s", fieldpath.Quote(name))
		}
	}
}
