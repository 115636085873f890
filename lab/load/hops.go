package load

import (
	"encoding/json"
	"net/http"
	"strings"
)

// hop describes who responded at one hop of a request.
type hop struct {
	Service  string `json:"service"`
	Version  string `json:"version"`
	Host     string `json:"host"`     // the pod
	Upstream string `json:"upstream"` // the URL of its own request; empty for the last
}

// Bounds on what the generator keeps of a response.
const (
	maxHops = 16
	maxName = 64
)

// readHops returns who responded, outermost first: every hop if the body is the suite's hop JSON, otherwise the one in the header
// x-served-by ("front-amber/front-amber-x2x9k"). It also returns the trace id.
func readHops(header http.Header, body []byte) (hops []hop, trace string) {
	trace = header.Get("x-b3-traceid")
	if strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		var answer struct {
			Trace string          `json:"trace_id"`
			Hops  []hop           `json:"hops"`
			Time  json.RawMessage `json:"time"`
		}
		if json.Unmarshal(body, &answer) == nil {
			hops = answer.Hops[:min(len(answer.Hops), maxHops)]
			// The suite's clock adds its name to the time; other sources of the time do not.
			var clock hop
			if len(hops) > 0 && json.Unmarshal(answer.Time, &clock) == nil && clock.Service != "" {
				hops = append(hops, clock)
			}
			if trace == "" {
				trace = answer.Trace
			}
		}
	}
	if len(hops) == 0 {
		if name, host, ok := strings.Cut(header.Get("x-served-by"), "/"); ok {
			service, version, _ := strings.Cut(name, "-")
			hops = []hop{{Service: service, Version: version, Host: host}}
		}
	}
	for i := range hops {
		hops[i].Service, hops[i].Version = short(hops[i].Service), short(hops[i].Version)
		hops[i].Host, hops[i].Upstream = short(hops[i].Host), hops[i].Upstream[:min(len(hops[i].Upstream), 4*maxName)]
	}
	return hops, short(trace)
}

func short(s string) string {
	if len(s) > maxName {
		s = s[:maxName]
	}
	return strings.ToValidUTF8(s, "")
}
