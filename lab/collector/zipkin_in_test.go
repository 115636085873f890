package collector

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/zipkin"
)

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb returns a body of n megabytes that is valid JSON, and a thousandth of that when zipped. The members of a gzip file follow each
// other.
func bomb(t testing.TB, megabytes int) []byte {
	t.Helper()
	begin, middle, end := zipped(t, []byte(`[{"traceId":"1","id":"2","name":"`)), zipped(t, bytes.Repeat([]byte("x"), 1<<20)), zipped(t, []byte(`"}]`))
	return slices.Concat(begin, bytes.Repeat(middle, megabytes), end)
}

func TestPostSpans(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	server := httptest.NewServer(c.Zipkin())
	t.Cleanup(server.Close)
	good := []byte(`[{"traceId":"1","id":"2","name":"plain"}]`)
	large := []byte(`[{"traceId":"3","id":"2","name":"` + strings.Repeat("x", maxBody-100) + `"}]`)
	for _, test := range []struct {
		name, kind, encoding string
		body                 []byte
		code                 int
		reason               string
	}{
		{"plain", "application/json", "", good, 202, ""},
		{"without a type", "", "", good, 202, ""},
		{"with a charset", "application/json; charset=utf-8", "identity", good, 202, ""},
		{"zipped", "application/json", "gzip", zipped(t, good), 202, ""},
		{"zipped in two members", "application/json", "GZIP", append(zipped(t, good[:9]), zipped(t, good[9:])...), 202, ""},
		{"nothing", "application/json", "", nil, 202, ""},
		{"just within the limit", "application/json", "", large, 202, ""},
		{"just within the limit once unzipped", "application/json", "gzip", zipped(t, large), 202, ""},
		{"a broken id", "application/json", "", []byte(`[{"traceId":"1","id":"2"},{"traceId":"1","id":"nope"}]`), 400, `spans[1]: id "nope" is not lower-case hex`},
		{"not a list", "application/json", "", []byte(`{}`), 400, "want a list of spans"},
		{"not zipped", "application/json", "gzip", good, 400, "cannot gunzip spans: gzip: invalid header"},
		{"cut short", "application/json", "gzip", zipped(t, good)[:30], 400, "cannot read the body: unexpected EOF"},
		{"too large", "application/json", "", append(large, make([]byte, 200)...), 413, "5 MiB"},
		{"a gzip bomb", "application/json", "gzip", bomb(t, 100), 413, "5 MiB"},
		{"protobuf", "application/x-protobuf", "", []byte{10, 0}, 415, "want application/json"},
		{"thrift", "application/x-thrift", "", []byte{12}, 415, "want application/json"},
		{"brotli", "application/json", "br", good, 415, `want gzip or none, got "br"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if test.kind != "" {
				header.Set("Content-Type", test.kind)
			}
			if test.encoding != "" {
				header.Set("Content-Encoding", test.encoding)
			}
			got := ask(t, "POST", server.URL+"/api/v2/spans", test.body, header)
			if got.code != test.code || !strings.Contains(got.body, test.reason) || (test.code == 202) != (got.body == "") {
				t.Errorf("got %d %q, want %d %s", got.code, got.body, test.code, test.reason)
			}
		})
	}
}

// A body without an announced length is bounded too.
func TestPostSpansWithoutEnd(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	server := httptest.NewServer(c.Zipkin())
	t.Cleanup(server.Close)
	endless := io.MultiReader(strings.NewReader(`[{"traceId":"1","id":"2","name":"`), neverEnding('x'))
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/v2/spans", endless)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s, want 413", got.Status)
	}
}

type neverEnding byte

func (n neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(n)
	}
	return len(p), nil
}

// A zip bomb uses no more memory than the limit allows.
func TestGzipBombCostsLittle(t *testing.T) {
	body := bomb(t, 300)
	c := start(t, Options{})
	handler := c.Zipkin()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := httptest.NewRequest("POST", "/api/v2/spans", bytes.NewReader(body))
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", w.Code)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*maxBody {
		t.Errorf("a bomb of 300 MiB took %d bytes", used)
	}
}

// One process's export of a second at 20,000 spans a second, in batches of the size that OpenTelemetry's exporter sends.
func BenchmarkPost(b *testing.B) {
	sample, err := os.ReadFile(filepath.Join("..", "zipkin", "testdata", "trace.json"))
	if err != nil {
		b.Fatal(err)
	}
	spans, err := zipkin.Decode(sample)
	if err != nil {
		b.Fatal(err)
	}
	const batch = 512
	c := start(b, Options{})
	handler := c.Zipkin()
	bodies := make([][]byte, 64) // so many that traces differ
	for i := range bodies {
		var list []string
		for n := range batch {
			s := spans[n%len(spans)]
			list = append(list, fmt.Sprintf(`{"traceId":"%032x","parentId":%q,"id":"%016x","kind":%q,"name":%q,"timestamp":%d,"duration":%d,"localEndpoint":{"serviceName":%q,"ipv4":"127.0.0.1"},"tags":{"http.route":"/hops","http.request.method":"GET","http.response.status_code":"200","url.scheme":"http","server.address":"front","network.protocol.version":"1.1"}}`,
				i*1000+n/6+1, "00f067aa0ba90201", n+1, "SERVER", s.Name, s.Timestamp, s.Duration, s.LocalEndpoint.ServiceName))
		}
		bodies[i] = []byte("[" + strings.Join(list, ",") + "]")
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := httptest.NewRequest("POST", "/api/v2/spans", bytes.NewReader(bodies[i%len(bodies)]))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusAccepted {
			b.Fatal(w.Code, w.Body)
		}
		i++
	}
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}
