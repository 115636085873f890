package console

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/traffic"
)

// reasons holds Envoy's response flags in words, a cause before its consequences. See
// https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags.
var reasons = []struct{ flag, words string }{
	{"FI", "injected by a rule"},
	{"UH", "no healthy upstream"},
	{"NC", "no such subset or host"},
	{"NR", "no route"},
	{"UO", "too many requests or connections"},
	{"UF", "no connection to the upstream"},
	{"UC", "the upstream closed the connection"},
	{"UT", "timeout"},
	{"UPE", "the upstream's response is not HTTP"},
	{"DC", "the caller disconnected"},
	{"UAEX", "denied"},
}

// failureText returns why the requests of a flow failed: "503 no healthy upstream".
func failureText(f traffic.Flow) string {
	words := cmp.Or(reasonText(f.Flags), "from the upstream")
	if f.Code == 0 {
		return words + ", no response"
	}
	return fmt.Sprintf("%d %s", f.Code, words)
}

// reasonText returns what Envoy's response flags mean; empty for none.
func reasonText(flags string) string {
	all := strings.Split(flags, ",")
	for _, reason := range reasons {
		if slices.Contains(all, reason.flag) {
			return reason.words
		}
	}
	return ""
}
