package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// span holds the fields that the tests need, from either store.
type span struct{ id, parent, service string }

// traceInJaeger: one request of betaUser is one trace, readable through the gateway, and the services' log lines have its id.
func traceInJaeger(t *testing.T) {
	rolledOut(t, "istio-system", "jaeger")
	id := oneRequest(t)
	eventually(t, 30*time.Second, func() error {
		var got struct {
			Data []struct {
				Spans []struct {
					SpanID, ProcessID string
					References        []struct{ SpanID string }
				}
				Processes map[string]struct{ ServiceName string }
			}
		}
		if err := read("/jaeger/api/traces/"+id, &got); err != nil {
			return err
		}
		if len(got.Data) != 1 {
			return fmt.Errorf("%d traces", len(got.Data))
		}
		var spans []span
		for _, s := range got.Data[0].Spans {
			parent := ""
			for _, r := range s.References {
				parent = r.SpanID
			}
			spans = append(spans, span{s.SpanID, parent, got.Data[0].Processes[s.ProcessID].ServiceName})
		}
		return whole(spans)
	})
	for _, workload := range []string{"middle-dev", "core-test", "clock"} {
		if err := contains(run(t, "kubectl", "logs", "-n", "hopline", "-l", "app.kubernetes.io/instance="+workload, "-c", "app", "--tail=-1"), `"trace_id":"`+id+`"`); err != nil {
			t.Errorf("%s: %v", workload, err)
		}
	}
}

// zipkinForJaeger: the same on overlay egress with Zipkin in place of Jaeger, for the duration of the test, and the conformance suite,
// which reads traces by its API.
func zipkinForJaeger(t *testing.T) {
	run(t, "kubectl", "apply", "-k", kustomization(t, "addons", "addons/zipkin"))
	run(t, "kubectl", "delete", "deployment", "-n", "istio-system", "jaeger")
	t.Cleanup(func() {
		run(t, "kubectl", "apply", "-k", "deploy/addons")
		run(t, "kubectl", "delete", "deployment", "-n", "istio-system", "zipkin")
	})
	rolledOut(t, "istio-system", "zipkin")
	trace := func(id string) (spans []span, err error) {
		var got []struct {
			ID, ParentID  string
			LocalEndpoint struct{ ServiceName string }
		}
		err = read("/zipkin/api/v2/trace/"+id, &got)
		for _, s := range got {
			spans = append(spans, span{s.ID, s.ParentID, s.LocalEndpoint.ServiceName})
		}
		return spans, err
	}
	var id string
	var asked time.Time
	eventually(t, time.Minute, func() error {
		if time.Since(asked) > 10*time.Second { // some of the last trace's spans were still sent to Jaeger
			id, asked = oneRequest(t), time.Now()
		}
		spans, err := trace(id)
		if err != nil {
			return err
		}
		return whole(spans)
	})
	conformance(t, "egress", 500, "-traces", *ingress+"/zipkin")
}

// oneRequest sends a request as betaUser, which reaches middle-dev, core-test and clock on canary, and returns the trace's id.
func oneRequest(t *testing.T) string {
	t.Helper()
	a := get(t, "/demo-app/hops", "x-dev-user", "betaUser")
	id := a.header.Get("x-b3-traceid")
	if a.code != 200 || len(id) != 32 {
		t.Fatalf("%d, trace %q", a.code, id)
	}
	return id
}

// read decodes the JSON response of a path of the ingress.
func read(path string, into any) error {
	a, err := ask("GET", *ingress+path, "")
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		return fmt.Errorf("%s: %d %.200q: %w", path, a.code, a.body, err)
	}
	return nil
}

// whole returns an error with what is missing from a trace: the gateway, the sidecars and the services' own spans, each with its parent,
// and one root.
func whole(spans []span) error {
	ids, services, roots := map[string]bool{}, map[string]int{}, 0
	for _, s := range spans {
		ids[s.id] = true
		services[s.service]++
	}
	for _, s := range spans {
		switch {
		case s.parent == "":
			roots++
		case !ids[s.parent]:
			return fmt.Errorf("span %s of %s is an orphan: its parent %s is missing", s.id, s.service, s.parent)
		}
	}
	// A caller has four spans: its sidecar's two, its server's and its client's. clock has no client.
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
