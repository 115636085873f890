package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWatching serves a page with faults, and shows that the other tests would detect them: requests to another origin, violations of the
// policy, exceptions, faint and overlapping texts.
func TestWatching(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "script-src 'sha256-nothing='")
		if r.URL.Path == "/throws" {
			w.Header().Del("Content-Security-Policy")
		}
		fmt.Fprintf(w, `<!doctype html><title>bad</title><body style="background:white"><img src="%s/x.png" alt="">
			<p style="color:#999">faint</p><p style="color:#777; font-size:24px">large</p><button style="width:3000px"></button>
			<div style="display:flex; width:100px"><b style="width:30px; flex:none; white-space:nowrap">much too long</b><i>over</i></div><p style="width:0; overflow:hidden">cut off</p><script>throw new Error("thrown")</script>`, elsewhere.URL)
	}))
	t.Cleanup(server.Close)

	p := open(t, server.URL)
	p.visit(server.URL + "/forbidden")
	p.visit(server.URL + "/throws")
	complaints := func() (list []string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		list, p.troubles = p.troubles, nil
		for _, request := range p.requests {
			if strings.HasPrefix(request, elsewhere.URL) {
				list = append(list, "left the origin")
			}
		}
		p.requests = nil
		return list
	}
	got := strings.Join(complaints(), "\n")
	for _, want := range []string{"Content Security Policy", "Error: thrown", "left the origin"} {
		if !strings.Contains(got, want) {
			t.Errorf("the tests do not detect %q:\n%s", want, got)
		}
	}
	if pairs := eval[[][2]string](p, overlapScript); len(pairs) != 1 || pairs[0] != [2]string{"much too long", "over"} {
		t.Errorf("the texts that overlap are %q, want the too long one and the one after it", pairs)
	}
	if faint := eval[[]faint](p, contrastScript); len(faint) != 1 || faint[0].Text != "faint" || faint[0].Ratio < 2.8 || faint[0].Ratio > 2.9 {
		t.Errorf("the contrasts found are %+v, want only the faint text's, 2.85", faint)
	}
}
