package fidelity

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/mesh/fields"
	"sigs.k8s.io/yaml"
)

// requestsPerRules is the number of requests for each generated rule set.
const requestsPerRules = 10

// TestGenerated compares the engines on generated rules, with requests at their limits.
func TestGenerated(t *testing.T) {
	b, err := newBench(standardWorld(), *envoyBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	t.Logf("seed %d, %d pairs: repeat with -seed %d -pairs %d", *seed, *pairs, *seed, *pairs)
	mirrors := documents(subsets("mirror"))
	var readers [services]*lab
	for i := range readers {
		readers[i] = newReader(t, "svc"+strconv.Itoa(i))
	}
	compared, refused, disagreed := 0, 0, 0
	for batch := uint64(0); compared < *pairs; batch++ {
		g := newGenerator(*seed<<20 + batch)
		sidecar := client
		if batch%4 == 3 {
			sidecar = visitor
		}
		var sets [services][]object
		var requests [services][requestsPerRules]request
		docs := append([]string{gateway}, mirrors...)
		if redirects := g.redirects(); redirects != nil {
			docs = append(docs, text(redirects))
		}
		for i := range services {
			for try := 0; ; try++ {
				sets[i] = g.set(i)
				if valid(t, readers[i], sets[i]) {
					break
				}
				if refused++; try > 100 {
					t.Fatal("Istio rejected a hundred rule sets in a row: the generator does not follow its validation")
				}
			}
			docs = append(docs, texts(sets[i])...)
			for n := range requests[i] {
				requests[i][n] = g.request(pick(g, ofRules(sets[i])...), i, sidecar)
			}
		}
		if err := b.apply(docs); err != nil {
			t.Fatalf("batch %d: %v\n%s", batch, err, strings.Join(docs, "\n---\n"))
		}
		if err := b.from(sidecar); err != nil {
			t.Fatal(err)
		}
		compared += services * requestsPerRules
		for i, wrong := range b.disagreements(requests) {
			for _, r := range wrong {
				report(t, b, sets[i], r, mirrors)
				if disagreed++; disagreed >= 10 {
					t.Fatalf("%d disagreements among %d pairs: stopped here", disagreed, compared)
				}
			}
		}
	}
	t.Logf("%d pairs compared; %d rule sets that Istio refuses, the lab refused too", compared, refused)
}

// set returns the objects of one Service: its VirtualService, its DestinationRule, a policy of the gateway, and perhaps a delegate.
func (g generator) set(i int) []object {
	vs := g.virtualService(i)
	set := []object{vs, g.destinationRule(i), g.gatewayPolicy(i)}
	if d := g.delegate(vs, i); d != nil {
		set = append(set, d)
	}
	return set
}

// ofRules returns the VirtualServices of a set: requests are close to the rules of one of them.
func ofRules(set []object) []object {
	return slices.DeleteFunc(slices.Clone(set), func(o object) bool { return o["kind"] != "VirtualService" })
}

func texts(objects []object) []string {
	docs := make([]string, len(objects))
	for i, o := range objects {
		docs[i] = text(o)
	}
	return docs
}

// disagreements returns the requests, by service, with different outcomes in the engines. Requests to one Service are sent in sequence,
// because its rules may keep state; the Services are independent of each other.
func (b *bench) disagreements(requests [services][requestsPerRules]request) (wrong [services][]request) {
	atOnce(services, services, func(i int) {
		for _, r := range requests[i] {
			if _, _, differ := b.both(r); len(differ) > 0 {
				wrong[i] = append(wrong[i], r)
			}
		}
	})
	return wrong
}

// valid reports whether Istio's validation accepts the rules. What it rejects, the lab must reject too.
func valid(t *testing.T, reader *lab, set []object) bool {
	t.Helper()
	docs := append([]string{gateway}, texts(set)...)
	configs, err := parseRules(docs)
	if err == nil {
		err = validate(configs)
	}
	if err == nil {
		return true
	}
	if _, labErr := reader.load(append(docs, subsets("mirror"))); labErr == nil {
		t.Errorf("Istio refuses what the lab accepts: %v\n%s", err, strings.Join(docs[1:], "---\n"))
	}
	return false
}

// report shrinks a disagreement and prints it as YAML and a curl command that reproduce it.
func report(t *testing.T, b *bench, set []object, r request, mirrors []string) {
	t.Helper()
	var last []string
	disagrees := func(vs object) bool {
		docs := slices.Concat([]string{gateway, text(vs)}, texts(set[1:]), mirrors)
		configs, err := parseRules(docs)
		if err != nil || validate(configs) != nil || b.apply(docs) != nil {
			return false
		}
		_, _, differ := b.both(r)
		if len(differ) > 0 {
			last = differ
		}
		return len(differ) > 0
	}
	small := set[0]
	if disagrees(small) {
		small = shrink(small, 60, disagrees)
	} else {
		last = []string{"only among the other rules of its batch"}
	}
	t.Errorf("Istio and the lab disagree:\n%s---\n%s%s\n  %s", text(small), strings.Join(texts(set[2:]), "---\n"), r.curl(), strings.Join(last, "\n  "))
}

// notGenerated are kinds and fields that the lab accepts and that no rule set here sets, with the tests that cover them.
var notGenerated = map[string]string{
	"AuthorizationPolicy.rules.to.operation.ports":          "the gateway's pod listens on a port of its own here: lab/mesh",
	"AuthorizationPolicy.rules.to.operation.notPorts":       "as above",
	"Gateway.servers.tls.credentialName":                    "a certificate: as below",
	"Gateway.servers.tls.credentialNames":                   "a certificate: as below",
	"Gateway.servers.tls.caCertCredentialName":              "a certificate: as below",
	"Gateway.servers.tls.serverCertificate":                 "a certificate: as below",
	"Gateway.servers.tls.privateKey":                        "a certificate: as below",
	"Gateway.servers.tls.caCertificates":                    "a certificate: as below",
	"Gateway.servers.tls.caCrl":                             "a certificate: as below",
	"Gateway.servers.tls.tlsCertificates":                   "a certificate: as below",
	"Gateway.servers.tls.tlsCertificates.serverCertificate": "a certificate: as below",
	"Gateway.servers.tls.tlsCertificates.privateKey":        "a certificate: as below",
	"Gateway.servers.tls.tlsCertificates.caCertificates":    "a certificate: as below",
	"Gateway.servers.tls.subjectAltNames":                   "a certificate: as below",
	"Gateway.servers.tls.verifyCertificateSpki":             "a certificate: as below",
	"Gateway.servers.tls.verifyCertificateHash":             "a certificate: as below",
	"Gateway.servers.tls.minProtocolVersion":                "a certificate: as below",
	"Gateway.servers.tls.maxProtocolVersion":                "a certificate: as below",
	"Gateway.servers.tls.cipherSuites":                      "a certificate: as below",
	"Gateway.servers.tls.mode":                              "TLS: there are no certificates here; the egress overlay on a cluster, and lab/mesh",
}

// TestNoBlindSpot: generated rules and those in testdata/corners set every field that the lab accepts, enforced or not, so that none is
// accepted and never compared.
func TestNoBlindSpot(t *testing.T) {
	set := map[string]bool{}
	for seed := range uint64(300) {
		g := newGenerator(seed)
		for i := range services {
			for _, o := range g.set(i) {
				fieldsOf(o["kind"].(string), o["spec"], set)
			}
		}
	}
	for _, cases := range readCorners(t) {
		for _, c := range cases {
			for _, doc := range documents(c.Rules) {
				var o object
				if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
					t.Fatal(err)
				}
				if kind, _ := o["kind"].(string); kind != "VirtualService" && kind != "DestinationRule" {
					fieldsOf(kind, o["spec"], set)
				}
			}
		}
	}
	for _, doc := range chanceRules() {
		var o object
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		fieldsOf(o["kind"].(string), o["spec"], set)
	}
	for _, kind := range fields.All() {
		for _, field := range slices.Concat(kind.Enforced, kind.Accepted) {
			if path := kind.Name + "." + field; !set[path] && notGenerated[kind.Name]+notGenerated[path] == "" {
				t.Errorf("the lab accepts %s, and nothing here ever sets it", path)
			}
		}
	}
}

// fieldsOf adds the paths of all fields that are set, without indexes and keys of maps: a header's or a label's name is not a field.
func fieldsOf(path string, v any, to map[string]bool) {
	to[path] = true
	switch v := v.(type) {
	case object:
		for key, child := range v {
			if !isMap(path) {
				fieldsOf(path+"."+key, child, to)
				continue
			}
			if below, ok := child.(object); ok {
				for key, child := range below {
					fieldsOf(path+"."+key, child, to)
				}
			}
		}
	case []any:
		for _, child := range v {
			fieldsOf(path, child, to)
		}
	}
}

// isMap reports whether the names below a path are keys.
func isMap(path string) bool {
	for _, m := range []string{".match.headers", ".match.withoutHeaders", ".match.queryParams", ".sourceLabels", ".set", ".add", ".labels", ".matchLabels",
		"Gateway.selector", "ServiceEntry.endpoints.ports"} {
		if strings.HasSuffix(path, m) {
			return true
		}
	}
	return false
}
