package up

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/workload"
)

// targets is one group of Prometheus' HTTP service discovery: https://prometheus.io/docs/prometheus/latest/http_sd/.
type targets struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// discovery lists every process as a target behind the console, so that a Prometheus anywhere needs to reach only one address. The labels
// are those that pods have in the cluster.
func discovery(status func() []workload.Status) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		groups := []targets{}
		for _, pod := range status() {
			groups = append(groups, targets{
				Targets: []string{r.Host},
				Labels: map[string]string{
					"__metrics_path__": "/pods/" + pod.Name + "/metrics",
					"instance":         pod.Name,
					"namespace":        pod.Namespace,
					"pod":              pod.Name,
					"workload":         pod.Workload,
					"app":              pod.Labels["app"],
					"version":          pod.Labels["version"],
				},
			})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(groups)
	})
}

// pods returns the running overlay and its pods, for `hopline explain`.
func pods(lab func() current.Lab) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(lab())
	})
}

// podMetrics forwards /pods/{pod}/metrics, and no other path, to the admin port of that process.
func podMetrics(status func() []workload.Status) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("pod")
		for _, pod := range status() {
			if pod.Name != name {
				continue
			}
			if pod.Process == 0 {
				http.Error(w, "pod "+name+" has no process at the moment", http.StatusServiceUnavailable)
				return
			}
			metricsProxy(pod.Admin).ServeHTTP(w, r)
			return
		}
		http.Error(w, "there is no pod "+name, http.StatusNotFound)
	})
}

func metricsProxy(admin string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = &url.URL{Scheme: "http", Host: admin, Path: "/metrics"}
			r.Out.Host = ""
		},
		Transport: &http.Transport{DisableKeepAlives: true}, // a scrape every few seconds, from short-lived processes
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "calling the process: "+err.Error(), http.StatusBadGateway)
		},
	}
}
