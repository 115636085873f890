package whatif

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/internal/shipped/loaded"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func running(t *testing.T, name string) compare.Rules {
	t.Helper()
	o, table := loaded.Overlay(t, name)
	return compare.Rules{Overlay: o, Table: table}
}

// calls returns calls of front-blue to middle, each with a value of a header.
func calls(rules compare.Rules, header string, values ...string) []traffic.Call {
	var out []traffic.Call
	for _, c := range compare.Callers(rules.Overlay) {
		for _, value := range values {
			if c.Name == "hopline/front-blue" {
				out = append(out, traffic.Call{Source: &c.Source, TraceID: "t" + value,
					Request: mesh.Request{Method: "GET", Authority: "middle", Path: "/hops", Scheme: "http", Port: 80, Header: http.Header{header: {value}}}})
			}
		}
	}
	return out
}

func answer(t *testing.T, rules compare.Rules, text string, calls []traffic.Call) *Answer {
	t.Helper()
	a, err := new(Asker).Ask(rules, "rule.yaml", []byte(text), calls)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSame gives each running rule back as its own replacement: nothing would change.
func TestSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"canary", "denied"} {
		rules := running(t, name)
		if len(rules.Overlay.Rules()) < 5 {
			t.Errorf("%s has the rules %q", name, rules.Overlay.Rules())
		}
		for _, object := range rules.Overlay.Rules() {
			text, err := rules.Overlay.YAML(object)
			if err != nil {
				t.Fatal(err)
			}
			a := answer(t, rules, text, calls(rules, "X-Dev-User", "betaUser", "other"))
			if len(a.Problems)+len(a.Objects)+len(a.Groups)+len(a.Any.Groups) > 0 || a.Calls != 2 || a.Any.Compared == 0 {
				t.Errorf("%s, %s: %+v", name, object, a)
			}
		}
	}
	if _, err := running(t, "canary").Overlay.YAML("VirtualService hopline/midle"); err == nil || !strings.Contains(err.Error(), "did you mean VirtualService hopline/middle?") {
		t.Errorf("an unknown object: %v", err)
	}
}

const stable = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: middle}
spec:
  hosts: [middle]
  http:
  - match: [{headers: {x-new: {exact: "1"}}}]
    directResponse: {status: 418}
  - route: [{destination: {host: middle, subset: prod}}]
`

// TestReplaced replaces a rule by a text without a namespace, in a list, with a header that no running rule matches on.
func TestReplaced(t *testing.T) {
	t.Parallel()
	rules := running(t, "canary")
	for _, text := range []string{stable, "kind: List\napiVersion: v1\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(stable), "\n", "\n  ")} {
		a := answer(t, rules, text, calls(rules, "X-Dev-User", "betaUser", "other"))
		if !slices.Equal(a.Objects, []string{"VirtualService hopline/middle replaced"}) || len(a.Groups) != 2 || a.Groups[0].Count != 1 {
			t.Errorf("got %+v", a)
		}
		if len(a.Notes) != 1 || !strings.Contains(a.Notes[0], "has not kept the header X-New") {
			t.Errorf("the notes are %q", a.Notes)
		}
		teapot := slices.ContainsFunc(a.Any.Groups, func(g compare.Group) bool {
			return g.Differences[0].After == "418: response of the proxy, 0 bytes" && slices.Equal(g.Example.Lines(), []string{"X-New: 1"}) && g.Example.Method == "GET"
		})
		if !teapot {
			t.Errorf("no request shows the direct response: %s", a.Text())
		}
	}
	added := answer(t, rules, strings.Replace(stable, "{name: middle}", "{name: another, namespace: hopline}", 1), nil)
	if !slices.Equal(added.Objects, []string{"VirtualService hopline/another added"}) || added.Calls != 0 || !strings.Contains(added.Text(), "no calls yet") {
		t.Errorf("got %+v", added)
	}
	cut := calls(rules, "X-Dev-User", "a", "b", "c")
	cut[0].Cut, cut[1].Copy = true, true
	if a := answer(t, rules, stable, cut); a.Calls != 1 || !strings.Contains(fmt.Sprint(a.Notes), "1 calls are left out") {
		t.Errorf("with a cut call and a copy: %+v", a)
	}
}

// TestProblems checks the places and words of problems, in the text and outside of it.
func TestProblems(t *testing.T) {
	t.Parallel()
	rules := running(t, "canary")
	for text, want := range map[string]string{
		strings.Replace(stable, "subset: prod", "subset: prd", 1): "rule.yaml:9: VirtualService hopline/middle: spec.http[1].route[0].destination.subset: ",
		strings.Replace(stable, "hosts:", "hots:", 1):             "rule.yaml:5: VirtualService hopline/middle: spec.hots: unknown field; did you mean hosts?",
		"a: [": "rule.yaml:1: ",
		"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: middle, namespace: hopline}\nspec: {host: middle, subsets: [{name: other}]}\n": "VirtualService hopline/middle: spec.http[0].route[0].destination.subset: ",
	} {
		a := answer(t, rules, text, nil)
		found := slices.ContainsFunc(a.Problems, func(p Problem) bool { return strings.Contains(p.Text, want) })
		if !found || len(a.Objects)+len(a.Groups) > 0 {
			t.Errorf("got %+v, want %s", a.Problems, want)
		}
	}
}

// TestOneAtATime sends a question while another one is computed.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	var a Asker
	a.busy.Lock()
	if _, err := a.Ask(compare.Rules{}, "", nil, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	a.busy.Unlock()
}
