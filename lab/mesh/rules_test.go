package mesh

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// drawShared draws two namespaces with workloads of several versions, rules that weigh their subsets, and DestinationRules that only some
// callers see.
func drawShared(t *rapid.T) *overlay.Overlay {
	o := &overlay.Overlay{}
	namespaces := []string{"one", "two"}
	for _, namespace := range namespaces {
		o.Namespaces = append(o.Namespaces, overlay.Meta{Kind: "Namespace", Name: namespace, Labels: map[string]string{"istio-injection": "enabled"}})
		o.Services = append(o.Services, overlay.Service{Meta: overlay.Meta{Kind: "Service", Namespace: namespace, Name: "a"}, Type: "ClusterIP",
			Selector: map[string]string{"app": "a"}, Ports: []overlay.ServicePort{{Name: "http", Port: 80, Target: "http"}, {Name: "http-b", Port: 81, Target: "8081"}}})
		for _, version := range []string{"v1", "v2", "v3"} {
			d := overlay.Deployment{Meta: overlay.Meta{Kind: "Deployment", Namespace: namespace, Name: "a-" + version}, Replicas: rapid.IntRange(0, 3).Draw(t, "replicas"),
				Pod: overlay.PodTemplate{Labels: map[string]string{"app": "a", "version": version}, Containers: []overlay.Container{{Ports: []overlay.ContainerPort{{Name: "http", Number: 8080}}}}}}
			if rapid.Bool().Draw(t, "second port") {
				d.Pod.Containers[0].Ports = append(d.Pod.Containers[0].Ports, overlay.ContainerPort{Number: 8081})
			}
			o.Deployments = append(o.Deployments, d)
		}
	}
	hosts := []string{"a.one.svc.cluster.local", "a.two.svc.cluster.local"}
	for i := range rapid.IntRange(0, 4).Draw(t, "destination rules") {
		rule := &networking.DestinationRule{Host: rapid.SampledFrom(hosts).Draw(t, "host"), ExportTo: rapid.SampledFrom([][]string{nil, {"."}, {"*"}, {"two"}}).Draw(t, "exportTo")}
		for _, subset := range []string{"x", "y"} {
			if version := rapid.SampledFrom([]string{"", "v1", "v2", "v3", "v4"}).Draw(t, subset); version != "" {
				rule.Subsets = append(rule.Subsets, &networking.Subset{Name: subset, Labels: map[string]string{"version": version}})
			}
		}
		o.DestinationRules = append(o.DestinationRules, overlay.Istio[*networking.DestinationRule]{
			Meta: overlay.Meta{Kind: "DestinationRule", Namespace: rapid.SampledFrom([]string{"one", "two", istio.RootNamespace}).Draw(t, "namespace"), Name: fmt.Sprintf("d%d", i)}, Spec: rule})
	}
	for i, host := range hosts {
		spec := &networking.VirtualService{Hosts: []string{host}}
		for j := range rapid.IntRange(0, 3).Draw(t, "rules") {
			h := &networking.HTTPRoute{Match: []*networking.HTTPMatchRequest{{Uri: exactly(fmt.Sprintf("/%d", j))}}}
			for range rapid.IntRange(1, 3).Draw(t, "destinations") {
				to := &networking.Destination{Host: rapid.SampledFrom(hosts).Draw(t, "to"), Subset: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "subset")}
				if rapid.Bool().Draw(t, "port") {
					to.Port = &networking.PortSelector{Number: 81}
				}
				h.Route = append(h.Route, &networking.HTTPRouteDestination{Destination: to, Weight: int32(rapid.IntRange(1, 5).Draw(t, "weight"))})
			}
			spec.Http = append(spec.Http, h)
		}
		o.VirtualServices = append(o.VirtualServices, overlay.Istio[*networking.VirtualService]{
			Meta: overlay.Meta{Kind: "VirtualService", Namespace: namespaces[i], Name: "a"}, Spec: spec})
	}
	return o
}

// drawnShares draws every destination of a route as often as its weight wants, and counts the Deployments whose pods take it: a pod of
// its own for every replica, one after the other.
func drawnShares(o *overlay.Overlay, r *Route) map[string]float64 {
	total := 0
	for _, d := range r.Destinations {
		total += d.Weight
	}
	counts := map[string]float64{}
	for n := range total {
		c := r.pick(uint64(n)).Cluster
		var pods []string
		for _, d := range o.Deployments {
			port := slices.ContainsFunc(d.Pod.Ports(), func(p overlay.ContainerPort) bool {
				return c.TargetName == "" && p.Number == c.Target || c.TargetName != "" && p.Name == c.TargetName
			})
			if c.Known && d.Namespace == c.Namespace && port && istio.HasLabels(d.Pod.Labels, c.Selector) {
				pods = append(pods, slices.Repeat([]string{d.Namespace + "/" + d.Name}, d.Replicas)...)
			}
		}
		for _, p := range pods {
			counts[p] += 100 / float64(total) / float64(len(pods))
		}
	}
	return counts
}

// shownShares are those of a rule by Deployment.
func shownShares(shares []Share) map[string]float64 {
	shown := map[string]float64{}
	for _, s := range shares {
		for _, b := range s.Backends {
			shown[b.Deployment.Namespace+"/"+b.Deployment.Name] += b.Percent
		}
	}
	return shown
}

// differ is the text of two distributions that are not the same; empty where they are.
func differ(a, b map[string]float64) string {
	for _, m := range []map[string]float64{a, b} {
		for k := range m {
			if math.Abs(a[k]-b[k]) > 1e-9 {
				return fmt.Sprintf("%s: %v and %v", k, a[k], b[k])
			}
		}
	}
	return ""
}

// The shares that the table lists for a rule are the shares that every caller draws.
func TestSharesShownAreDrawn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawShared(t)
		table, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range o.Deployments {
			src := SourceOf(o, d)
			for _, namespace := range []string{"one", "two"} {
				for j := range 3 {
					req := &Request{Method: "GET", Authority: "a." + namespace, Path: fmt.Sprintf("/%d", j), Scheme: "http", Port: 80}
					decision := table.Decide(req, &src, 0)
					if decision.Outcome != Forward || !strings.HasPrefix(decision.Route.Object, "VirtualService ") {
						continue
					}
					drawn := drawnShares(o, decision.Route)
					if diff := differ(drawn, shownShares(table.Shares(decision.Route))); diff != "" {
						t.Fatalf("%v from %s: drawn and explained differ: %s", req, src.Namespace, diff)
					}
					at := slices.IndexFunc(table.Rules(), func(r Rule) bool {
						return r.Object == decision.Route.Object && strings.HasPrefix(decision.Route.Place, r.Place) && r.Callers == decision.Route.Callers
					})
					if at < 0 {
						t.Fatalf("%s %s of %q is not listed", decision.Route.Object, decision.Route.Place, decision.Route.Callers)
					}
					if diff := differ(drawn, shownShares(table.Rules()[at].Shares)); diff != "" {
						t.Fatalf("%v from %s: drawn and listed differ: %s", req, src.Namespace, diff)
					}
				}
			}
		}
	})
}
