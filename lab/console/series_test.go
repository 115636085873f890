package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/traffic"
)

func TestSeries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counted := traffic.New()
		c := New(&lab{series: counted.Series()}, nil, Driving{})
		begun := time.Now()
		gateway := mesh.IngressGateway()
		by := &mesh.Source{Namespace: "hopline", Workload: "core-prod", Labels: map[string]string{"app": "core", "version": "prod"}}
		counted.Access(&proxy.Access{Start: begun.Add(time.Second), Duration: time.Second, Status: 500, Source: &gateway, By: by, Traced: true, TraceID: traceID})
		counted.Series().Mark(traffic.Restarted, "core", "core-prod-1 ended")
		get := func(query string) (code int, body string) {
			w := httptest.NewRecorder()
			c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/api/series"+query, nil))
			return w.Code, w.Body.String()
		}
		time.Sleep(time.Minute)
		code, body := get("")
		var w traffic.Window
		if err := json.Unmarshal([]byte(body), &w); err != nil || code != 200 {
			t.Fatalf("%d %v: %s", code, err, body)
		}
		if w.Every != 5000 || w.Buckets != 12 || len(w.Lines) != 1 || w.Lines[0].Service != "core" || w.Lines[0].Errors[0] != 1 || w.Lines[0].Examples[0].Trace != traceID || len(w.Marks) != 1 {
			t.Errorf("the series are %s", body)
		}
		_, body = get(fmt.Sprint("?since=", begun.Add(30*time.Second).UnixMilli()))
		if strings.Contains(body, "null") || !strings.Contains(body, `"lines":[]`) || !strings.Contains(body, `"buckets":6`) {
			t.Errorf("since half a minute ago: %s, want six buckets without lines", body)
		}
		for _, since := range []string{"x", "-1"} {
			if code, body := get("?since=" + since); code != 400 || !strings.Contains(body, `since: want milliseconds since 1970, got \"`+since) {
				t.Errorf("since %s: %d %s, want 400", since, code, body)
			}
		}
	})
}
