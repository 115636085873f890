package front

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/hopline/hopline/pkg/telemetry"
)

// TestPolicy computes the hashes of the scripts and styles in the document: only what the policy names may run.
func TestPolicy(t *testing.T) {
	t.Parallel()
	p := newPage(telemetry.Identity{Service: "front", Version: "amber"}, "")
	for _, element := range []struct{ pattern, directive string }{
		{`(?s)<style>(.*?)</style>`, "style-src"},
		{`(?s)<script type="module">(.*?)</script>`, "script-src"},
	} {
		found := regexp.MustCompile(element.pattern).FindAllSubmatch(p.document, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements match %s, want 1", len(found), element.pattern)
		}
		sum := sha256.Sum256(found[0][1])
		want := element.directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !strings.Contains(p.policy, want+";") {
			t.Errorf("the policy lacks %s: %s", want, p.policy)
		}
	}
	if strings.Contains(p.policy, "unsafe") || !strings.HasPrefix(p.policy, "default-src 'none'") {
		t.Errorf("the policy is not strict: %s", p.policy)
	}
}

// TestRelative: every link of the page works under any prefix, and nothing is loaded from elsewhere.
func TestRelative(t *testing.T) {
	t.Parallel()
	p := newPage(telemetry.Identity{Service: "front", Version: "amber"}, "")
	frame, err := web.ReadFile("web/frame.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{string(p.document), string(frame)} {
		for _, link := range regexp.MustCompile(`(?:href|src|action|formaction)="([^"]*)"`).FindAllStringSubmatch(document, -1) {
			if target := link[1]; strings.HasPrefix(target, "/") || strings.HasPrefix(target, "http") {
				t.Errorf("%s does not stay below the page", link[0])
			}
		}
	}
}

// TestEscaped puts markup into every text from outside the page.
func TestEscaped(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>`
	p := newPage(telemetry.Identity{Service: "front" + evil, Version: evil}, TraceUIURL("http://host/{traceID}"+evil))
	if strings.Contains(string(p.document), "<script>") {
		t.Error("the page contains markup from its settings")
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/slow-page", nil)
	r.Header.Set("Accept", browser)
	p.framed("Slow page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-B3-Traceid", "4bf9")
		http.Error(w, evil+"\xff", http.StatusBadGateway)
	})(w, r)
	if body := w.Body.String(); strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;�") {
		t.Errorf("the frame shows markup as markup: %s", body)
	}
	if w.Code != http.StatusBadGateway {
		t.Errorf("status %d, want 502", w.Code)
	}
}

// TestFrameIsBounded: a response that is longer than a page should show is shortened.
func TestFrameIsBounded(t *testing.T) {
	t.Parallel()
	p := newPage(telemetry.Identity{}, "")
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/slow-page", nil)
	r.Header.Set("Accept", browser)
	p.framed("Slow page", func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			if n, err := w.Write([]byte(strings.Repeat("§", 1000))); n != 2000 || err != nil {
				t.Errorf("Write says %d, %v; want 2000 and no error", n, err)
			}
		}
	})(w, r)
	body := w.Body.String()
	if shown := strings.Count(body, "§"); shown != longestShown/2 {
		t.Errorf("%d characters are shown, want %d", shown, longestShown/2)
	}
	if !strings.Contains(body, "this is its beginning") {
		t.Error("the page does not show that there was more")
	}
}

// TestUnchanged: a browser that has the page already gets 304.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	p := newPage(telemetry.Identity{}, "")
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("If-None-Match", p.etag)
	p.index(w, r)
	if w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d with %d bytes, want 304 without a body", w.Code, w.Body.Len())
	}
}
