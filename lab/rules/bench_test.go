package rules

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// manyRules returns a VirtualService of host b with n rules, each with a path and a header of its own.
func manyRules(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: b, namespace: shop}\nspec:\n  hosts: [b]\n  http:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {match: [{uri: {prefix: /p%d/}, headers: {x: {exact: v%d}}}], route: [{destination: {host: b, subset: s%d}}]}\n", i, i%7, i%3)
	}
	return b.String()
}

// BenchmarkExplain reads 10,000 rules and explains one request, which the last of them matches.
func BenchmarkExplain(b *testing.B) {
	text := manyRules(10_000)
	for b.Loop() {
		r, err := Read(context.Background(), []string{"-"}, strings.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		a, err := r.Ask(&Question{From: "shop/", Method: "GET", URL: "http://b/p9999/", Headers: []Header{{"x", "v3"}}})
		if err != nil || a.Taken == nil || a.Taken.Place != "http[9999].match[0]" {
			b.Fatal(a, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
	b.ReportMetric(0, "ns/op")
}
