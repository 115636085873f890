package lint

import (
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

type virtualService = overlay.Istio[*networking.VirtualService]

// unreachedRules finds rules, and match blocks, whose requests an earlier one matches, or that apply to no caller. Unless all objects are known,
// of an HTTPRoute only those that another rule of it hides: which parents accept it is not all in the files.
func (l *linter) unreachedRules() {
	for _, u := range l.unreached() {
		if u.Place == "" || l.rules.Uncertain(u.By.Object, u.By.Place) || !l.ordered(&u) || l.virtualService(u.Object) == nil && u.By.Object != u.Object && !l.rules.KnowsAll() {
			continue
		}
		name := ""
		if u.Rule != u.Place {
			name = "rule " + u.Rule + " "
		}
		l.add(u.Object, "spec."+u.Place, "%sis never reached: %s", name, u.Why)
	}
}

// unreachedObjects finds VirtualServices of which no caller has any rule and, if all objects are known, such HTTPRoutes.
func (l *linter) unreachedObjects() {
	for _, u := range l.unreached() {
		v := l.virtualService(u.Object)
		if v == nil && u.Place == "" && l.rules.KnowsAll() {
			l.add(u.Object, "spec.parentRefs", "is never used: %s", u.Why)
		}
		if v == nil || u.Place != "" || len(v.Spec.GetHttp()) == 0 || l.uncertainGateway(v) {
			continue // without HTTP routes the object is for another protocol
		}
		if !l.ordered(&u) {
			u.Why += " (if both are of one age; else the older one has it)"
		}
		l.add(u.Object, "spec.hosts", "is never used: %s", u.Why)
	}
}

// findUnreached returns what no request reaches, whichever callers there may be beside those of the files.
func (l *linter) findUnreached() []mesh.Unreached {
	strangers, ok := l.rules.Strangers()
	if !ok {
		return nil
	}
	return l.rules.Table.UnreachedBy(strangers)
}

// ordered reports whether it is certain that the rule which matches the requests comes first: it is of the same object, or the ages of both
// objects are known. Between a VirtualService and an HTTPRoute the age does not matter.
func (l *linter) ordered(u *mesh.Unreached) bool {
	v, by := l.virtualService(u.Object), l.virtualService(u.By.Object)
	return u.By.Object == "" || u.By.Object == u.Object || l.rules.KnowsAll() || (v == nil) != (by == nil) ||
		v != nil && !v.Created.IsZero() && !by.Created.IsZero()
}

// virtualService returns an object if it is a VirtualService; else nil.
func (l *linter) virtualService(object string) *virtualService {
	all := l.rules.Overlay.VirtualServices
	i := slices.IndexFunc(all, func(v virtualService) bool { return v.String() == object })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// uncertainGateway reports whether a part of one of a VirtualService's Gateways is not computed.
func (l *linter) uncertainGateway(v *virtualService) bool {
	return slices.ContainsFunc(v.Spec.GetGateways(), func(name string) bool {
		return l.rules.Uncertain("Gateway "+istio.GatewayName(name, v.Namespace), "")
	})
}
