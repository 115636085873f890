package collector

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/zipkin"
)

// TestRealZipkin sends the same spans and the same queries to a real Zipkin and to the collector, and compares the responses. ZIPKIN_URL is
// the address of the real one, such as http://127.0.0.1:9411. It may hold other spans: those of the test are in a random hour of the past,
// under service names of their own.
func TestRealZipkin(t *testing.T) {
	address := strings.TrimSuffix(os.Getenv("ZIPKIN_URL"), "/")
	if address == "" {
		t.Skip("ZIPKIN_URL is not set: no real Zipkin to compare with")
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("ZIPKIN_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("ZIPKIN_SEED=%d", seed)
	ours := httptest.NewServer(start(t, Options{}).Zipkin())
	t.Cleanup(ours.Close)
	random := rand.New(rand.NewPCG(seed, 0))
	c := &comparison{
		theirs: address, ours: ours.URL, random: random,
		hour: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.IntN(20*365*24)) * time.Hour).UnixMilli(),
		mark: fmt.Sprintf("x%06x", random.IntN(1<<24)),
	}
	t.Run("bodies", c.bodies)
	t.Run("spans", c.send)
	t.Run("reading", c.reading)
	t.Run("searching", c.searching)
	t.Run("wrong", c.wrong)
	t.Run("forwarding", c.forwarding)
}

// comparison holds the two servers of one run and what it sends them.
type comparison struct {
	theirs, ours string
	random       *rand.Rand
	hour         int64  // where all timestamps lie, milliseconds
	mark         string // in the names of all services
	traces       [][]*zipkin.Span
}

// both sends one request to both servers.
func (c *comparison) both(t *testing.T, method, path string, body []byte, header http.Header) (theirs, ours response) {
	t.Helper()
	return ask(t, method, c.theirs+path, body, header), ask(t, method, c.ours+path, body, header)
}

type response struct {
	code int
	kind string
	body string
}

func ask(t *testing.T, method, address string, body []byte, header http.Header) response {
	t.Helper()
	return askWith(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, method, address, body, header)
}

func askWith(t *testing.T, client *http.Client, method, address string, body []byte, header http.Header) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	if strings.HasPrefix(kind, "text/") {
		kind = "text" // Zipkin calls it text/*
	}
	return response{got.StatusCode, kind, string(text)}
}

// bodies compares the request bodies that a collector may receive. Both accept or both reject each, and then return the same. One
// difference is deliberate and not among them: the collector rejects the id 0, which Zipkin pads to an id that it would reject.
func (c *comparison) bodies(t *testing.T) {
	trace := 0
	at := c.hour*1000 + 1
	json := http.Header{"Content-Type": {"application/json"}}
	for _, body := range spanBodies() {
		trace++
		low := fmt.Sprintf("%08x%08x", c.random.Uint32()|1<<31, trace)
		body = strings.NewReplacer("$", low, "@", strconv.FormatInt(at, 10), "%", c.mark).Replace(body)
		theirs, ours := c.both(t, "POST", "/api/v2/spans", []byte(body), json)
		if theirs.code != ours.code {
			t.Errorf("%s\n real %d %s ours %d %s", body, theirs.code, theirs.body, ours.code, ours.body)
			continue
		}
		if ours.code == http.StatusBadRequest && strings.TrimSpace(ours.body) == "" {
			t.Errorf("%s: refused without a reason", body)
		}
		if ours.code != http.StatusAccepted {
			continue
		}
		for _, id := range []string{low, "a" + low, "463ac35c9f6413ad" + low} {
			if strings.Contains(body, `"`+id+`"`) {
				c.sameTrace(t, body, id)
			}
		}
	}
	c.zipped(t)
}

// zipped bodies, good and broken.
func (c *comparison) zipped(t *testing.T) {
	id := fmt.Sprintf("%016x", c.random.Uint64()|1<<63)
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	fmt.Fprintf(zip, `[{"traceId":%q,"id":"1"}]`, id)
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"gzip": packed.Bytes(), "not gzip": []byte(`[]`), "cut gzip": packed.Bytes()[:8]} {
		header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
		if theirs, ours := c.both(t, "POST", "/api/v2/spans", body, header); theirs.code != ours.code {
			t.Errorf("%s: real %+v, ours %+v", name, theirs, ours)
		}
	}
	c.sameTrace(t, "gzip", id)
}

// sameTrace waits for the real Zipkin, which stores after it responds, and compares.
func (c *comparison) sameTrace(t *testing.T, what, id string) {
	t.Helper()
	path := "/api/v2/trace/" + id
	want := ask(t, "GET", c.ours+path, nil, nil)
	var got response
	if want.code == http.StatusOK {
		await.That(t, "the real Zipkin to store "+what, func() bool {
			got = ask(t, "GET", c.theirs+path, nil, nil)
			return got.code == http.StatusOK
		})
	} else {
		got = ask(t, "GET", c.theirs+path, nil, nil)
	}
	if !same(t, got, want) {
		t.Errorf("%s\n real %d %s\n ours %d %s", what, got.code, got.body, want.code, want.body)
	}
}

// same compares two responses: status, content type and JSON, in which the order of a trace's spans does not matter, or text.
func same(t *testing.T, a, b response) bool {
	t.Helper()
	if a.code != b.code || a.kind != b.kind {
		return false
	}
	if a.kind != "application/json" {
		return strings.TrimSpace(a.body) == strings.TrimSpace(b.body)
	}
	return reflect.DeepEqual(ordered(t, a.body), ordered(t, b.body))
}

func ordered(t *testing.T, body string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var sort func(any)
	sort = func(value any) {
		list, isList := value.([]any)
		if !isList || len(list) == 0 {
			return
		}
		if _, isObject := list[0].(map[string]any); !isObject {
			for _, element := range list {
				sort(element)
			}
			return
		}
		slices.SortFunc(list, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) // maps print sorted
	}
	sort(value)
	return value
}

// send sends random traces to both, in pieces and in any order.
func (c *comparison) send(t *testing.T) {
	var spans []*zipkin.Span
	for range 120 {
		trace := c.trace()
		c.traces = append(c.traces, trace)
		spans = append(spans, trace...)
	}
	c.random.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	for len(spans) > 0 {
		n := min(len(spans), 1+c.random.IntN(60))
		body, err := json.Marshal(spans[:n])
		if err != nil {
			t.Fatal(err)
		}
		spans = spans[n:]
		theirs, ours := c.both(t, "POST", "/api/v2/spans", body, http.Header{"Content-Type": {"application/json"}})
		if theirs.code != http.StatusAccepted || ours.code != http.StatusAccepted {
			t.Fatalf("real %+v, ours %+v for %s", theirs, ours, body)
		}
	}
	for _, trace := range c.traces {
		path := "/api/v2/trace/" + trace[0].TraceID
		await.That(t, "the real Zipkin to store all of "+path, func() bool {
			return same(t, ask(t, "GET", c.theirs+path, nil, nil), ask(t, "GET", c.ours+path, nil, nil))
		})
	}
}

// trace returns a random trace: calls between services, some with shared ids, in pieces, twice, without a root, or with errors.
func (c *comparison) trace() []*zipkin.Span {
	r := c.random
	id := fmt.Sprintf("%016x", r.Uint64()|1<<63)
	if r.IntN(2) == 0 {
		id = fmt.Sprintf("%016x", r.Uint64()|1<<63) + id
	}
	begin := c.hour*1000 + r.Int64N(3600)*1_000_000
	var spans []*zipkin.Span
	for n := 1 + r.IntN(8); len(spans) < n; {
		s := &zipkin.Span{
			TraceID: id, ID: fmt.Sprintf("%016x", r.Uint64()|1<<63), Kind: pick(r, "", zipkin.Client, zipkin.Server, zipkin.Producer, zipkin.Consumer),
			Name: pick(r, "", "get", "GET /hops", "post"), Timestamp: begin + r.Int64N(5_000_000), Duration: r.Int64N(3) * r.Int64N(1_000_000),
		}
		if len(spans) > 0 && r.IntN(8) > 0 {
			s.ParentID = spans[r.IntN(len(spans))].ID
		} else if r.IntN(4) == 0 {
			s.ParentID = fmt.Sprintf("%016x", r.Uint64()|1<<63) // never arrives
		}
		if r.IntN(10) == 0 {
			s.Timestamp = 0
		}
		if r.IntN(8) > 0 {
			s.LocalEndpoint = &zipkin.Endpoint{ServiceName: c.service(), IPv4: pick(r, "", "10.0.0.1", "10.0.0.2"), Port: pick(r, 0, 80)}
		}
		if r.IntN(3) > 0 {
			s.RemoteEndpoint = &zipkin.Endpoint{ServiceName: pick(r, "", c.service()), IPv4: pick(r, "", "10.0.0.3")}
		}
		if r.IntN(3) == 0 {
			s.Tags = zipkin.Tags{{Key: pick(r, "error", "http.method", "x"), Value: pick(r, "", "GET", "true")}}
		}
		if r.IntN(3) == 0 {
			s.Annotations = []zipkin.Annotation{{Timestamp: s.Timestamp, Value: pick(r, "foo", "error", "x")}}
		}
		spans = append(spans, s)
		if s.Kind == zipkin.Client && r.IntN(2) == 0 { // the server takes over the id
			spans = append(spans, &zipkin.Span{
				TraceID: id, ParentID: pick(r, s.ParentID, ""), ID: s.ID, Kind: zipkin.Server, Shared: r.IntN(3) > 0, Timestamp: s.Timestamp + 5,
				Name: "get", LocalEndpoint: &zipkin.Endpoint{ServiceName: c.service()},
			})
		}
		if r.IntN(8) == 0 { // a second piece, and one sent twice
			piece := *s
			piece.Tags, piece.Annotations, piece.Name = zipkin.Tags{{Key: "piece", Value: "2"}}, nil, ""
			spans = append(spans, &piece)
		}
		if r.IntN(8) == 0 {
			again := *s
			spans = append(spans, &again)
		}
	}
	return spans
}

func (c *comparison) service() string {
	return c.mark + pick(c.random, "front", "middle", "core", "clock")
}

func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// reading compares every endpoint that reads, except searches.
func (c *comparison) reading(t *testing.T) {
	end := c.hour + 2*3600*1000
	paths := []string{
		"/api/v2/spans?serviceName=" + c.mark + "nobody", "/api/v2/spans?serviceName=", "/api/v2/remoteServices?serviceName=",
		"/api/v2/autocompleteKeys", "/api/v2/autocompleteValues?key=x", "/zipkin/config.json", "/zipkin/api/v2/autocompleteKeys", "/health",
	}
	for _, service := range []string{"front", "middle", "core", "clock", "FRONT"} {
		paths = append(paths, "/api/v2/spans?serviceName="+c.mark+service, "/api/v2/remoteServices?serviceName="+c.mark+service, "/zipkin/api/v2/spans?serviceName="+c.mark+service)
	}
	for i, trace := range c.traces {
		id, other := trace[0].TraceID, c.traces[(i+1)%len(c.traces)][0].TraceID
		paths = append(paths, "/api/v2/trace/"+id, "/zipkin/api/v2/trace/"+id, "/api/v2/trace/"+id[len(id)-16:], "/api/v2/trace/0000000000000000"+id[len(id)-16:],
			"/api/v2/trace/"+id[:len(id)-16]+id[len(id)-16:], "/api/v2/traceMany?traceIds="+id+","+other, "/api/v2/traceMany?traceIds="+id[len(id)-16:]+","+other)
	}
	first := c.traces[0][0].TraceID
	paths = append(paths, "/zipkin/api/v2/remoteServices?serviceName="+c.mark+"core", "/zipkin/api/v2/traceMany?traceIds=1,"+first, "/zipkin/api/v2/autocompleteValues?key=x",
		fmt.Sprintf("/zipkin/api/v2/dependencies?endTs=%d&lookback=%d", end, 4*3600_000), fmt.Sprintf("/zipkin/api/v2/traces?endTs=%d&lookback=%d&serviceName=%s", end, 4*3600_000, c.mark+"core"))
	for _, lookback := range []int64{1, 60_000, 1_000_000, 3_600_000, 2 * 3_600_000} {
		for _, before := range []int64{0, 1_800_000, 3_600_000, 5_000_000} {
			paths = append(paths, fmt.Sprintf("/api/v2/dependencies?endTs=%d&lookback=%d", end-before, lookback))
		}
	}
	for _, path := range paths {
		theirs, ours := c.both(t, "GET", path, nil, nil)
		if !same(t, theirs, ours) {
			t.Errorf("GET %s\n real %d %s %s\n ours %d %s %s", path, theirs.code, theirs.kind, theirs.body, ours.code, ours.kind, ours.body)
		}
	}
	theirs, ours := c.both(t, "GET", "/api/v2/services", nil, nil)
	if a, b := c.mine(t, theirs), c.mine(t, ours); !slices.Equal(a, b) || len(a) < 4 {
		t.Errorf("services: real %q, ours %q", a, b)
	}
}

// forwarding forwards traces of this process to the real Zipkin and compares them.
func (c *comparison) forwarding(t *testing.T) {
	f, err := New(Options{Forward: c.theirs})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f.Zipkin())
	t.Cleanup(server.Close)
	var ids []string
	for range 20 {
		trace := c.trace()
		ids = append(ids, trace[0].TraceID)
		f.Add(trace...)
	}
	f.Close()
	c.ours = server.URL
	for _, id := range ids {
		c.sameTrace(t, "a forwarded trace", id)
	}
}

// mine returns the services of the test.
func (c *comparison) mine(t *testing.T, r response) []string {
	var names []string
	if err := json.Unmarshal([]byte(r.body), &names); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, c.mark) })
}

// searching compares random searches.
func (c *comparison) searching(t *testing.T) {
	r := c.random
	found := 0
	for range 600 {
		q := url.Values{}
		set := func(name string, oneIn int, value string) {
			if r.IntN(oneIn) == 0 {
				q.Set(name, value)
			}
		}
		q.Set("endTs", fmt.Sprint(c.hour+r.Int64N(3600_000)+r.Int64N(2)*3600_000))
		q.Set("lookback", fmt.Sprint(1+r.Int64N(2*3600_000)))
		set("serviceName", 2, pick(r, c.service(), strings.ToUpper(c.service()), "", c.mark+"nobody"))
		set("remoteServiceName", 4, pick(r, c.service(), strings.ToUpper(c.service()), ""))
		set("spanName", 4, pick(r, "get", "GET /hops", "all", "", "nothing"))
		set("annotationQuery", 3, pick(r, "error", "error and foo", "http.method=GET", "x= and foo", "x=true and x", "x and x=true", "foo=", " foo  and  error ", "and", "error=true", "piece=2", "="))
		if r.IntN(3) == 0 {
			shortest := 1 + r.Int64N(1_500_000)
			q.Set("minDuration", fmt.Sprint(shortest))
			set("maxDuration", 2, fmt.Sprint(shortest+r.Int64N(500_000)))
		}
		set("limit", 2, pick(r, "1", "2", "7", "1000"))
		path := "/api/v2/traces?" + q.Encode()
		theirs, ours := c.both(t, "GET", path, nil, nil)
		if !same(t, theirs, ours) {
			t.Errorf("GET %s\n real %d %s\n ours %d %s", path, theirs.code, theirs.body, ours.code, ours.body)
		}
		if len(ours.body) > 3 {
			found++
		}
	}
	if found < 200 {
		t.Errorf("only %d of 600 searches found anything", found)
	}
}

// wrong compares the responses to invalid requests.
func (c *comparison) wrong(t *testing.T) {
	for _, path := range wrongPaths() {
		path = strings.NewReplacer("$", strconv.FormatInt(c.hour+1_800_000, 10), "%+", c.mark+"front").Replace(path)
		theirs, ours := c.both(t, "GET", path, nil, nil)
		if theirs.code != ours.code || ours.code == http.StatusOK && !same(t, theirs, ours) {
			t.Errorf("GET %s\n real %d %s\n ours %d %s", path, theirs.code, theirs.body, ours.code, ours.body)
		}
	}
}
