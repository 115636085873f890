package up

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
)

// running returns a status function with one pod whose admin port is served by handler.
func running(t *testing.T, handler http.Handler) func() []workload.Status {
	t.Helper()
	admin := httptest.NewServer(handler)
	t.Cleanup(admin.Close)
	return func() []workload.Status {
		source := mesh.Source{Workload: "front-blue", Namespace: "hopline", Labels: map[string]string{"app": "front", "version": "blue"}}
		return []workload.Status{
			{Pod: mesh.Pod{Name: "front-blue-1", Source: source}, Process: 7, Admin: strings.TrimPrefix(admin.URL, "http://")},
			{Pod: mesh.Pod{Name: "front-blue-2", Source: source}, State: workload.BackOff},
		}
	}
}

func TestDiscoveryNamesTheConsoleAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	discovery(running(t, nil)).ServeHTTP(w, httptest.NewRequest("GET", "http://hopline:8090/sd", nil))
	var got []targets
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := targets{Targets: []string{"hopline:8090"}, Labels: map[string]string{
		"__metrics_path__": "/pods/front-blue-1/metrics", "instance": "front-blue-1", "pod": "front-blue-1", "namespace": "hopline",
		"workload": "front-blue", "app": "front", "version": "blue",
	}}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("first target (-want +got):\n%s", diff)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" { // as Prometheus requires
		t.Errorf("Content-Type %q", ct)
	}
	w = httptest.NewRecorder()
	discovery(func() []workload.Status { return nil }).ServeHTTP(w, httptest.NewRequest("GET", "/sd", nil))
	if got := strings.TrimSpace(w.Body.String()); got != "[]" {
		t.Errorf("without processes: %s, want an empty list", got)
	}
}

func TestPodMetricsReachesTheMetricsAndNothingElse(t *testing.T) {
	t.Parallel()
	status := running(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Method+" "+r.URL.String()+" "+r.Header.Get("Accept"))
	}))
	mux := http.NewServeMux()
	mux.Handle("GET /pods/{pod}/metrics", podMetrics(status))
	for path, want := range map[string]struct {
		code int
		body string
	}{
		"/pods/front-blue-1/metrics":                    {200, "GET /metrics application/openmetrics-text"},
		"/pods/front-blue-1/metrics?format=x":           {200, "GET /metrics application/openmetrics-text"},
		"/pods/front-blue-2/metrics":                    {503, "pod front-blue-2 has no process at the moment\n"},
		"/pods/nobody/metrics":                          {404, "there is no pod nobody\n"},
		"/pods/front-blue-1/faults":                     {404, "404 page not found\n"},
		"/pods/front-blue-1%2F..%2F..%2Ffaults/metrics": {404, "there is no pod front-blue-1/../../faults\n"},
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept", "application/openmetrics-text")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != want.code || w.Body.String() != want.body {
			t.Errorf("%s: %d %q, want %d %q", path, w.Code, w.Body, want.code, want.body)
		}
	}
}
