package main

import (
	"strings"
	"testing"
)

const output = `goos: linux
pkg: github.com/hopline/hopline/lab/mesh
BenchmarkDecide/hosts/10-2         	 3000000	       412.5 ns/op	       0 B/op	       0 allocs/op
BenchmarkDecide/hosts/10-2         	 3000000	       400.5 ns/op	       0 B/op	       0 allocs/op
BenchmarkDecide/hosts/10-2         	 3000000	       999.0 ns/op	       0 B/op	       0 allocs/op
BenchmarkUp-2   	       3	         0 ns/op	        12.34 ms-ready	        61.0 pss-MB
PASS
`

func TestBenchmarkTable(t *testing.T) {
	for name, c := range map[string]struct {
		units []string
		want  string
	}{
		"chosen": {[]string{"ns/op", "allocs/op"}, "| benchmark | ns/op | allocs/op |\n|---|--:|--:|\n| Decide/hosts/10 | 412 | 0 |\n| Up | 0 |  |\n"},
		"of one": {[]string{"ms-ready"}, "| benchmark | ms-ready |\n|---|--:|\n| Up | 12.3 |\n"},
	} {
		var out strings.Builder
		if err := benchmarkTable(strings.NewReader(output), &out, c.units...); err != nil || out.String() != c.want {
			t.Errorf("%s: got %v\n%s\nwant\n%s", name, err, out.String(), c.want)
		}
	}
}

func TestBenchmarkTableRefuses(t *testing.T) {
	for name, in := range map[string]string{"nothing": "PASS\n", "a failure": output + "FAIL	github.com/hopline/hopline/lab/mesh\n"} {
		if err := benchmarkTable(strings.NewReader(in), &strings.Builder{}); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestRounded(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.12345: "0.123", 1.2345: "1.23", 12.345: "12.3", 1234.5: "1234", -0.12345: "-0.123", -1.2345: "-1.23", -1827.4: "-1827"} {
		if got := rounded(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
