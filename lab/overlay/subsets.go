package overlay

import (
	"slices"

	"github.com/hopline/hopline/lab/istio"
)

// SubsetName names a subset of a host.
type SubsetName struct{ Host, Subset string }

// Subsets lists the subsets that HTTP rules route to, and with an empty name the hosts without a subset. An HTTPRoute has no subsets.
func (o *Overlay) Subsets() map[SubsetName]struct{} {
	found := map[SubsetName]struct{}{}
	for _, v := range o.VirtualServices {
		for _, rule := range v.Spec.GetHttp() {
			for _, d := range istio.Destinations(rule) {
				found[SubsetName{istio.FullHost(d.GetHost(), v.Namespace), d.GetSubset()}] = struct{}{}
			}
		}
	}
	for i := range o.HTTPRoutes {
		for _, b := range o.HTTPRoutes[i].backends() {
			found[SubsetName{Host: b.Host(o.HTTPRoutes[i].Namespace)}] = struct{}{}
		}
	}
	return found
}

// routedSubsets lists the subsets that VirtualServices and the routes of the Gateway API route to, by a route of any protocol, a mirror, or a
// delegate. A destination without a subset is listed with an empty one.
func routedSubsets(objects []map[string]any) map[SubsetName]struct{} {
	found := map[SubsetName]struct{}{}
	for _, object := range objects {
		m := metaOf(object)
		if m.Namespace == "" {
			m.Namespace = "default"
		}
		switch {
		case m.Kind == "VirtualService":
			destinationsIn(object["spec"], []string{"destination", "mirror"}, func(destination map[string]any) {
				host, _ := destination["host"].(string)
				subset, _ := destination["subset"].(string)
				found[SubsetName{istio.FullHost(host, m.Namespace), subset}] = struct{}{}
			})
		case group(m.APIVersion) == GatewayAPI:
			destinationsIn(object["spec"], []string{"backendRefs", "backendRef"}, func(backend map[string]any) {
				found[SubsetName{Host: backendIn(backend).Host(m.Namespace)}] = struct{}{}
			})
		}
	}
	return found
}

// backendIn returns the reference to a destination that a JSON value has.
func backendIn(value map[string]any) BackendRef {
	text := func(field string) string {
		s, _ := value[field].(string)
		return s
	}
	return BackendRef{Group: text("group"), Kind: text("kind"), Namespace: text("namespace"), Name: text("name")}
}

// destinationsIn calls use with every destination in a JSON value: an object, or an element of a list, in a field with one of the names.
func destinationsIn(value any, fields []string, use func(map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			destinationsIn(element, fields, use)
		}
	case map[string]any:
		for name, element := range v {
			list, ok := element.([]any)
			if !ok {
				list = []any{element}
			}
			for _, one := range list {
				if d, ok := one.(map[string]any); ok && slices.Contains(fields, name) {
					use(d)
				}
			}
			destinationsIn(element, fields, use)
		}
	}
}
