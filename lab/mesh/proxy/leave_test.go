package proxy

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// leaver is a caller that leaves at the moment when its response is written.
type leaver struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
}

func (l leaver) Write(b []byte) (int, error) {
	l.leave()
	for range 100 { // lets the server notice that the caller has left
		runtime.Gosched()
	}
	return l.ResponseRecorder.Write(b)
}

// TestCallerLeavesAtTheEnd: a caller that leaves when its response is complete must not interrupt the connection of the next request.
func TestCallerLeavesAtTheEnd(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	t.Cleanup(up.Close)
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.Listener.Addr().String()))
	gateway := b.proxy.Gateway(mesh.IngressGateway(), 80)
	for i := range 200 {
		ctx, leave := context.WithCancel(t.Context())
		gateway.ServeHTTP(leaver{httptest.NewRecorder(), leave}, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://middle/", nil))
		leave()
		next := httptest.NewRecorder()
		gateway.ServeHTTP(next, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://middle/", nil))
		if next.Code != http.StatusOK {
			t.Fatalf("after %d callers have left, the next gets %d %s", i+1, next.Code, next.Body)
		}
	}
}
