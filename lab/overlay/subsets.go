package overlay

import "github.com/hopline/hopline/lab/istio"

// SubsetName names a subset of a host.
type SubsetName struct{ Host, Subset string }

// Subsets lists the subsets that HTTP rules route to, and with an empty name the hosts without a subset.
func (o *Overlay) Subsets() map[SubsetName]struct{} {
	found := map[SubsetName]struct{}{}
	for _, v := range o.VirtualServices {
		for _, rule := range v.Spec.GetHttp() {
			for _, d := range destinationsOf(rule) {
				found[SubsetName{istio.FullHost(d.GetHost(), v.Namespace), d.GetSubset()}] = struct{}{}
			}
		}
	}
	return found
}

// routedSubsets lists the subsets that VirtualServices route to, by a route of any protocol, a mirror, or a delegate. A destination without a
// subset is listed with an empty one.
func routedSubsets(objects []map[string]any) map[SubsetName]struct{} {
	found := map[SubsetName]struct{}{}
	for _, object := range objects {
		m := metaOf(object)
		if m.Kind != "VirtualService" {
			continue
		}
		if m.Namespace == "" {
			m.Namespace = "default"
		}
		destinationsIn(object["spec"], func(destination map[string]any) {
			host, _ := destination["host"].(string)
			subset, _ := destination["subset"].(string)
			found[SubsetName{istio.FullHost(host, m.Namespace), subset}] = struct{}{}
		})
	}
	return found
}

// destinationsIn calls use with every destination in a JSON value.
func destinationsIn(value any, use func(map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			destinationsIn(element, use)
		}
	case map[string]any:
		for _, name := range []string{"destination", "mirror"} {
			if d, ok := v[name].(map[string]any); ok {
				use(d)
			}
		}
		for _, element := range v {
			destinationsIn(element, use)
		}
	}
}
