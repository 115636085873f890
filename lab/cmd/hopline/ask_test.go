package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/tty"
)

// ask runs a command against the suite, in this process, and returns its exit code and both outputs.
func (s *suite) ask(args ...string) (code int, out, err string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(program{stop: context.Background(), now: context.Background(), args: append(args, "--console-port="+s.consolePort()), out: tty.New(&stdout), err: tty.New(&stderr)})
	return code, stdout.String(), stderr.String()
}

// TestAsk queries a running lab by hopline curl, hopline what-if and the console's API behind them.
func TestAsk(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", nil)
	t.Run("curl", func(t *testing.T) { testCurl(s.in(t)) })
	t.Run("wrong", func(t *testing.T) { testCurlWrong(s.in(t)) })
	t.Run("what-if", func(t *testing.T) { testWhatIf(s.in(t)) })
	t.Run("explain", func(t *testing.T) { testExplainAPI(s.in(t)) })
	t.Run("hostile", func(t *testing.T) { testHostileRules(s.in(t)) })
}

func testCurl(s *suite) {
	// As a workload: the rule for betaUser applies, which the gateway does not have.
	code, out, about := s.ask("curl", "--from", "front-blue", "-H", "x-dev-user: betaUser", "http://middle/hops")
	if code != 0 || whoAnswered(out)[0] != "middle-dev" {
		s.t.Errorf("curl as front-blue: exit code %d, %s%s", code, out, about)
	}
	link := regexp.MustCompile(`^200 OK\nfrom middle-dev/\S+, to front-blue-\S+, in \S+; trace (http://\S+/trace/([0-9a-f]{32}))\n$`).FindStringSubmatch(about)
	if link == nil {
		s.t.Fatalf("standard error is %q", about)
	}
	s.waitFor("the trace", func() bool {
		trace := s.get("Console", "/api/traces/"+link[2])
		return trace.status == 200 && strings.Contains(trace.body, `"service":"hopline"`) && strings.Contains(trace.body, `"service":"core"`) && !strings.Contains(trace.body, `"adopted":true`)
	})
	// From outside, by the ingress gateway, whatever port the URL names.
	code, out, about = s.ask("curl", "-i", "http://localhost:8080/demo-app/hops")
	if code != 0 || !strings.Contains(out, "took (") || !strings.Contains(about, "X-Served-By: front-") || !strings.Contains(about, ", to istio-ingressgateway, in ") {
		s.t.Errorf("curl from outside: exit code %d, %s%s", code, out, about)
	}
	// The mesh's own response has a trace too, and no exit code of its own.
	code, _, about = s.ask("curl", "--from", "hopline/front-blue", "http://nowhere/")
	if code != 0 || !regexp.MustCompile(`^502 Bad Gateway\nfrom the mesh, to front-blue-\S+, in \S+; trace http://`).MatchString(about) {
		s.t.Errorf("curl to nowhere: exit code %d, %s", code, about)
	}
	code, _, about = s.ask("curl", "--from", "front-blue", "http://midle/")
	if code != 0 || !strings.HasSuffix(about, "\nnote nothing has the host midle; did you mean middle?\n") {
		s.t.Errorf("curl to a mistyped host: exit code %d, %s", code, about)
	}
	code, _, about = s.ask("curl", "--from", "clock", "http://core/hops")
	if code != 0 || !strings.HasPrefix(about, "403 Forbidden\nfrom the destination's sidecar, to clock-") {
		s.t.Errorf("curl as clock, which core does not accept: exit code %d, %s", code, about)
	}
	// A body, from a file, by POST; what comes back is escaped.
	file := filepath.Join(s.t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("a\x1b[31mb"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	code, out, _ = s.ask("curl", "-d", "@"+file, "-H", "Accept: text/plain", "-X", "GET", "-H", "Host: minimal.svc.kind.org", "http://localhost/")
	if code != 0 || strings.Contains(out, "\x1b") || !strings.Contains(out, `a\x1b[31mb`) || !strings.Contains(out, "Host: minimal.svc.kind.org") {
		s.t.Errorf("curl with a body: exit code %d, %q", code, out)
	}
}

func testCurlWrong(s *suite) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--from", "front-bleu", "http://middle/"}, `--from front-bleu: no such workload in .*canary; it has .*; did you mean front-blue\?`},
		{[]string{"https://middle/"}, `^hopline: URL "https://middle/": want http, the only scheme of the lab`},
		{[]string{"ftp://middle/"}, `URL "ftp://middle/": want one such as http://middle/hops`},
		{[]string{"-H", "nonsense", "http://middle/"}, `header "nonsense": want 'name: value'`},
		{[]string{"-H", "a b: c", "http://middle/"}, `header "a b": want a name of letters`},
		{[]string{"-X", "G T", "http://middle/"}, `method "G T": want one such as GET`},
		{[]string{"-d", "@/no/such/file", "http://middle/"}, `^hopline: /no/such/file: `},
		{[]string{"-d", strings.Repeat("a", 1<<20+1), "http://middle/"}, `body: want at most 1048576 bytes, got 1048577`},
		{[]string{"--from", "istio-egressgateway", "http://middle/"}, `want a workload, or a client outside`},
	} {
		code, out, err := s.ask(append([]string{"curl"}, test.args...)...)
		if code != 2 || out != "" || !regexp.MustCompile(test.want).MatchString(err) {
			s.t.Errorf("curl %.80q: exit code %d, %q, %.300q; want 2 and %s", test.args, code, out, err, test.want)
		}
	}
	var stderr bytes.Buffer
	code := run(program{stop: s.t.Context(), now: s.t.Context(), args: []string{"curl", "http://middle/", "--console-port=1"}, out: tty.New(&stderr), err: tty.New(&stderr)})
	if code != 1 || !regexp.MustCompile(`^hopline: no lab at http://127\.0\.0\.1:1: [^:]+; hopline up starts one`).MatchString(stderr.String()) {
		s.t.Errorf("without a lab: exit code %d, %s", code, &stderr)
	}
}

// file writes a file for what-if.
func (s *suite) file(text string) string {
	name := filepath.Join(s.t.TempDir(), "rule.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

func testWhatIf(s *suite) {
	for range 5 { // beside the one of testCurl
		s.hops()
	}
	s.hops("x-dev-user", "betaUser")
	middle, err := os.ReadFile(filepath.Join(s.deploy, "overlays", "canary", "middle.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	even := strings.NewReplacer("weight: 80", "weight: 50", "weight: 20", "weight: 50").Replace(string(middle))
	code, out, about := s.ask("what-if", s.file(even))
	if code != 0 || !strings.Contains(out, "VirtualService hopline/middle replaced\n") || !regexp.MustCompile(`of the last \d+ calls 6 would be treated differently\n  6 × from hopline/front-`).MatchString(out) ||
		!strings.Contains(out, "middle.hopline.svc.cluster.local:80 subset prod  80 % -> 50 %\n") || !strings.Contains(out, "such as hopline explain --from hopline/front-") {
		s.t.Errorf("what-if with even weights: exit code %d\n%s%s", code, out, about)
	}
	code, out, _ = s.ask("what-if", s.file(string(middle)))
	if code != 0 || !strings.Contains(out, "none would be treated differently\n") || strings.Contains(out, "such as") {
		s.t.Errorf("what-if with the rules that run: exit code %d\n%s", code, out)
	}
	wrong := strings.Replace(string(middle), "subset: canary", "subset: canari", 1)
	code, out, _ = s.ask("what-if", s.file(wrong))
	if code != 2 || !regexp.MustCompile(`rule.yaml:\d+: VirtualService hopline/middle: spec.http\[1\].route\[\d\].destination.subset: .*canari`).MatchString(out) {
		s.t.Errorf("what-if with a wrong subset: exit code %d\n%s", code, out)
	}
	// Nothing was changed or saved.
	if state := s.state(); state.Revision != 1 || len(state.Problems) > 0 {
		s.t.Errorf("after what-if the lab has revision %d and problems %v", state.Revision, state.Problems)
	}
	if after, err := os.ReadFile(filepath.Join(s.deploy, "overlays", "canary", "middle.yaml")); err != nil || !bytes.Equal(after, middle) {
		s.t.Errorf("middle.yaml has changed: %v", err)
	}
}

// testExplainAPI compares the API with the command.
func testExplainAPI(s *suite) {
	a := s.get("Console", "/api/explain?"+url.Values{"from": {"front-blue"}, "url": {"http://middle/hops"}, "header": {"x-dev-user: betaUser"}}.Encode())
	var answer struct {
		Text  string
		Taken struct{ Rule string }
	}
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil || a.status != http.StatusOK || answer.Taken.Rule != "beta" {
		s.t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	_, out, _ := s.ask("explain", "--from", "front-blue", "-H", "x-dev-user: betaUser", "GET", "http://middle/hops")
	_, command, _ := strings.Cut(out, "\n") // without the line that names the rules
	_, api, _ := strings.Cut(answer.Text, "\n")
	if command != api {
		s.t.Errorf("the command prints\n%s, the API\n%s", command, api)
	}
	for query, want := range map[string]string{
		"url=":                              "want one such as",
		"url=http://middle/&header=x":       "want 'name: value'",
		"url=http://middle/&from=nobody":    "no such workload",
		"url=http://middle:99999/hops":      "want a port from 1 to 65535",
		"url=http://middle/%25zz&from=core": "no such workload",
	} {
		if a := s.get("Console", "/api/explain?"+query); a.status != http.StatusBadRequest || !strings.Contains(a.body, want) {
			s.t.Errorf("%s: %d %s, want 400 with %s", query, a.status, a.body, want)
		}
	}
	example := s.get("Console", "/api/example?"+url.Values{"object": {"VirtualService hopline/middle"}, "rule": {"beta"}}.Encode())
	if example.status != 200 || !strings.Contains(strings.ToLower(example.body), `x-dev-user: betauser`) {
		s.t.Errorf("an example of rule beta: %d %s", example.status, example.body)
	}
}

// testHostileRules sends texts that would hurt a careless reader.
func testHostileRules(s *suite) {
	aliases := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		aliases += string(rune('b'+i)) + ": &" + string(rune('b'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(rune('a'+i))+",", 10), ",") + "]\n"
	}
	for name, text := range map[string]string{
		"aliases":    aliases,
		"depth":      strings.Repeat("[", 20_000),
		"block":      strings.Repeat("- ", 200_000),
		"empty":      "",
		"a scalar":   "hello",
		"no kind":    "metadata: {name: x}",
		"no name":    "kind: VirtualService",
		"binary":     "\x00\xff\xfe",
		"a template": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: '{{x}}'}\nspec: {http: [{route: []}]}",
		"twice":      "kind: VirtualService\nmetadata: {name: x}\n---\nkind: VirtualService\nmetadata: {name: x}\n",
	} {
		code, out, about := s.ask("what-if", s.file(text))
		if code != 2 || out == "" || len(out) > 4096 {
			s.t.Errorf("%s: exit code %d, %.500s%.500s; want 2 and reasons", name, code, out, about)
		}
	}
	code, _, about := s.ask("what-if", s.file(strings.Repeat("#", 1<<20+1)))
	if code != 2 || !strings.Contains(about, "want at most 1048576 bytes") {
		s.t.Errorf("a long file: exit code %d, %s", code, about)
	}
	if a := s.get("Page", "/hops"); a.status != http.StatusOK {
		s.t.Errorf("after that the lab responds with %d", a.status)
	}
}
