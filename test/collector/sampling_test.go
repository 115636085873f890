package collector

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// TestSampling: real services send their spans through the collector. Every failed trace arrives whole, of the others some do not, and the
// metrics count all of them.
func TestSampling(t *testing.T) {
	t.Parallel()
	const requests = 120 // that all of them are among the one in ten that are kept has the probability 10^-108 at half of them
	to := newSink(t)
	health, zipkin, otlp, metrics := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	start(t, health, configuration(t, "addons/sampling/traces.yaml",
		"0.0.0.0:13133", health, "0.0.0.0:9411", zipkin, "0.0.0.0:4318", otlp, "0.0.0.0:8889", metrics, "http://jaeger:4318", to.URL))
	spans := "OTEL_EXPORTER_ZIPKIN_ENDPOINT=http://" + zipkin + "/api/v2/spans"
	upstream := service(t, "bounced", spans, "ERROR_RATE=50")
	middle := service(t, "middle", spans, "UPSTREAM_URL=http://"+upstream)
	failed, others := map[string]bool{}, 0
	for range requests {
		resp, err := http.Get("http://" + middle + "/hops")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusInternalServerError {
			failed[resp.Header.Get("x-b3-traceid")] = true
		} else {
			others++
		}
	}
	eventually(t, func() error { return counted(metrics, requests, len(failed)) })
	eventually(t, func() error {
		kept := traces(to)
		for id := range failed {
			if n := kept[id]; n != 3 { // middle's server and client, bounced's server
				return fmt.Errorf("failed trace %s has %d spans, want 3", id, n)
			}
		}
		return nil
	})
	kept := len(traces(to)) - len(failed)
	if kept >= others {
		t.Errorf("all %d traces without a failure were kept", others)
	}
	t.Logf("%d of %d traces without a failure were kept", kept, others)
}

// service starts a service of Hopline and returns its address.
func service(t *testing.T, name string, env ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("../../services", name)
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	application, admin := freeAddress(t), freeAddress(t)
	port := func(address string) string { _, p, _ := net.SplitHostPort(address); return p }
	cmd := exec.Command(program)
	cmd.Env = append(env, "LISTEN_HOST=127.0.0.1", "PORT="+port(application), "ADMIN_PORT="+port(admin), "OTEL_BSP_SCHEDULE_DELAY=50")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, func() error { return status(http.Get("http://" + admin + "/readyz")) })
	return application
}

// traces returns the number of spans of each trace that the sink has.
func traces(to *sink) map[string]int {
	all := map[string]int{}
	for _, r := range to.allSpans() {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				all[hex.EncodeToString(span.TraceId)]++
			}
		}
	}
	return all
}

// counted returns an error unless the metrics count all requests to middle, and the failed ones, and have their durations.
func counted(address string, requests, failed int) error {
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return err
	}
	all, errs, timed := 0.0, 0.0, uint64(0)
	server := map[string]string{"service_name": "middle", "span_kind": trace.Span_SPAN_KIND_SERVER.String()}
	for _, m := range families["traces_span_metrics_calls_total"].GetMetric() {
		if has(m, server) {
			all += m.GetCounter().GetValue()
			if has(m, map[string]string{"status_code": "STATUS_CODE_ERROR"}) {
				errs += m.GetCounter().GetValue()
			}
		}
	}
	for _, m := range families["traces_span_metrics_duration_seconds"].GetMetric() {
		if has(m, server) {
			timed += m.GetHistogram().GetSampleCount()
		}
	}
	if int(all) != requests || int(errs) != failed || int(timed) != requests {
		return fmt.Errorf("%v calls of middle, %v with errors, %d with durations; want %d, %d, %d", all, errs, timed, requests, failed, requests)
	}
	return nil
}

func has(m *dto.Metric, labels map[string]string) bool {
	found := 0
	for _, l := range m.GetLabel() {
		if value, ok := labels[l.GetName()]; ok && value == l.GetValue() {
			found++
		}
	}
	return found == len(labels)
}
