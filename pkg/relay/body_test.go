package relay

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// halfResponses starts an upstream that begins its response and never ends it.
func halfResponses(t *testing.T) string {
	t.Helper()
	release := make(chan struct{})
	address := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	t.Cleanup(func() { close(release) })
	return address
}

// TestStalled: a response that stalls is aborted, with a 504 if nothing has been passed on, otherwise by closing the connection.
func TestStalled(t *testing.T) {
	t.Parallel()
	rig := newRig(t, Options{Timeout: time.Second})
	u := rig.to(t, halfResponses(t))
	if w := ask(u.Hops, "GET", "/hops"); w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "/hops: the rest of its response did not arrive") {
		t.Errorf("hops: %d %q", w.Code, w.Body)
	}
	front := httptest.NewServer(http.HandlerFunc(u.Pass))
	defer front.Close()
	resp, err := front.Client().Get(front.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("the response that was passed on looked complete")
	}
	for _, span := range rig.spans.Ended() {
		if span.Status().Code.String() != "Error" {
			t.Errorf("the span's status is %v", span.Status())
		}
	}
}

// TestSlowReader: a pause between two reads does not cut the response off.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	u := newRig(t, Options{Timeout: timeout}).to(t, upstream(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") }))
	resp, err := u.Get(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-time.After(timeout + 200*time.Millisecond)
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "whole" {
		t.Errorf("%q, %v", text, err)
	}
}
