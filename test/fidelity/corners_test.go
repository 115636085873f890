package fidelity

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// corner is one case of testdata/corners: a sentence of the documentation, rules that test it, and requests at its limits.
type corner struct {
	Name     string
	Says     string // the sentence
	Source   string // where it is
	Rules    string
	Requests []cornerRequest
}

type cornerRequest struct {
	From    string // client by default
	Method  string // GET by default
	To      string // authority and path: "svc0:9090/a?b=c"
	Headers []string
	Body    string
	Bytes   int      // the length of the body
	Within  []string // how long the response takes, in both engines
}

func (c cornerRequest) request() request {
	authority, path, _ := strings.Cut(c.To, "/")
	r := request{from: c.From, method: c.Method, authority: authority, path: "/" + path, body: c.Body + strings.Repeat("x", c.Bytes)}
	if r.from == "" {
		r.from = client
	}
	if r.method == "" {
		r.method = "GET"
	}
	for _, h := range c.Headers {
		name, value, _ := strings.Cut(h, ":")
		r.header = append(r.header, header{name, strings.TrimSpace(value)})
	}
	return r
}

func readCorners(t *testing.T) map[string][]corner {
	t.Helper()
	files, err := filepath.Glob("testdata/corners/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corner cases in testdata/corners: %v", err)
	}
	all := map[string][]corner{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var cases []corner
		if err := yaml.UnmarshalStrict(text, &cases); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".yaml")] = cases
	}
	return all
}

// TestCorners compares every corner case on both engines.
func TestCorners(t *testing.T) {
	b, err := newBench(standardWorld(), *envoyBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	compared := 0
	for file, cases := range readCorners(t) {
		for _, c := range cases {
			t.Run(file+"/"+c.Name, func(t *testing.T) {
				rules := documents(c.Rules)
				if err := b.apply(rules); err != nil {
					t.Fatal(err)
				}
				compared += len(c.Requests)
				for rest := c.Requests; len(rest) > 0; { // callers run in sequence: only one has its sidecar
					n := 1
					for n < len(rest) && rest[n].From == rest[0].From {
						n++
					}
					if err := b.from(rest[0].request().from); err != nil {
						t.Fatal(err)
					}
					atOnce(n, 10, func(i int) { b.corner(t, c, rest[i]) })
					rest = rest[n:]
				}
			})
		}
	}
	t.Logf("%d requests compared", compared)
}

// corner compares one request of a case.
func (b *bench) corner(t *testing.T, c corner, cr cornerRequest) {
	t.Helper()
	r := cr.request()
	istio, lab, differ := b.both(r)
	for _, o := range []struct {
		engine string
		took   time.Duration
	}{{"Istio", istio.took}, {"the lab", lab.took}} {
		if low, high, ok := cr.bounds(t); ok && (o.took < low || o.took > high) {
			t.Errorf("%s took %v, wanted %v to %v: %s", o.engine, o.took, low, high, r.curl())
		}
	}
	if len(differ) > 0 {
		t.Errorf("%s\n%s\n  %s", c.Says, r.curl(), strings.Join(differ, "\n  "))
	}
}

func (c cornerRequest) bounds(t *testing.T) (low, high time.Duration, ok bool) {
	t.Helper()
	if len(c.Within) != 2 {
		return 0, 0, false
	}
	low, err := time.ParseDuration(c.Within[0])
	if err != nil {
		t.Error(err)
	}
	high, err = time.ParseDuration(c.Within[1])
	if err != nil {
		t.Error(err)
	}
	return low, high, true
}
