package compare

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
)

// edited loads a shipped overlay, after some texts of one of its files have been replaced.
func edited(t *testing.T, name, file string, replace ...string) Rules {
	t.Helper()
	dir := filepath.Join(shipped.Deploy(t), "overlays", name)
	if file != "" {
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(replace); i += 2 {
			if !strings.Contains(string(text), replace[i]) {
				t.Fatalf("%s has no %q", path, replace[i])
			}
		}
		if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o, table, err := mesh.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Rules{o, table}
}

// inWords returns groups as lines.
func inWords(groups []Group) string {
	var b strings.Builder
	for _, g := range groups {
		for _, d := range g.Differences {
			fmt.Fprintf(&b, "%s: %s -> %s %v\n", d.Aspect, d.Before, d.After, d.Shares)
		}
		fmt.Fprintf(&b, "  %d from %s: %s\n", g.Count, strings.Join(g.Callers, ", "), g.Example.Command())
	}
	return b.String()
}

func TestWeights(t *testing.T) {
	t.Parallel()
	before := edited(t, "canary", "")
	after := edited(t, "canary", "middle.yaml", "weight: 80", "weight: 50", "weight: 20", "weight: 50")
	const shares = "[{middle.hopline.svc.cluster.local:80 subset prod 80 50} {middle.hopline.svc.cluster.local:80 subset canary 20 50}]\n"
	const difference = "destination: middle.hopline.svc.cluster.local:80 subset prod 80 %, middle.hopline.svc.cluster.local:80 subset canary 20 % -> " +
		"middle.hopline.svc.cluster.local:80 subset prod 50 %, middle.hopline.svc.cluster.local:80 subset canary 50 % " + shares
	result := Tables(before, after)
	got := inWords(result.Groups)
	if !strings.HasPrefix(got, difference) || len(result.Groups) != 1 || !strings.Contains(got, "hopline explain --from hopline/") || len(result.Limits)+len(result.Added)+len(result.Removed) > 0 {
		t.Errorf("got %d combinations, limits %q\n%s", result.Compared, result.Limits, got)
	}
	if same := Tables(before, edited(t, "canary", "")); len(same.Groups) > 0 || same.Compared < 20 {
		t.Errorf("an overlay differs from itself: %s", inWords(same.Groups))
	}

	front := Callers(before.Overlay)[2]
	call := func(path string, header http.Header) Call {
		return Call{From: front, Trace: "t" + path, Request: mesh.Request{Method: "GET", Authority: "middle", Path: path, Scheme: "http", Port: 80, Header: header}}
	}
	groups := Calls(before, after, []Call{call("/a", nil), call("/b", http.Header{"X-Dev-User": {"betaUser"}}), call("/c", nil)})
	if len(groups) != 1 || groups[0].Count != 2 || groups[0].Example.Trace != "t/a" || groups[0].Example.RuleBefore != "VirtualService hopline/middle everybody (http[1])" {
		t.Errorf("of three calls, one with x-dev-user, these differ: %+v", groups)
	}
	if none := Calls(before, before, []Call{call("/a", nil)}); len(none) != 0 {
		t.Errorf("none should differ, got %s", inWords(none))
	}
}

// TestRewrites replaces a prefix match by a regular expression. Both rules make "/" of "/demo-app/"; only of a longer path do they make
// different ones, so that one path of each kind would not be enough.
func TestRewrites(t *testing.T) {
	t.Parallel()
	before, after := edited(t, "canary", ""), edited(t, "canary", "../../components/mesh/ingress.yaml", "uri: {prefix: /demo-app/}", "uri: {regex: /demo-app/.*}")
	got := inWords(Tables(before, after).Groups)
	want := "path: prefix \"/demo-app/\" replaced by \"/\" -> replaced by \"/\" []\n"
	if !strings.Contains(got, want) || !strings.Contains(got, "from istio-ingressgateway: hopline explain GET http://localhost/demo-app/") {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestObjects compares overlays that differ in other objects than VirtualServices.
func TestObjects(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ a, b, want string }{
		{"canary", "circuit", "policy: "},
		{"canary", "timeout", "timeout: none -> timeout "},
		{"canary", "fault", "fault: none -> fault: "},
		{"canary", "mirror", "mirrors: none -> "},
		{"canary", "denied", "access: none -> "},
		{"canary", "retry", "retries: up to 2 retries on "},
	} {
		if got := inWords(Tables(edited(t, test.a, ""), edited(t, test.b, "")).Groups); !strings.Contains(got, test.want) {
			t.Errorf("from %s to %s: got\n%s\nwant %q", test.a, test.b, got, test.want)
		}
	}
}

// TestCommand checks that an example is a command line for a shell.
func TestCommand(t *testing.T) {
	t.Parallel()
	e := Example{From: "hopline/front-blue", Method: "GET", URL: "http://middle/a?x=1", Header: http.Header{"X-A": {"it's"}}}
	if got, want := e.Command(), `hopline explain -H 'X-A: it'\''s' --from hopline/front-blue GET 'http://middle/a?x=1'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
