package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// decided is a table that returns the same decision for every request.
func decided(d mesh.Decision, clusters ...*mesh.Cluster) *rules {
	return &rules{decide: func(*mesh.Request, *mesh.Source) mesh.Decision { return d }, clusters: clusters}
}

func TestAnswersOfItsOwn(t *testing.T) {
	t.Parallel()
	set := mesh.HeaderOps{ResponseSet: []mesh.Header{{Name: "x-op", Value: "1"}}}
	forward := func(c *mesh.Cluster) mesh.Decision {
		r := routeTo(c)
		r.Headers = set
		return mesh.Decision{Outcome: mesh.Forward, Route: r, To: &r.Destinations[0]}
	}
	unknownCluster := service("nobody")
	unknownCluster.Known = false
	far := &mesh.Cluster{Name: "outbound|80||far", Host: "far", Known: true, Addresses: []string{"192.0.2.1:80"}}
	abort := forward(service("middle"))
	abort.Abort = 418
	for _, c := range []struct {
		name    string
		d       mesh.Decision
		status  int
		body    string
		op      string
		headers map[string]string
	}{
		{"no host", mesh.Decision{Outcome: mesh.NoHost}, 502, "no ServiceEntry names middle", "", nil},
		{"no route", mesh.Decision{Outcome: mesh.NoRoute}, 404, "", "", map[string]string{"Content-Length": "0", "Content-Type": ""}},
		{"no cluster", forward(unknownCluster), 503, "", "1", nil},
		{"no endpoint", forward(service("middle")), 503, "no healthy upstream", "1", map[string]string{"Content-Type": "text/plain"}},
		{"abort", abort, 418, "fault filter abort", "1", nil},
		{"address off this machine", forward(far), 502, "endpoint 192.0.2.1:80 of far is not on this machine: the lab leaves it only by a ServiceEntry with resolution DNS", "1", nil},
		{"redirect", mesh.Decision{Outcome: mesh.Redirect, Route: &mesh.Route{Headers: set, Redirect: &mesh.RedirectTo{Code: 302,
			Location: func(r *mesh.Request) string { return "http://" + r.Authority + "/new" }}}}, 302, "", "1", map[string]string{"Location": "http://middle/new"}},
		{"direct", mesh.Decision{Outcome: mesh.Direct, Route: &mesh.Route{Headers: set, Direct: &mesh.DirectResponse{Code: 201, Body: []byte("hi"), Location: true}}},
			201, "hi", "1", map[string]string{"Location": "http://middle/a?b=c"}},
		{"preflight", mesh.Decision{Outcome: mesh.Preflight, Route: &mesh.Route{Headers: set, CORS: &mesh.CORS{}}}, 200, "", "", map[string]string{"Content-Length": "0", "Content-Type": ""}},
		{"direct without a body", mesh.Decision{Outcome: mesh.Direct, Route: &mesh.Route{Direct: &mesh.DirectResponse{Code: 204}}}, 204, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var clusters []*mesh.Cluster
			if c.d.To != nil {
				clusters = append(clusters, c.d.To.Cluster)
			}
			b := newBench(t, Options{}, decided(c.d, clusters...))
			a := b.get("http://middle/a?b=c")
			a.want(t, c.status, c.body)
			if got := a.Header.Get("x-op"); got != c.op {
				t.Errorf("x-op %q, want %q", got, c.op)
			}
			if got := a.Header.Get("server"); got != "hopline" {
				t.Errorf("server %q", got)
			}
			for k, v := range c.headers {
				if got := a.Header.Get(k); got != v {
					t.Errorf("%s: %q, want %q", k, got, v)
				}
			}
		})
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	r := routeTo(service("middle"))
	d := mesh.Decision{Outcome: mesh.Forward, Route: r, To: &r.Destinations[0], Delay: 50 * time.Millisecond}
	b := newBench(t, Options{}, decided(d, r.Destinations[0].Cluster), podOf("middle", "middle-1", up.address()))
	start := time.Now()
	b.get("http://middle/").want(t, 200, "middle / ")
	if took := time.Since(start); took < 50*time.Millisecond {
		t.Errorf("took %v, want the delay of 50ms", took)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	up := handle(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	r := routeTo(service("middle"))
	r.Timeout = 100 * time.Millisecond
	b := newBench(t, Options{}, toRoute(r), podOf("middle", "middle-1", up))
	b.get("http://middle/").want(t, 504, "upstream request timeout")
}

// The timer starts when the request has been read, however long that takes.
func TestTimeoutOfASlowRequest(t *testing.T) {
	t.Parallel()
	r := routeTo(service("middle"))
	r.Timeout = 2 * time.Second
	b := newBench(t, Options{}, toRoute(r), podOf("middle", "middle-1", newEcho(t, "middle").address()))
	body, w := io.Pipe()
	go func() {
		defer w.Close()
		io.WriteString(w, "begin")
		<-time.After(r.Timeout + 100*time.Millisecond)
		io.WriteString(w, "end")
	}()
	b.do("POST", "http://middle/", body).want(t, 200, "middle / beginend")
}

// handle is an upstream with a handler; it returns its address.
func handle(t testing.TB, h http.HandlerFunc) string {
	s := serveOn(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestStreamingBothWays(t *testing.T) {
	t.Parallel()
	up := handle(t, func(w http.ResponseWriter, r *http.Request) { // echoes line by line
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			http.NewResponseController(w).Flush()
			if err != nil {
				return
			}
		}
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	body, w := io.Pipe()
	req, _ := http.NewRequest("POST", "http://middle/", body)
	res, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got := make([]byte, 100)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if _, err := io.WriteString(w, line); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, got[:len(line)]); err != nil || string(got[:len(line)]) != line {
			t.Fatalf("sent %q, got %q, %v before sending more", line, got[:len(line)], err)
		}
	}
	w.Close()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	refuse := handle(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("connection", "close")
		w.WriteHeader(413)
		io.WriteString(w, "too large")
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", refuse))
	body, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, strings.Repeat("x", 1000)) // and no end
	b.do("POST", "http://middle/", body).want(t, 413, "too large")
}

func TestClientVanishes(t *testing.T) {
	t.Parallel()
	began, ended := make(chan bool, 1), make(chan bool, 1)
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		began <- true
		<-r.Context().Done()
		ended <- true
	})
	logged := make(chan Access, 1)
	b := newBench(t, Options{Access: func(a *Access) { logged <- *a }}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	for _, body := range []string{"", "with a body"} {
		ctx, cancel := contextWithCancel(t)
		req, _ := http.NewRequestWithContext(ctx, "POST", "http://middle/", strings.NewReader(body))
		go func() {
			<-began
			cancel()
		}()
		if _, err := b.client.Do(req); err == nil {
			t.Fatal("the request was complete, want it aborted")
		}
		receive(t, "the end of the upstream's request", ended) // the upstream's request is aborted as well
		if a := receive(t, "the access record", logged); a.Flags != "DC" || a.Status != 0 {
			t.Errorf("body %q: logged status %d flags %s, want 0 DC", body, a.Status, a.Flags)
		}
	}
}

func TestUpstreamEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	logged := make(chan Access, 1)
	up := script(t, func(string) string { return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort\x00close" })
	b := newBench(t, Options{Access: func(a *Access) { logged <- *a }}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	res, err := b.client.Get("http://middle/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "short" {
		t.Errorf("body %q, %v: want the part that arrived, and an error", body, err)
	}
	if a := receive(t, "the access record", logged); a.Flags != "UC" || a.Status != 200 {
		t.Errorf("logged status %d flags %s, want 200 UC", a.Status, a.Flags)
	}
}

func TestHTTP100Continue(t *testing.T) {
	t.Parallel()
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(417)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	b.client.Transport.(*http.Transport).ExpectContinueTimeout = 10 * time.Second
	b.do("POST", "http://middle/", strings.NewReader("hello"), "Expect: 100-continue").want(t, 200, "hello")
	b.do("POST", "http://middle/refuse", strings.NewReader("hello"), "Expect: 100-continue").want(t, 417, "")
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	up := script(t, func(string) string {
		return "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	hints := ""
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = fmt.Sprint(code, h.Get("link"))
		return nil
	}})
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://middle/", nil)
	res, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); hints != "103a" || string(body) != "ok" || res.Header.Get("link") != "" {
		t.Errorf("hints %q, then %q with link %q", hints, body, res.Header.Get("link"))
	}
}

func TestTimeoutInTheMiddleOfTheAnswer(t *testing.T) {
	t.Parallel()
	up := script(t, func(string) string { return "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nbegin" }) // and no more
	logged := make(chan Access, 1)
	route := routeTo(service("middle"))
	route.Timeout = 100 * time.Millisecond
	b := newBench(t, Options{Access: func(a *Access) { logged <- *a }}, toRoute(route), podOf("middle", "middle-1", up))
	res, err := b.client.Get("http://middle/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil || string(body) != "begin" {
		t.Errorf("body %q, %v: want its beginning and an error", body, err)
	}
	if a := receive(t, "the access record", logged); a.Flags != "UT" {
		t.Errorf("flags %s, want UT", a.Flags)
	}
}
