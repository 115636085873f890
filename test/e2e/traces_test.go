package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// One request of betaUser is one trace, read back from Jaeger through the gateway: the gateway, the sidecars and the services' own spans, each
// with its parent; and the services' log lines carry its id.
func TestTrace(t *testing.T) {
	deploy(t, "canary")
	a := get(t, "/demo-app/hops", "x-dev-user", "betaUser")
	id := a.header.Get("x-b3-traceid")
	if a.code != 200 || len(id) != 32 {
		t.Fatalf("%d, trace %q", a.code, id)
	}
	eventually(t, 30*time.Second, func() error { return whole(id) })
	for _, workload := range []string{"middle-dev", "core-test", "clock"} {
		if err := contains(run(t, "kubectl", "logs", "-n", "hopline", "deployment/"+workload, "-c", "app", "--since=5m"), `"trace_id":"`+id+`"`); err != nil {
			t.Errorf("%s: %v", workload, err)
		}
	}
}

// whole says what is missing from a trace.
func whole(id string) error {
	a, err := ask("GET", *ingress+"/jaeger/api/traces/"+id, "")
	if err != nil {
		return err
	}
	var got struct {
		Data []struct {
			Spans []struct {
				SpanID, ProcessID string
				References        []struct{ RefType, SpanID string }
			}
			Processes map[string]struct{ ServiceName string }
		}
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		return fmt.Errorf("%d %s: %w", a.code, a.body, err)
	}
	if len(got.Data) != 1 {
		return fmt.Errorf("%d traces", len(got.Data))
	}
	trace := got.Data[0]
	spans, services, roots := []string{}, map[string]int{}, 0
	for _, s := range trace.Spans {
		spans = append(spans, s.SpanID)
		services[trace.Processes[s.ProcessID].ServiceName]++
	}
	for _, s := range trace.Spans {
		if len(s.References) == 0 {
			roots++
		}
		for _, r := range s.References {
			if !slices.Contains(spans, r.SpanID) {
				return fmt.Errorf("span %s is an orphan: its parent %s is not there", s.SpanID, r.SpanID)
			}
		}
	}
	// A caller has four spans: its sidecar's two, its server's and its client's. clock calls nobody.
	for name, least := range map[string]int{"istio-ingressgateway": 1, "front": 4, "middle": 4, "core": 4, "clock": 2} {
		if services[name] < least {
			return fmt.Errorf("%s has %d spans, want at least %d: %v", name, services[name], least, services)
		}
	}
	if roots != 1 {
		return fmt.Errorf("%d roots", roots)
	}
	return nil
}
