package conformance

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// about identifies a process, as its admin port reports it.
type about struct{ Service, Version, Host string }

// admins returns the given admin ports, each with the process that it belongs to.
func admins(t *testing.T) map[string]about {
	t.Helper()
	if *admin == "" {
		skip(t, "no ADMIN given: admin ports are not checked")
	}
	ports := map[string]about{}
	for _, url := range strings.Fields(*admin) {
		url = strings.TrimSuffix(url, "/")
		a, err := look(url+"/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		if ports[url], err = decode[about](a); err != nil {
			t.Fatal(err)
		}
	}
	return ports
}

// adminOf returns the admin port of a service's pod whose name begins with pod.
func adminOf(t *testing.T, service, pod string) string {
	t.Helper()
	for url, who := range admins(t) {
		if who.Service == service && strings.HasPrefix(who.Host, pod) {
			return url
		}
	}
	skip(t, "ADMIN names no pod %s…", pod)
	return ""
}

func put(t *testing.T, url, body string) (code int, answered string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(read)
}

// TestAdmin checks the response of every endpoint of each admin port.
func TestAdmin(t *testing.T) {
	t.Parallel()
	for url, who := range admins(t) {
		t.Run(who.Host, func(t *testing.T) {
			t.Parallel()
			if who.Service == "" || who.Version == "" {
				t.Errorf("/version says %+v", who)
			}
			for path, contains := range map[string]string{
				"/livez": "", "/readyz": "", "/loglevel": `"level":"info"`, "/faults": `"error_rate":`, "/debug/pprof/": "goroutine",
			} {
				if a, err := look(url+path, nil); err != nil || a.StatusCode != 200 || !strings.Contains(a.body, contains) {
					t.Errorf("%s: %v, %d %s, wanted 200 with %q", path, err, a.StatusCode, a.body, contains)
				}
			}
			before, err := look(url+"/faults", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range []string{`{"error_rte":1}`, `{"error_rate":101}`, `{"latency":"soon"}`, `errors`} {
				if code, said := put(t, url+"/faults", wrong); code != 400 || said == "" {
					t.Errorf("PUT /faults %s: %d %q, wanted 400 and why", wrong, code, said)
				}
			}
			if strings.HasPrefix(who.Host, "core-sick-") {
				return // TestOutlier repairs it at the same time
			}
			if after, err := look(url+"/faults", nil); err != nil || after.body != before.body {
				t.Errorf("a rejected request changed the faults from %s to %s (%v)", before.body, after.body, err)
			}
		})
	}
}

// TestMetrics: every service has the metrics and names that dashboards use, without a label from outside.
func TestMetrics(t *testing.T) {
	t.Parallel()
	ports := admins(t)
	wild := newID(8)
	for range 20 {
		get(t, page("/"+wild), nil)
		get(t, page("/hops"), headers{"x-dev-user": "stressTest"})
	}
	exemplar := `\nhttp_server_request_duration_seconds_bucket\{[^}]*route="/hops"[^}]*\} \d+ # \{trace_id="[0-9a-f]{32}"\}`
	of := map[string][]string{ // what some pod of a service has, as regular expressions
		"front":  {`\nhttp_client_requests_total\{code="200",method="GET",upstream="middle"\}`, `\nhttp_server_requests_total\{code="404",method="GET",route="unmatched"\}`},
		"middle": {`\nhttp_client_requests_total\{code="200",method="GET",upstream="core"\}`, exemplar},
		"core":   {`\nhttp_server_requests_total\{code="200",method="GET",route="/hops"\}`, exemplar},
	}
	everywhere := []string{"http_server_requests_in_flight ", "trace_spans_dropped_total ", `faults_injected_total{kind="error"} `, "hopline_build_info{", "go_goroutines "}
	pages := map[string]string{} // of all pods of a service
	for url, who := range ports {
		a, err := look(url+"/metrics", headers{"Accept": "application/openmetrics-text"})
		if err != nil || a.StatusCode != 200 {
			t.Fatalf("%s: %v, %d", who.Host, err, a.StatusCode)
		}
		for _, name := range everywhere {
			if !strings.Contains(a.body, "\n"+name) {
				t.Errorf("%s has no %s", who.Host, name)
			}
		}
		if strings.Contains(a.body, wild) {
			t.Errorf("%s has a label that came from outside", who.Host)
		}
		pages[who.Service] += a.body
	}
	for service, page := range pages {
		for _, series := range of[service] {
			if !regexp.MustCompile(series).MatchString(page) {
				t.Errorf("no pod of %s that ADMIN names has %s", service, series)
			}
		}
	}
}
