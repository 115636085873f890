package deploy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// meshMetrics are not the services' own: they are Istio's standard metrics (istio.io/latest/docs/reference/config/metrics), and istiod's.
var meshMetrics = []string{"istio_requests_total", "istio_request_duration_milliseconds_bucket", "pilot_xds"}

// TestQueriesNameMetricsThatExist: every query of the dashboards and alerts parses, and names metrics that a real service has when it is
// scraped.
func TestQueriesNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := scrape(t)
	for _, m := range meshMetrics {
		known[m] = true
	}
	count := 0
	check := func(where, query string) {
		count++
		// Grafana's variables: any duration, number or name is enough to check whether a query parses.
		query = strings.NewReplacer("$__rate_interval", "1m", "$asked / 100", "0.2").Replace(query)
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
		if err != nil {
			t.Errorf("%s: %v\n%s", where, err, query)
			return
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok && !known[v.Name] {
				t.Errorf("%s: no metric %s", where, v.Name)
			}
			return nil
		})
	}
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if q.Datasource.UID == "prometheus" {
					check(name+": "+p.Title, q.Expr)
				}
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(root, "addons/prometheus/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(raw, &alerts); err != nil {
		t.Fatal(err)
	}
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			check("alert "+r.Alert, r.Expr)
		}
	}
	if count < 30 {
		t.Errorf("only %d queries found", count)
	}
}

// scrape builds the service middle, makes it do everything that it counts, and returns the names of its series.
func scrape(t *testing.T) map[string]bool {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "middle.exe") // Windows needs the extension, others ignore it
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = "../../services/middle"
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	application, administration, upstream := freePort(t), freePort(t), freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	service := exec.CommandContext(ctx, binary)
	service.Env = []string{
		"LISTEN_HOST=127.0.0.1", "PORT=" + application, "ADMIN_PORT=" + administration,
		"UPSTREAM_URL=http://127.0.0.1:" + upstream, // nothing listens there: that is counted too
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = service.Wait() })
	get := func(port, path string, header ...string) (string, error) {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:"+port+path, nil)
		if err != nil {
			return "", err
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode >= 500 && port == administration {
			err = fmt.Errorf("%s", resp.Status)
		}
		return string(body), err
	}
	eventually(t, func() error { _, err := get(administration, "/readyz"); return err })
	for _, header := range [][]string{nil, {"fail", "1"}} {
		if _, err := get(application, "/hops", header...); err != nil {
			t.Fatal(err)
		}
	}
	text, err := get(administration, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name := strings.FieldsFunc(lines.Text(), func(r rune) bool { return r == '{' || r == ' ' }); len(name) > 0 && name[0] != "#" {
			names[name[0]] = true
		}
	}
	return names
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// eventually calls ask every few milliseconds until it returns no error, for at most ten seconds.
func eventually(t *testing.T, ask func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	var err error
	for {
		select {
		case <-deadline:
			t.Fatal(err)
		case <-tick.C:
			if err = ask(); err == nil {
				return
			}
		}
	}
}
