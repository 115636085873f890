package convert

import (
	"os"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/rules"
)

// The rules of Istio's sample Bookinfo are converted so that no request goes elsewhere, or are rejected by name.
func TestBookinfo(t *testing.T) {
	t.Parallel()
	base, err := os.ReadFile("testdata/bookinfo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ http, want, rejected string }{
		"virtual-service-reviews-test-v2": {`[{match: [{headers: {end-user: {exact: jason}}}], route: [{destination: {host: reviews, subset: v2}}]}, {route: [{destination: {host: reviews, subset: v1}}]}]`,
			"name: reviews-v2", ""},
		"virtual-service-reviews-90-10": {`[{route: [{destination: {host: reviews, subset: v1}, weight: 90}, {destination: {host: reviews, subset: v2}, weight: 10}]}]`,
			"weight: 90", ""},
		"virtual-service-reviews-v3": {`[{route: [{destination: {host: reviews, subset: v3}}]}]`, "host: reviews-v3.default.svc.cluster.local", ""},
		"virtual-service-ratings-test-delay": {`[{match: [{headers: {end-user: {exact: jason}}}], fault: {delay: {percentage: {value: 100}, fixedDelay: 7s}}, route: [{destination: {host: reviews, subset: v1}}]}]`,
			"", "spec.http[0].fault: want none: an HTTPRoute injects no faults"},
		"timeout": {`[{route: [{destination: {host: reviews, subset: v2}}], timeout: 0.5s}]`, "request: 500ms", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := string(base) + "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec:\n  hosts: [reviews]\n  http: " + c.http + "\n"
			r, err := rules.Read(t.Context(), []string{"-"}, strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			converted, err := Convert(r, Options{})
			if c.rejected != "" {
				if err == nil || !strings.Contains(err.Error(), c.rejected) {
					t.Errorf("got %v, want %s", err, c.rejected)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := converted.YAML()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, want %s in\n%s", err, c.want, out)
			}
			proof, err := Prove(r, converted)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range proof.Groups {
				t.Error(g.Text("-"))
			}
		})
	}
}
