package mesh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// toCluster returns the cluster that a request of the workload caller is sent to.
func toCluster(t testing.TB, authority, path string, documents ...string) *Cluster {
	t.Helper()
	o := objects(t, append([]string{file(t, "base.yaml")}, documents...)...)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	req, src := parseRequest(t, o, "s GET "+authority+" "+path)
	d := table.Decide(req, src, 1)
	if d.Outcome != Forward {
		t.Fatalf("%s%s: outcome %d, want it forwarded", authority, path, d.Outcome)
	}
	return d.To.Cluster
}

const (
	gatewayDoc = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: one}\nspec: {}"
	ruleHead   = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
	entryHead  = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: one}\nspec: "
	toSubset   = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: one}\nspec: {hosts: [a], http: [{route: [{destination: {host: a, subset: v1}}]}]}"
	subsetRule = ruleHead + "metadata: {name: a, namespace: one}\nspec: {host: a, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {maxRetries: 3}}, outlierDetection: {interval: 1s}," +
		" portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}, {port: {number: 81}, outlierDetection: {}}]}, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: "
)

func TestPolicyOfSubsetAndPort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		subset  string
		kind    Balancer
		retries int
		outlier bool
	}{
		"settings of the port replace all beside them": {"{}}]}", Random, 0, false},
		"a subset's settings replace one by one":       {"{connectionPool: {http: {maxRetries: 5}}}}]}", Random, 5, false},
		"a subset's port replaces all":                 {"{loadBalancer: {simple: ROUND_ROBIN}, portLevelSettings: [{port: {number: 80}, connectionPool: {http: {maxRetries: 7}}}]}}]}", LeastRequest, 7, false},
		"another port's settings do not matter":        {"{portLevelSettings: [{port: {number: 81}, connectionPool: {http: {maxRetries: 7}}}], outlierDetection: {}}}]}", Random, 0, true},
	} {
		got := toCluster(t, "a", "/", toSubset, subsetRule+c.subset)
		if got.Balancer != c.kind || got.Pool.MaxRetries != c.retries || (got.Outlier != nil) != c.outlier {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestWhichDestinationRule(t *testing.T) {
	t.Parallel()
	of := func(name, namespace, spec string) string {
		return ruleHead + "metadata: {name: " + name + ", namespace: " + namespace + "}\nspec: " + spec
	}
	lb := func(kind string) string { return "trafficPolicy: {loadBalancer: {simple: " + kind + "}}" }
	for name, c := range map[string]struct {
		rules []string
		want  Balancer
	}{
		"none":                            {nil, LeastRequest},
		"of the caller's namespace":       {[]string{of("x", "one", "{host: c.two.svc.cluster.local, "+lb("RANDOM")+"}"), of("x", "two", "{host: c, "+lb("ROUND_ROBIN")+"}")}, Random},
		"of the service's namespace":      {[]string{of("x", "two", "{host: c, "+lb("ROUND_ROBIN")+"}")}, RoundRobin},
		"not exported":                    {[]string{of("x", "two", "{host: c, exportTo: [\".\"], "+lb("ROUND_ROBIN")+"}")}, LeastRequest},
		"exported here":                   {[]string{of("x", "two", "{host: c, exportTo: [one], "+lb("ROUND_ROBIN")+"}")}, RoundRobin},
		"of the root namespace":           {[]string{of("x", "istio-system", "{host: \"*.cluster.local\", "+lb("RANDOM")+"}")}, Random},
		"root after the service's":        {[]string{of("x", "istio-system", "{host: \"*\", "+lb("RANDOM")+"}"), of("x", "two", "{host: c, "+lb("ROUND_ROBIN")+"}")}, RoundRobin},
		"of a third namespace":            {[]string{of("x", "three", "{host: c.two.svc.cluster.local, "+lb("RANDOM")+"}")}, LeastRequest},
		"the longest wildcard":            {[]string{of("x", "one", "{host: \"*.cluster.local\", "+lb("RANDOM")+"}"), of("z", "one", "{host: \"*.two.svc.cluster.local\", "+lb("ROUND_ROBIN")+"}")}, RoundRobin},
		"the name before a wildcard":      {[]string{of("x", "one", "{host: \"*.two.svc.cluster.local\", "+lb("RANDOM")+"}"), of("z", "one", "{host: c.two.svc.cluster.local}")}, LeastRequest},
		"a wildcard here before there":    {[]string{of("x", "one", "{host: \"*\", "+lb("RANDOM")+"}"), of("z", "two", "{host: c, "+lb("ROUND_ROBIN")+"}")}, Random},
		"of two, the first policy":        {[]string{of("z", "two", "{host: c, "+lb("RANDOM")+"}"), of("x", "two", "{host: c, "+lb("ROUND_ROBIN")+"}")}, RoundRobin},
		"of two, the only policy":         {[]string{of("z", "two", "{host: c, "+lb("RANDOM")+"}"), of("x", "two", "{host: c}")}, Random},
		"for the workload":                {[]string{of("z", "one", "{host: c.two.svc.cluster.local, workloadSelector: {matchLabels: {app: caller}}, "+lb("RANDOM")+"}"), of("x", "one", "{host: c.two.svc.cluster.local, "+lb("ROUND_ROBIN")+"}")}, Random},
		"for another workload":            {[]string{of("z", "one", "{host: c.two.svc.cluster.local, workloadSelector: {matchLabels: {app: b}}, "+lb("RANDOM")+"}"), of("x", "one", "{host: c.two.svc.cluster.local, "+lb("ROUND_ROBIN")+"}")}, RoundRobin},
		"of another namespace's workload": {[]string{of("z", "two", "{host: c, workloadSelector: {matchLabels: {app: caller}}, "+lb("RANDOM")+"}")}, LeastRequest},
	} {
		if got := toCluster(t, "c.two:9090", "/", append(c.rules, gatewayDoc)...); got.Balancer != c.want {
			t.Errorf("%s: got balancer %d, want %d", name, got.Balancer, c.want)
		}
	}
}

func TestMergedSubsets(t *testing.T) {
	t.Parallel()
	first := ruleHead + "metadata: {name: x, namespace: one}\nspec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}"
	second := ruleHead + "metadata: {name: z, namespace: one}\nspec: {host: a.one.svc.cluster.local, subsets: [{name: v1, labels: {version: v2}}, {name: v2, labels: {version: v2}}]}"
	if got := toCluster(t, "a", "/", toSubset, second, first); got.Selector["version"] != "v1" {
		t.Errorf("subset v1 of two rules selects %v, want the first rule's", got.Selector)
	}
	if got := toCluster(t, "a", "/", toSubset, second); got.Selector["version"] != "v2" {
		t.Errorf("subset v1 selects %v, want version v2", got.Selector)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := &Cluster{Name: "outbound|80||a.one.svc.cluster.local", Host: "a.one.svc.cluster.local", Port: 80, Known: true, Namespace: "one",
		Selector: map[string]string{"app": "a"}, TargetName: "http", Pool: Pool{ConnectTimeout: 10 * time.Second}}
	if diff := cmp.Diff(want, toCluster(t, "a", "/", gatewayDoc)); diff != "" {
		t.Error("want -, got +\n", diff)
	}
}

func TestPoolAndOutlier(t *testing.T) {
	t.Parallel()
	of := func(policy string) *Cluster {
		return toCluster(t, "a", "/", ruleHead+"metadata: {name: a, namespace: one}\nspec: {host: a, trafficPolicy: {"+policy+"}}")
	}
	pool := of("connectionPool: {tcp: {maxConnections: 1, connectTimeout: 2s, idleTimeout: 3s}, http: {http1MaxPendingRequests: 4, http2MaxRequests: 5, maxRequestsPerConnection: 6, maxRetries: 7}}").Pool
	if diff := cmp.Diff(Pool{1, 4, 5, 6, 7, 2 * time.Second, 3 * time.Second}, pool); diff != "" {
		t.Error("pool: want -, got +\n", diff)
	}
	if got := of("connectionPool: {tcp: {idleTimeout: 3s}, http: {idleTimeout: 8s}}").Pool.IdleTimeout; got != 8*time.Second {
		t.Errorf("idle timeout of tcp and http: got %s, want that of http", got)
	}
	for policy, want := range map[string]Outlier{
		"{}":                        {5, 0, 0, false, 10 * time.Second, 30 * time.Second, 10, 0},
		"{consecutive5xxErrors: 0}": {0, 0, 0, false, 10 * time.Second, 30 * time.Second, 10, 0},
		"{consecutive5xxErrors: 2, consecutiveGatewayErrors: 3, interval: 1s, baseEjectionTime: 2s, maxEjectionPercent: 100, minHealthPercent: 20}": {2, 3, 0, false, time.Second, 2 * time.Second, 100, 20},
		"{splitExternalLocalOriginErrors: true}":                                    {5, 0, 5, true, 10 * time.Second, 30 * time.Second, 10, 0},
		"{splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 9}": {5, 0, 9, true, 10 * time.Second, 30 * time.Second, 10, 0},
		"{consecutiveLocalOriginFailures: 9}":                                       {5, 0, 0, false, 10 * time.Second, 30 * time.Second, 10, 0},
	} {
		if diff := cmp.Diff(&want, of("outlierDetection: "+policy).Outlier); diff != "" {
			t.Error(policy, "want -, got +\n", diff)
		}
	}
}

func TestBalancers(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]Balancer{
		"{}":                      LeastRequest,
		"{simple: LEAST_REQUEST}": LeastRequest,
		"{simple: LEAST_CONN}":    LeastRequest,
		"{simple: ROUND_ROBIN}":   RoundRobin,
		"{simple: RANDOM}":        Random,
		"{consistentHash: {httpHeaderName: x-user}}": ConsistentHash,
	} {
		got := toCluster(t, "a", "/", ruleHead+"metadata: {name: a, namespace: one}\nspec: {host: a, trafficPolicy: {loadBalancer: "+policy+"}}").Balancer
		if got != want {
			t.Errorf("%s: got balancer %d, want %d", policy, got, want)
		}
	}
}

func TestServiceEntryEndpoints(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]Cluster{
		"{hosts: [e.ext], resolution: DNS, location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}]}":                                                            {Addresses: []string{"e.ext:80"}, DNS: true, External: true, Target: 80},
		"{hosts: [e.ext], resolution: DNS_ROUND_ROBIN, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 81}]}":                                                         {Addresses: []string{"e.ext:81"}, DNS: true, External: true, Target: 81},
		"{hosts: [e.ext], resolution: NONE, ports: [{number: 80, name: http, protocol: HTTP}]}":                                                                                    {Original: true, External: true, Target: 80},
		"{hosts: [e.ext], resolution: STATIC, endpoints: [{address: \"::1\"}], ports: [{number: 80, name: http, protocol: HTTP}]}":                                                 {Addresses: []string{"[::1]:80"}, External: true, Target: 80},
		"{hosts: [e.ext], resolution: STATIC, location: MESH_INTERNAL, workloadSelector: {labels: {app: b}}, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]}": {Selector: map[string]string{"app": "b"}, Target: 8080},
		"{hosts: [e.ext], resolution: DNS, endpoints: [{address: b.one.svc.cluster.local, ports: {http: 8000}}], ports: [{number: 80, name: http, protocol: HTTP}]}":               {Selector: map[string]string{"app": "b"}, TargetName: "http", External: true},
		"{hosts: [e.ext], resolution: DNS, endpoints: [{address: b.one}], ports: [{number: 80, name: http, protocol: HTTP}]}":                                                      {Selector: map[string]string{"app": "b"}, Target: 8080, External: true},
		"{hosts: [e.ext], resolution: DNS, endpoints: [{address: b.one.svc}], ports: [{number: 80, name: http, protocol: HTTP, targetPort: 99}]}":                                  {Target: 99, External: true},
	} {
		want.Name, want.Host, want.Port, want.Known, want.Namespace = "outbound|80||e.ext", "e.ext", 80, true, "one"
		want.Pool.ConnectTimeout = 10 * time.Second
		if diff := cmp.Diff(&want, toCluster(t, "e.ext", "/", entryHead+spec)); diff != "" {
			t.Error(spec, "want -, got +\n", diff)
		}
	}
}

func TestBuiltInGateway(t *testing.T) {
	t.Parallel()
	got := toCluster(t, "istio-egressgateway.istio-system", "/", gatewayDoc)
	if got.Gateway != "istio-egressgateway" || got.GatewayPort != 80 || !got.Known {
		t.Errorf("got %+v, want the egress gateway's port 80", got)
	}
}
