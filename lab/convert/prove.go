package convert

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// Proof holds the comparison of rules with what they were converted to.
type Proof struct {
	compare.Result
	After compare.Rules
}

// Prove reads what was written, in place of what it replaces, and compares all requests. Destinations are compared by their endpoints. The error,
// an *overlay.Report, names what Kubernetes or Istio would not accept, at the place of what it was converted from.
func Prove(before *rules.Rules, out *Result) (*Proof, error) {
	text, err := out.YAML()
	if err != nil {
		return nil, err
	}
	made, _, err := overlay.Read([]string{"-"}, bytes.NewReader(text))
	if err != nil {
		return nil, out.traced(before, err)
	}
	after := out.replace(before.Overlay, made)
	table, err := mesh.Compile(after)
	if err != nil {
		return nil, out.traced(before, err)
	}
	p := &Proof{After: compare.Rules{Overlay: after, Table: table}}
	p.Result = compare.Converted(compare.Rules{Overlay: before.Overlay, Table: before.Table}, p.After, out.isExcluded)
	if len(out.without80) > 0 {
		p.Limits = append(p.Limits, fmt.Sprintf("requests to port 80 of %s, which have no such port: Istio serves the hosts of a VirtualService there too, those of an HTTPRoute only at their own ports",
			strings.Join(out.without80, ", ")))
	}
	return p, nil
}

// isExcluded reports whether a request is not compared: it is for one of the new Services, whose names did not exist before, or for port 80
// of a host without that port.
func (r *Result) isExcluded(from compare.Caller, req *mesh.Request) bool {
	if from.Source.Gateway {
		return false
	}
	named := func(s overlay.Meta) bool {
		return mesh.NamesService(req.Authority, s.Name, s.Namespace, from.Source.Namespace)
	}
	return slices.ContainsFunc(r.Added, named) || req.Port == 80 && slices.ContainsFunc(r.without80, func(host string) bool {
		name, namespace, _ := istio.ServiceOf(host)
		return mesh.CoversHost(host, req.Authority) || istio.IsServiceHost(host) && named(overlay.Meta{Name: name, Namespace: namespace})
	})
}

// replace returns an overlay with the objects that were made in place of what they replace.
func (r *Result) replace(o, made *overlay.Overlay) *overlay.Overlay {
	after := *o
	gone := func(m overlay.Meta) bool {
		return slices.ContainsFunc(slices.Concat(r.Replaced, r.Reduced), func(g overlay.Meta) bool { return g.String() == m.String() })
	}
	after.VirtualServices = slices.DeleteFunc(slices.Clone(o.VirtualServices), func(v overlay.Istio[*networking.VirtualService]) bool { return gone(v.Meta) })
	after.DestinationRules = slices.DeleteFunc(slices.Clone(o.DestinationRules), func(d overlay.Istio[*networking.DestinationRule]) bool { return gone(d.Meta) })
	after.DestinationRules = append(after.DestinationRules, made.DestinationRules...)
	after.KubernetesGateways = slices.Concat(o.KubernetesGateways, made.KubernetesGateways)
	after.HTTPRoutes = slices.Concat(o.HTTPRoutes, made.HTTPRoutes)
	after.ReferenceGrants = slices.Concat(o.ReferenceGrants, made.ReferenceGrants)
	after.Services = slices.Clone(o.Services)
	for _, s := range made.Services { // the endpoints are assumed to exist where those of the other Services are
		s.Given = slices.ContainsFunc(o.Services, func(other overlay.Service) bool {
			return other.Namespace == s.Namespace && other.Given && len(other.Selector) > 0
		})
		after.Services = append(after.Services, s)
	}
	return &after
}

// inRules matches the path of a rule of an HTTPRoute.
var inRules = regexp.MustCompile(`^spec\.rules\[(\d+)\]`)

// traced moves the problems of objects that were made to what they were made of.
func (r *Result) traced(before *rules.Rules, err error) error {
	var found *overlay.Report
	if !errors.As(err, &found) {
		return err
	}
	report := before.Overlay.Report()
	for _, p := range found.Problems {
		i := slices.IndexFunc(r.Objects, func(o Object) bool { return o.String() == p.Object && !o.stays })
		if i < 0 {
			report.Problems = append(report.Problems, p)
			continue
		}
		o := &r.Objects[i]
		path := ""
		if m := inRules.FindStringSubmatch(p.Path); m != nil {
			if n, _ := strconv.Atoi(m[1]); n < len(o.rules) {
				path = o.rules[n]
			}
		}
		report.Add(o.of, path, "%s", fmt.Sprintf("has no counterpart that the API server accepts: %s: %s: %s", o, p.Path, p.Reason))
	}
	return report.Err()
}
