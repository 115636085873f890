package convert

import (
	"slices"

	"github.com/hopline/hopline/lab/overlay"
)

// grantKey names the namespaces of a ReferenceGrant.
type grantKey struct{ from, to string }

// grant allows the routes of a target to refer to a Service of another namespace. Routes of the mesh need no permission.
// (pilot/pkg/config/kube/gateway of Istio 1.31, conversion.go, buildDestination)
func (c *converter) grant(t *target, service overlay.Meta) {
	if len(t.gateways) == 0 {
		return
	}
	key := grantKey{t.namespace, service.Namespace}
	if c.granted == nil {
		c.granted = map[grantKey][]string{}
	}
	if !slices.Contains(c.granted[key], service.Name) {
		c.granted[key] = append(c.granted[key], service.Name)
	}
}

// addGrants writes the ReferenceGrants.
func (c *converter) addGrants() {
	var claims []claim
	var objects []Object
	for key, services := range c.granted {
		slices.Sort(services)
		spec := &overlay.ReferenceGrantSpec{From: []overlay.GrantFrom{{Group: new(overlay.GatewayAPI), Kind: "HTTPRoute", Namespace: key.from}}}
		for _, s := range services {
			spec.To = append(spec.To, overlay.GrantTo{Group: new(""), Kind: "Service", Name: s})
		}
		m := overlay.Meta{APIVersion: overlay.GatewayAPI + "/v1", Kind: "ReferenceGrant", Namespace: key.to, Name: "routes-of-" + key.from}
		claims = append(claims, claim{m, key.from})
		objects = append(objects, Object{Spec: spec})
	}
	for i, m := range c.names.give(claims) {
		objects[i].Meta = m
	}
	slices.SortFunc(objects, func(a, b Object) int { return byPlace(a.Meta, b.Meta) })
	c.out.Objects = append(c.out.Objects, objects...)
}
