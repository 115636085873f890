package mesh

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/overlay"
)

// modelTable models a gateway's VirtualServices by Istio's documentation only: it has no index and compiles nothing.
type modelTable []*networking.VirtualService

// code returns the status of the rule that a request meets: the first rule of its host without a match, or with a true match; 404 for none.
func (m modelTable) code(req *Request) int {
	var hosts []string
	rules := map[string][]*networking.HTTPRoute{}
	for _, v := range m {
		for _, host := range v.Hosts {
			hosts = append(hosts, host)
			rules[host] = v.Http
		}
	}
	for _, rule := range rules[naiveHost(hosts, req.Authority)] {
		holds := len(rule.Match) == 0
		for _, match := range rule.Match {
			holds = holds || modelMatch(match, req)
		}
		if holds {
			return int(rule.DirectResponse.Status)
		}
	}
	return 404
}

// modelMatch reports whether all conditions of a block hold.
func modelMatch(m *networking.HTTPMatchRequest, req *Request) bool {
	path, query, _ := strings.Cut(req.Path, "?")
	if m.Uri != nil && !modelURI(m.Uri, path, m.IgnoreUriCase) || m.Method != nil && !modelText(m.Method, req.Method) {
		return false
	}
	for name, want := range m.Headers {
		if holds, _ := modelHeader(name, want, req); !holds {
			return false
		}
	}
	for name, want := range m.WithoutHeaders {
		holds, there := modelHeader(name, want, req)
		if !there && want.MatchType != nil {
			holds = modelText(want, "") // an absent header counts as empty
		}
		if holds {
			return false
		}
	}
	for name, want := range m.QueryParams {
		values, err := url.ParseQuery(query)
		if err != nil || !values.Has(name) || !modelText(want, values.Get(name)) {
			return false
		}
	}
	return true
}

func modelURI(want *networking.StringMatch, path string, ignoreCase bool) bool {
	if _, isRegex := want.MatchType.(*networking.StringMatch_Regex); ignoreCase && !isRegex {
		path = strings.ToLower(path)
		switch t := want.MatchType.(type) {
		case *networking.StringMatch_Exact:
			want = exactly(strings.ToLower(t.Exact))
		case *networking.StringMatch_Prefix:
			want = beginning(strings.ToLower(t.Prefix))
		}
	}
	return modelText(want, path)
}

// modelHeader reports whether any value of a header matches, and whether the header is present.
func modelHeader(name string, want *networking.StringMatch, req *Request) (holds, there bool) {
	values := req.Header.Values(name)
	switch {
	case name == "host":
		values = []string{req.Authority}
	case name == "accept" && len(values) > 1:
		values = []string{strings.Join(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }), ",")}
	}
	for _, value := range values {
		holds = holds || modelText(want, value)
	}
	return holds, len(values) > 0
}

func modelText(want *networking.StringMatch, value string) bool {
	switch t := want.MatchType.(type) {
	case *networking.StringMatch_Exact:
		return value == t.Exact
	case *networking.StringMatch_Prefix:
		return strings.HasPrefix(value, t.Prefix)
	case *networking.StringMatch_Regex:
		return regexp.MustCompile("^(?:" + t.Regex + ")$").MatchString(value)
	}
	return true
}

// drawTable draws the VirtualServices of a gateway, each with its own hosts. Every rule responds with its own status.
func drawTable(t *rapid.T) modelTable {
	hosts := rapid.Permutation([]string{"a.test", "b.test", "*.test", "*"}).Draw(t, "hosts")
	var table modelTable
	status := uint32(200)
	for len(hosts) > 0 {
		n := rapid.IntRange(1, len(hosts)).Draw(t, "hosts of one")
		v := &networking.VirtualService{Hosts: hosts[:n], Gateways: []string{"gw"}}
		for _, matches := range rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawMatch), 0, 3), 1, 6).Draw(t, "rules") {
			status++
			v.Http = append(v.Http, &networking.HTTPRoute{Match: matches, DirectResponse: &networking.HTTPDirectResponse{Status: status}})
		}
		table = append(table, v)
		if hosts = hosts[n:]; rapid.Bool().Draw(t, "no more") {
			break
		}
	}
	return table
}

// overlay returns the table as objects.
func (m modelTable) overlay() *overlay.Overlay {
	o := &overlay.Overlay{Gateways: []overlay.Istio[*networking.Gateway]{{
		Meta: overlay.Meta{Kind: "Gateway", Namespace: "one", Name: "gw"},
		Spec: &networking.Gateway{Selector: map[string]string{"istio": "ingressgateway"},
			Servers: []*networking.Server{{Hosts: []string{"*"}, Port: &networking.Port{Number: 80, Name: "http", Protocol: "HTTP"}}}},
	}}}
	for i, v := range m {
		o.VirtualServices = append(o.VirtualServices, overlay.Istio[*networking.VirtualService]{
			Meta: overlay.Meta{Kind: "VirtualService", Namespace: "one", Name: fmt.Sprintf("v%d", i)}, Spec: v})
	}
	return o
}

// modelled compares a compiled table with the model.
func modelled(t *rapid.T) {
	model := drawTable(t)
	table, err := Compile(model.overlay())
	if err != nil {
		t.Fatal(err)
	}
	gateway := IngressGateway()
	for _, req := range rapid.SliceOfN(rapid.Custom(drawRequest), 1, 10).Draw(t, "requests") {
		got := 404
		d := table.Decide(req, &gateway, rapid.Uint64().Draw(t, "random"))
		if d.Outcome == Direct {
			got = d.Route.Direct.Code
		} else if d.Outcome != NoRoute {
			t.Fatalf("outcome %d", d.Outcome)
		}
		if want := model.code(req); got != want {
			t.Fatalf("%s %s%s %v: the table decides %d, the model %d", req.Method, req.Authority, req.Path, req.Header, got, want)
		}
	}
}

func TestTableIsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, modelled)
}

// FuzzTable searches for a difference that the draws of TestTableIsItsModel are too few to find.
func FuzzTable(f *testing.F) { f.Fuzz(rapid.MakeFuzz(modelled)) }
