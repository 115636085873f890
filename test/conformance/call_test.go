package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// client follows no redirect: the target of a redirect is part of the contract. Many tests share its connections.
var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// The hosts that the ingress routes by name.
const (
	minimalHost = "minimal.svc.kind.org"
	bouncedHost = "bounced.svc.kind.org"
)

// page returns the outside path of front's path.
func page(path string) string {
	if *overlay == "plain" {
		return path
	}
	return "/demo-app" + path
}

// headers of a request. "Host" is set where net/http wants it.
type headers map[string]string

// and returns the headers with a further one.
func (h headers) and(name, value string) headers {
	more := headers{name: value}
	for n, v := range h {
		more[n] = v
	}
	return more
}

// answer holds a response with its body.
type answer struct {
	*http.Response
	body string
}

// once sends one request. In the overlay circuit the requests to minimal are sent one after another, because the mesh rejects more than
// two at a time; TestCircuit checks that.
func once(method, path string, h headers, body string) (answer, error) {
	if *overlay == "circuit" && strings.HasPrefix(strings.ToLower(h["Host"]), minimalHost) {
		turn.Lock()
		defer turn.Unlock()
	}
	return send(method, path, h, body)
}

// turn is held while a request to minimal is in progress, in the overlay circuit.
var turn sync.Mutex

// send sends one request immediately.
func send(method, path string, h headers, body string) (answer, error) {
	request, err := http.NewRequest(method, *base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, value := range h {
		request.Header.Set(name, value)
	}
	request.Host = request.Header.Get("Host")
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response, string(read)}, err
}

// try sends one request, and repeats it if its response is a failure that the overlay demonstrates. In the overlay outlier the mesh calls
// the sick pod of core now and then to see whether it has recovered; TestOutlier checks how rarely. In the overlay fault half of a tester's
// requests are aborted, so forty in a row once in 10¹² trials; TestFault checks the half.
func try(method, path string, h headers, body string) (a answer, err error) {
	again, most := func() bool { return bySickPod(a, h) }, 10
	if *overlay == "fault" {
		again, most = func() bool { return aborted(a) }, 40
	}
	for range most {
		a, err = once(method, path, h, body)
		if err != nil || !again() {
			break
		}
	}
	return a, err
}

// call is try for callers that need a response.
func call(t *testing.T, method, path string, h headers, body string) answer {
	t.Helper()
	a, err := try(method, path, h, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func get(t *testing.T, path string, h headers) answer {
	t.Helper()
	return call(t, http.MethodGet, path, h, "")
}

// look requests a page that is not at the ingress: of a back end, of an admin port.
func look(url string, h headers) (answer, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	for name, value := range h {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response, string(read)}, err
}

// decode decodes a response's JSON.
func decode[T any](a answer) (T, error) {
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		return v, fmt.Errorf("the %d response is not JSON: %w: %s", a.StatusCode, err, a.body)
	}
	return v, nil
}

// eventually checks every tenth of a second until the condition holds, for that time at most.
func eventually(within time.Duration, condition func() bool) bool {
	end := time.After(within)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			return false
		}
	}
	return true
}

// arrival is how long spans and log lines may take to become readable.
const arrival = 20 * time.Second
