package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// prometheus: it scrapes everything under STRICT mutual TLS, and its API returns exemplars and native histograms.
func prometheus(t *testing.T) {
	rolledOut(t, "istio-system", "prometheus")
	start := time.Now().Add(-time.Minute)
	eventually(t, 90*time.Second, func() error {
		var got struct {
			Data struct {
				ActiveTargets []struct {
					Labels            map[string]string
					Health, LastError string
				}
			}
		}
		if err := query("targets", url.Values{"state": {"active"}}, &got); err != nil {
			return err
		}
		jobs := map[string]int{}
		for _, target := range got.Data.ActiveTargets {
			if strings.HasPrefix(target.Labels["pod"], "stranger-") {
				continue // another test starts and stops it
			}
			jobs[target.Labels["job"]]++
			if target.Health != "up" {
				return fmt.Errorf("%v is %s: %s", target.Labels, target.Health, target.LastError)
			}
		}
		// Fourteen pods; twelve of them and two gateways have a proxy.
		if jobs["services"] != 14 || jobs["proxies"] != 14 || jobs["istiod"] < 1 {
			return fmt.Errorf("targets: %v", jobs)
		}
		return nil
	})
	eventually(t, 30*time.Second, func() error {
		get(t, "/demo-app/hops", "x-dev-user", "betaUser") // only this user's calls reach clock
		var got struct {
			Data []struct {
				Exemplars []struct{ Labels map[string]string }
			}
		}
		if err := query("query_exemplars", url.Values{
			"query": {`http_server_request_duration_seconds_bucket{app="clock"}`},
			"start": {strconv.FormatInt(start.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
		}, &got); err != nil {
			return err
		}
		for _, s := range got.Data {
			for _, e := range s.Exemplars {
				if len(e.Labels["trace_id"]) == 32 {
					return nil
				}
			}
		}
		return fmt.Errorf("no exemplar with a trace_id: %v", got)
	})
	eventually(t, 30*time.Second, func() error {
		return hasData(`histogram_count(http_server_request_duration_seconds{app="clock"}) > 0`)
	})
}

// query queries Prometheus' API.
func query(path string, values url.Values, into any) error {
	return read("/prometheus/api/v1/"+path+"?"+values.Encode(), into)
}

// hasData returns an error if a query gives no data.
func hasData(expr string) error {
	var got struct {
		Error string
		Data  struct{ Result []any }
	}
	if err := query("query", url.Values{"query": {expr}}, &got); err != nil {
		return err
	}
	if got.Error != "" || len(got.Data.Result) == 0 {
		return fmt.Errorf("no data (%s) for %s", got.Error, expr)
	}
	return nil
}

// dashboards: every query of the dashboards, and the left side of every alert, gives data after everything that they query has happened.
func dashboards(t *testing.T) {
	rolledOut(t, "istio-system", "prometheus")
	istio, asked, left := hasData(`istio_requests_total`) == nil, 0, 0
	for _, expr := range append(dashboardQueries(t), alertQueries(t)...) {
		if strings.Contains(expr, "istio_") && !istio {
			left++
			continue
		}
		asked++
		eventually(t, time.Minute, func() error {
			get(t, "/demo-app/hops")
			get(t, "/demo-app/hops", "x-fault-middle", "error=50,latency=1ms", "x-dev-user", "stressTest")
			return hasData(expr)
		})
	}
	t.Logf("%d queries give data", asked)
	if left > 0 {
		t.Logf("%d query istio_ metrics and are not checked: the proxies here, stock Envoys, have none", left)
	}
}

// variables replaces Grafana's variables with their values in a dashboard that has just been opened.
var variables = strings.NewReplacer(`=~"$app"`, `=~".+"`, `="$app"`, `="middle"`, `$version`, `.+`, `$namespace`, `.+`,
	`$baseline`, `prod`, `$canary`, `canary`, `$asked`, `20`, `$__rate_interval`, `1m`)

func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/addons/grafana/dashboards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Panels []struct {
				Targets []struct {
					Datasource struct{ UID string }
					Expr       string
				}
			}
		}
		if err := json.Unmarshal(raw, &dashboard); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range dashboard.Panels {
			for _, q := range p.Targets {
				if q.Datasource.UID == "prometheus" {
					queries = append(queries, variables.Replace(q.Expr))
				}
			}
		}
	}
	return queries
}

// alertQueries returns the left sides of the alerts' comparisons, as Prometheus has loaded them.
func alertQueries(t *testing.T) (queries []string) {
	t.Helper()
	var got struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Query, Health, LastError string }
			}
		}
	}
	eventually(t, 30*time.Second, func() error {
		queries = nil
		if err := query("rules", url.Values{"type": {"alert"}}, &got); err != nil {
			return err
		}
		for _, g := range got.Data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" {
					return fmt.Errorf("alert %s is %s: %s", r.Name, r.Health, r.LastError)
				}
				queries = append(queries, regexp.MustCompile(` > [0-9.]+$`).ReplaceAllString(r.Query, ""))
			}
		}
		if len(queries) == 0 {
			return fmt.Errorf("Prometheus has no alerts")
		}
		return nil
	})
	return queries
}

// TestPromtool: Prometheus' own tool accepts its configuration and rules, and the rules pass their tests.
func TestPromtool(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("no promtool on the PATH: it comes with Prometheus")
	}
	dir := "deploy/addons/prometheus/"
	run(t, "promtool", "check", "config", dir+"prometheus.yml")
	run(t, "promtool", "check", "rules", dir+"alerts.yml")
	run(t, "promtool", "test", "rules", dir+"alerts_test.yml")
	run(t, "promtool", "check", "config", "--syntax-only", "deploy/compose/prometheus.yml") // its rules are mounted from elsewhere
}
