package proxy

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

func TestStandardMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	var tries atomic.Int32
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(503)
		}
	})
	route := routeTo(service("middle"))
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx}
	b := newBench(t, Options{Registry: registry}, toRoute(route), podOf("middle", "middle-1", up))
	b.get("http://middle/").want(t, 200, "") // one request, two tries
	b.proxy.Swap(decided(mesh.Decision{Outcome: mesh.NoRoute}))
	b.get("http://middle/")

	const to = `destination_app="middle",destination_canonical_revision="prod",destination_canonical_service="middle",destination_cluster="Kubernetes",` +
		`destination_principal="spiffe://cluster.local/ns/hopline/sa/middle",destination_service="middle.hopline.svc.cluster.local",` +
		`destination_service_name="middle",destination_service_namespace="hopline",destination_version="prod",destination_workload="middle",` +
		`destination_workload_namespace="hopline",grpc_response_status=""`
	const nowhere = `destination_app="unknown",destination_canonical_revision="unknown",destination_canonical_service="unknown",destination_cluster="Kubernetes",` +
		`destination_principal="unknown",destination_service="unknown",destination_service_name="unknown",destination_service_namespace="unknown",` +
		`destination_version="unknown",destination_workload="unknown",destination_workload_namespace="unknown",grpc_response_status=""`
	const from = `source_app="front",source_canonical_revision="prod",source_canonical_service="front",source_cluster="Kubernetes",` +
		`source_principal="spiffe://cluster.local/ns/hopline/sa/front",source_version="prod",source_workload="front",source_workload_namespace="hopline"`
	want := "# HELP istio_requests_total Requests, as Istio's standard metric.\n# TYPE istio_requests_total counter\n" +
		`istio_requests_total{connection_security_policy="none",` + to + `,reporter="destination",request_protocol="http",response_code="200",response_flags="-",` + from + "} 1\n" +
		`istio_requests_total{connection_security_policy="none",` + to + `,reporter="destination",request_protocol="http",response_code="503",response_flags="-",` + from + "} 1\n" +
		`istio_requests_total{connection_security_policy="unknown",` + to + `,reporter="source",request_protocol="http",response_code="200",response_flags="-",` + from + "} 1\n" +
		`istio_requests_total{connection_security_policy="unknown",` + nowhere + `,reporter="source",request_protocol="http",response_code="404",response_flags="NR",` + from + "} 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "istio_requests_total"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"} {
		if n, err := testutil.GatherAndCount(registry, name); n != 4 || err != nil {
			t.Errorf("%s: %d series, %v, want 4", name, n, err)
		}
	}
}

func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	defer p.Close()
	const limit = 100
	p.metrics.limit = limit
	e := p.metrics.link(newCaller(p, mesh.Source{Workload: "front"}, "", 0), service("middle"), nil)
	for code := range 2 * limit {
		e.observe(bySource, code, 0, 0, 0, 0)
	}
	if n := len(*e.series.Load()); n != limit {
		t.Errorf("%d series, want %d", n, limit)
	}
	if n := testutil.ToFloat64(p.metrics.droppedSeries); n != limit {
		t.Errorf("%v dropped, want %d", n, limit)
	}
}

func TestServiceNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ host, namespace, want string }{
		{"middle.hopline.svc.cluster.local", "hopline", "middle"},
		{"worldtimeapi.org", "hopline", "worldtimeapi.org"},
		{"svc.cluster.local", "", "svc.cluster.local"},
	} {
		if got := serviceName(&mesh.Cluster{Host: c.host, Namespace: c.namespace}); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.host, c.namespace, got, c.want)
		}
	}
}
