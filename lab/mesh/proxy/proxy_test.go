package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/mesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rules is a table of functions that each test sets.
type rules struct {
	decide    func(*mesh.Request, *mesh.Source) mesh.Decision
	authorize func(from, to *mesh.Source, r *mesh.Request) bool
	clusters  []*mesh.Cluster
	headers   []string
	noMesh    bool
	entry     mesh.Source // empty: the ingress gateway
}

func (r *rules) Decide(q *mesh.Request, s *mesh.Source, _ uint64) mesh.Decision {
	return r.decide(q, s)
}
func (r *rules) Authorize(from, to *mesh.Source, q *mesh.Request) (bool, string) {
	return r.authorize == nil || r.authorize(from, to, q), ""
}
func (r *rules) MatchedHeaders() []string { return r.headers }
func (r *rules) Missing(q *mesh.Request, _ *mesh.Source) string {
	return "no ServiceEntry names " + q.Authority
}
func (r *rules) Clusters() []*mesh.Cluster { return r.clusters }
func (r *rules) NoMesh() bool              { return r.noMesh }
func (r *rules) EntryGateway() (mesh.Source, error) {
	if r.entry.Workload != "" {
		return r.entry, nil
	}
	return mesh.IngressGateway(), nil
}

// toRoute returns a decision function that sends everything by one route.
func toRoute(r *mesh.Route) *rules {
	t := &rules{decide: func(*mesh.Request, *mesh.Source) mesh.Decision {
		return mesh.Decision{Outcome: mesh.Forward, Route: r, To: &r.Destinations[0]}
	}}
	for i := range r.Destinations {
		t.clusters = append(t.clusters, r.Destinations[i].Cluster)
	}
	for i := range r.Mirrors {
		t.clusters = append(t.clusters, r.Mirrors[i].Cluster)
	}
	return t
}

// service returns a cluster of the pods with the label app=name.
func service(name string) *mesh.Cluster {
	return &mesh.Cluster{Name: "outbound|80||" + name + ".hopline.svc.cluster.local", Host: name + ".hopline.svc.cluster.local", Port: 80,
		Known: true, Namespace: "hopline", Selector: map[string]string{"app": name}, Target: 8080}
}

// routeTo returns a route to clusters without a policy.
func routeTo(clusters ...*mesh.Cluster) *mesh.Route {
	r := &mesh.Route{Object: "VirtualService hopline/test", Rule: "http[0]", Decorator: "test.hopline.svc.cluster.local:80/*"}
	for _, c := range clusters {
		r.Destinations = append(r.Destinations, mesh.Destination{Cluster: c, Weight: 1})
	}
	return r
}

// podOf returns a ready pod whose application listens on an address.
func podOf(app, name, address string) mesh.Pod {
	return mesh.Pod{Name: name, Ready: true, Ports: map[int]string{8080: address}, Names: map[string]int{"http": 8080},
		Source: mesh.Source{Workload: app, Namespace: "hopline", Labels: map[string]string{"app": app, "version": "prod"},
			Principal: "cluster.local/ns/hopline/sa/" + app}}
}

// bench is a proxy with a sidecar for the pod "front-1" and an ingress, on real listeners.
type bench struct {
	t       testing.TB
	proxy   *Proxy
	sidecar *httptest.Server
	ingress *httptest.Server
	client  *http.Client // whose requests go through front-1's sidecar
	pods    []mesh.Pod
}

func newBench(t testing.TB, o Options, r Rules, pods ...mesh.Pod) *bench {
	t.Helper()
	p := New(o)
	b := &bench{t: t, proxy: p, sidecar: serveOn(p.Sidecar()), ingress: serveOn(p.Gateway(mesh.IngressGateway(), 80))}
	p.Swap(r)
	b.setPods(pods...)
	u, _ := url.Parse(b.sidecar.URL)
	u.User = p.Credentials("front-1")
	tr := &http.Transport{Proxy: http.ProxyURL(u), MaxIdleConnsPerHost: 256, DisableCompression: true}
	b.client = &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		b.sidecar.Close()
		b.ingress.Close()
		p.Close()
	})
	return b
}

func serveOn(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config = NewServer(h)
	s.Start()
	return s
}

// setPods sets the pods that run besides the caller.
func (b *bench) setPods(pods ...mesh.Pod) {
	b.pods = pods
	b.proxy.SetPods(append([]mesh.Pod{podOf("front", "front-1", "127.0.0.1:1")}, pods...))
}

type answer struct {
	*http.Response
	body string
}

// get sends a request through the sidecar.
func (b *bench) get(target string, headers ...string) answer {
	b.t.Helper()
	return b.do("GET", target, nil, headers...)
}

func (b *bench) do(method, target string, body io.Reader, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		if strings.EqualFold(k, "host") {
			r.Host = v
		}
		r.Header.Add(k, v)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("%s %s: reading the response: %v", method, target, err)
	}
	return answer{res, string(text)}
}

// want fails unless a response has the status and the body.
func (a answer) want(t testing.TB, status int, body string) {
	t.Helper()
	if a.StatusCode != status || a.body != body {
		t.Errorf("response %d %q, want %d %q", a.StatusCode, a.body, status, body)
	}
}

// echo is an upstream that responds with its name and keeps the last request's head.
type echo struct {
	*httptest.Server
	mu   sync.Mutex
	last *http.Request
	hits int
}

func newEcho(t testing.TB, name string) *echo {
	e := &echo{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.last = r
		e.hits++
		e.mu.Unlock()
		fmt.Fprintf(w, "%s %s %s", name, r.RequestURI, body)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *echo) address() string { return e.Listener.Addr().String() }

func (e *echo) seen() (*http.Request, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last, e.hits
}

// script is an upstream that responds to each connection's requests with the texts that next returns, byte for byte; "" closes the
// connection, and so does "\x00close" at the end.
func script(t testing.TB, next func(request string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					text := next(req.Method + " " + req.RequestURI)
					text, last := strings.CutSuffix(text, "\x00close")
					if _, err := io.WriteString(c, text); err != nil || text == "" || last {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

func contextWithCancel(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// receive returns the next value of a channel.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("not within 20 s: %s", what)
		panic("unreachable")
	}
}

func TestForward(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	b.get("http://middle/hops?x=1").want(t, 200, "middle /hops?x=1 ")
	b.do("POST", "http://middle/post", strings.NewReader("hello")).want(t, 200, "middle /post hello")
	b.do("POST", "http://middle/post", io.MultiReader(strings.NewReader("unknown "), strings.NewReader("length"))).want(t, 200, "middle /post unknown length")
	b.do("HEAD", "http://middle/", nil).want(t, 200, "")
	res, err := http.Get(b.ingress.URL + "/demo")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); string(text) != "middle /demo " || res.Header.Get("server") != "hopline" {
		t.Errorf("through the ingress: %q %v", text, res.Header)
	}
}
