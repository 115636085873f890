package console

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/podlog"
)

const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// fourSpans returns a request through the gateway in which front's call to middle fails.
const fourSpans = `[
 {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","id":"1000000000000001","kind":"CLIENT","name":"front:80/*","timestamp":%[1]d,"duration":5000,
  "localEndpoint":{"serviceName":"istio-ingressgateway"},"tags":{"component":"proxy","http.method":"GET","http.url":"http://localhost:8080/demo-app/hops?x=1","istio.canonical_revision":"latest","error":"true"}},
 {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","parentId":"1000000000000001","id":"1000000000000002","kind":"SERVER","name":"get /hops","timestamp":%[2]d,"duration":4000,
  "localEndpoint":{"serviceName":"front"},"tags":{"service.version":"amber","http.route":"/hops"},"annotations":[{"timestamp":%[3]d,"value":"half way"}]},
 {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","parentId":"1000000000000002","id":"1000000000000003","kind":"CLIENT","name":"get middle","timestamp":%[3]d,"duration":2000,
  "localEndpoint":{"serviceName":"front"},"tags":{"service.version":"amber"}},
 {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","parentId":"1000000000000003","id":"1000000000000004","kind":"SERVER","name":"get /hops","timestamp":%[4]d,"duration":1000,
  "localEndpoint":{"serviceName":"middle"},"tags":{"service.version":"canary","error":"boom <b>"}}
]`

// postSpans sends the spans as a service would, and returns when they began.
func postSpans(t *testing.T, zipkin string) (start int64) {
	t.Helper()
	start = time.Now().Add(-time.Minute).UnixMicro()
	spans := fmt.Sprintf(fourSpans, start, start+500, start+1500, start+2000)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(zipkin+"/api/v2/spans", "application/json", strings.NewReader(spans))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("the collector responds with %s, want 202", resp.Status)
	}
	return start
}

func TestTrace(t *testing.T) {
	t.Parallel()
	source := &lab{}
	_, url, zipkin := serve(t, source)
	start := postSpans(t, zipkin)
	said := time.UnixMicro(start + 3000).UTC().Format(time.RFC3339Nano)
	for _, line := range []podlog.Line{
		{Time: time.UnixMicro(start + 9000), Pod: "front-1", Trace: traceID, Text: `{"ts":"` + said + `","level":"INFO","msg":"request","service":"front","version":"amber","trace_id":"` + traceID + `","span_id":"1000000000000002","code":500}`},
		{Time: time.UnixMicro(start + 1000), Pod: "middle-1", Trace: traceID, Text: "panic: <script>"},
	} {
		source.Logs().Add(line)
	}
	code, body := get(t, url+"/api/traces/"+traceID)
	var d Detail
	if err := json.Unmarshal([]byte(body), &d); err != nil || code != 200 {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	if d.Title != "GET /demo-app/hops" || d.Service != "istio-ingressgateway" || d.Duration != 5000 || d.Start != start || d.Spans != 4 || d.Errors != 2 {
		t.Errorf("the summary is %+v", d.Summary)
	}
	if got := fmt.Sprint(d.Members); got != "[{istio-ingressgateway } {front amber} {middle canary}]" {
		t.Errorf("the members are %s", got)
	}
	for i, want := range []string{
		"0 istio-ingressgateway  true 0 error [{0 500} {4500 5000}]",
		"1 front amber false 500  [{500 1500} {3500 4500}]",
		"2 front amber false 1500  [{1500 2000} {3000 3500}]",
		"3 middle canary false 2000 boom <b> [{2000 3000}]",
	} {
		r := d.Rows[i]
		if got := fmt.Sprintf("%d %s %s %t %d %s %v", r.Depth, r.Service, r.Version, r.Proxy, r.Start, r.Error, r.Critical); got != want {
			t.Errorf("row %d is\n%s, want\n%s", i, got, want)
		}
	}
	if got := fmt.Sprint(d.Rows[1].Annotations); got != "[{1500 half way}]" {
		t.Errorf("the annotations are %s", got)
	}
	want := []Log{
		{At: 1000, Pod: "middle-1", Message: "panic: <script>"},
		{At: 3000, Pod: "front-1", Level: "info", Service: "front", Version: "amber", Span: "1000000000000002", Message: "request", Fields: "code=500"},
	}
	if fmt.Sprint(d.Logs) != fmt.Sprint(want) {
		t.Errorf("the logs are\n%v, want\n%v", d.Logs, want)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	_, url, zipkin := serve(t, &lab{})
	postSpans(t, zipkin)
	for query, want := range map[string]struct {
		code, found int
		text        string
	}{
		"":                                    {code: 200, found: 1},
		"service=front":                       {code: 200, found: 1},
		"service=core":                        {code: 200},
		"service=front&span=get+middle":       {code: 200, found: 1},
		"service=front&span=get+core":         {code: 200},
		"min=5ms":                             {code: 200, found: 1},
		"min=6ms":                             {code: 200},
		"min=4+ms&service=front":              {code: 200, found: 1},
		"errors=1":                            {code: 200, found: 1},
		"errors=1&service=front":              {code: 200},
		"tags=http.route=/hops":               {code: 200, found: 1},
		"tags=http.route=/slow":               {code: 200},
		"tags=http.route+service.version":     {code: 200, found: 1},
		"tags=http.route+nothing":             {code: 200},
		"tags=service.version=amber&errors=1": {code: 200, found: 1},
		"limit=1":                             {code: 200, found: 1},
		"min=never":                           {code: 400, text: `at least: want a duration such as 250ms or 2s, got "never"`},
		"min=-1s":                             {code: 400, text: `got "-1s"`},
		"limit=0":                             {code: 400, text: `limit: want a number from 1 to 200, got "0"`},
		"limit=201":                           {code: 400, text: `got "201"`},
		"limit=x":                             {code: 400, text: `got "x"`},
	} {
		code, body := get(t, url+"/api/traces?"+query)
		var found []Summary
		var failure struct{ Error string }
		into := any(&found)
		if code != 200 {
			into = &failure
		}
		if err := json.Unmarshal([]byte(body), into); err != nil {
			t.Fatal(err)
		}
		if code != want.code || len(found) != want.found || !strings.Contains(failure.Error, want.text) {
			t.Errorf("%s: %d with %d traces, %.200s; want %d with %d and %q", query, code, len(found), body, want.code, want.found, want.text)
		}
	}
	if code, body := get(t, url+"/api/names?service=front"); code != 200 || body != `{"services":["front","istio-ingressgateway","middle"],"spans":["get /hops","get middle"]}`+"\n" {
		t.Errorf("the names are %d %s", code, body)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	_, url, _ := serve(t, &lab{})
	for path, want := range map[string]struct {
		code int
		text string
	}{
		"/":                      {200, "<!doctype html>"},
		"/time":                  {200, "<!doctype html>"},
		"/traces":                {200, "<!doctype html>"},
		"/logs":                  {200, "<!doctype html>"},
		"/ask":                   {200, "<!doctype html>"},
		"/load":                  {200, "<!doctype html>"},
		"/trace/" + traceID:      {200, "<!doctype html>"},
		"/trace/%3Cscript%3E":    {200, "<!doctype html>"},
		"/compare/a/b":           {200, "<!doctype html>"},
		"/compare/a":             {404, `{"error":"path: want an address of the console, got \"/compare/a\""}`},
		"/api/state":             {200, `"workloads":[]`},
		"/api/traces":            {200, "[]"},
		"/api/names":             {200, `{"services":[],"spans":[]}`},
		"/api/traces/" + traceID: {404, `{"error":"no trace \"` + traceID},
		"/api/traces/nonsense":   {400, `{"error":"`},
		"/nothing":               {404, ""},
		"/web/page.js":           {404, ""},
	} {
		code, body := get(t, url+path)
		if code != want.code || !strings.Contains(body, want.text) {
			t.Errorf("%s: %d %.200s, want %d with %q", path, code, body, want.code, want.text)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/nothing", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") // of a browser
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(text), `id="missing"`) || resp.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("a browser gets %s for an unknown address, want the page with 404: %v %.100s", resp.Status, err, text)
	}
	resp, err = client.Post(url+"/api/state", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /api/state: %s, want 405", resp.Status)
	}
}
