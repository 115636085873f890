package mesh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hashed returns the route of a request to r.test. Its rule has these destinations, and the DestinationRules are for Services a and b.
func hashed(t *testing.T, destinations, ruleA, ruleB string) *Route {
	t.Helper()
	o := objects(t, file(t, "base.yaml"), ruleHead+"metadata: {name: a, namespace: one}\nspec: {host: a, "+ruleA+"}",
		ruleHead+"metadata: {name: b, namespace: one}\nspec: {host: b, "+ruleB+"}",
		"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r, namespace: one}\nspec: {hosts: [r.test], http: [{route: "+destinations+"}]}")
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	req, src := parseRequest(t, o, "s GET r.test /")
	return table.Decide(req, src, 1).Route
}

func TestHashKeys(t *testing.T) {
	t.Parallel()
	for hash, want := range map[string][]HashKey{
		"{httpHeaderName: x-user}":                             {{Header: "x-user"}},
		"{httpQueryParameterName: u, maglev: {tableSize: 7}}":  {{Query: "u"}},
		"{useSourceIp: true, ringHash: {minimumRingSize: 64}}": {{Source: true}},
		"{useSourceIp: false}":                                 nil,
		"{httpCookie: {name: c}}":                              {{Cookie: "c"}},
		"{httpCookie: {name: c, path: /p, ttl: 0s}}":           {{Cookie: "c", CookiePath: "/p", CookieMake: true}},
		"{httpCookie: {name: c, ttl: 60s}}":                    {{Cookie: "c", CookieMake: true, CookieTTL: time.Minute}},
	} {
		got := hashed(t, "[{destination: {host: a}}]", "trafficPolicy: {loadBalancer: {consistentHash: "+hash+"}}", "")
		if diff := cmp.Diff(want, got.Hash); diff != "" {
			t.Error(hash, "want -, got +\n", diff)
		}
		if got.Retries.OtherHosts {
			t.Errorf("%s: retries prefer other hosts, which a hash keeps them from", hash)
		}
	}
}

func TestWhichHash(t *testing.T) {
	t.Parallel()
	by := func(name string) string { return "loadBalancer: {consistentHash: {httpHeaderName: " + name + "}}" }
	ruleA := "trafficPolicy: {" + by("x-all") + ", portLevelSettings: [{port: {number: 80}, " + by("x-80") + "}, {port: {number: 9090}, loadBalancer: {simple: RANDOM}}]}," +
		"subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}, trafficPolicy: {" + by("x-v2") + ", portLevelSettings: [{port: {number: 80}, " + by("x-v2-80") + "}]}}]"
	ruleB := "trafficPolicy: {portLevelSettings: [{port: {number: 80}, " + by("x-b") + "}]}"
	for destinations, want := range map[string][]string{
		"[{destination: {host: a}}]":                                 {"x-all"},
		"[{destination: {host: a, port: {number: 80}}}]":             {"x-80"},
		"[{destination: {host: a, port: {number: 9090}}}]":           {"x-all"}, // although the cluster of that port does not hash
		"[{destination: {host: a, subset: v1}}]":                     {"x-all"},
		"[{destination: {host: a, subset: v2}}]":                     {"x-v2"},
		"[{destination: {host: a, subset: v2, port: {number: 80}}}]": {"x-v2-80"},
		"[{destination: {host: b}}]":                                 nil, // although the cluster hashes
		"[{destination: {host: b, port: {number: 80}}}]":             {"x-b"},
		"[{destination: {host: a}, weight: 1}, {destination: {host: b, port: {number: 80}}, weight: 1}, {destination: {host: a, subset: v2}}]": {"x-all", "x-b"},
	} {
		var got []string
		for _, k := range hashed(t, destinations, ruleA, ruleB).Hash {
			got = append(got, k.Header)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(destinations, "want -, got +\n", diff)
		}
	}
}

// A Service without rules uses the settings of its port.
func TestHashWithoutRules(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"), ruleHead+"metadata: {name: b, namespace: one}\nspec: {host: b, trafficPolicy: {portLevelSettings: [{port: {number: 80}, loadBalancer: {consistentHash: {httpHeaderName: x-b}}}]}}",
		gatewayDoc)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	req, src := parseRequest(t, o, "s GET b /")
	d := table.Decide(req, src, 1)
	if diff := cmp.Diff([]HashKey{{Header: "x-b"}}, d.Route.Hash); diff != "" || d.To.Cluster.Balancer != ConsistentHash {
		t.Error("want -, got +\n", diff)
	}
}

func TestHashesExplained(t *testing.T) {
	t.Parallel()
	to := Destination{Cluster: &Cluster{Balancer: ConsistentHash}}
	for want, r := range map[string]Route{
		"": {Destinations: []Destination{{Cluster: &Cluster{}}}, Hash: []HashKey{{Header: "x-user"}}},
		"consistent hash of header x-user and cookie c":                                                       {Destinations: []Destination{to}, Hash: []HashKey{{Header: "x-user"}, {Cookie: "c"}}},
		"consistent hash of query parameter q":                                                                {Destinations: []Destination{to}, Hash: []HashKey{{Query: "q"}}},
		"consistent hash of the caller's address":                                                             {Destinations: []Destination{to}, Hash: []HashKey{{Source: true}}},
		"consistent hash without a key, as it is for a port that the destination does not name: any endpoint": {Destinations: []Destination{to}},
	} {
		if got := r.hashText(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
