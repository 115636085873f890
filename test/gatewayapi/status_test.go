package gatewayapi

import (
	"cmp"
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/overlay"
)

// writeStatus writes the status that the lab computes to GatewayClasses, Gateways and HTTPRoutes.
func (c *cluster) writeStatus(ctx context.Context, rules *gatewayapi.Rules) error {
	var classes gatewayv1.GatewayClassList
	var gateways gatewayv1.GatewayList
	var routes gatewayv1.HTTPRouteList
	for _, err := range []error{c.objects.List(ctx, &classes), c.objects.List(ctx, &gateways), c.objects.List(ctx, &routes)} {
		if err != nil {
			return err
		}
	}
	for i := range classes.Items {
		class := &classes.Items[i]
		class.Status.Conditions = []metav1.Condition{{Type: "Accepted", Reason: "Accepted", Status: metav1.ConditionTrue, ObservedGeneration: class.Generation, LastTransitionTime: metav1.Now()}}
		if err := c.objects.Status().Update(ctx, class); err != nil {
			return err
		}
	}
	for i := range gateways.Items {
		g := &gateways.Items[i]
		g.Status = gatewayStatus(g, rules)
		g.Status.Addresses = c.lab.statusAddresses(g)
		if err := c.objects.Status().Update(ctx, g); err != nil {
			return err
		}
	}
	for i := range routes.Items {
		r := &routes.Items[i]
		r.Status.Parents = parents(r, rules)
		if err := c.objects.Status().Update(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// gatewayStatus returns the status of a Gateway, without its addresses.
func gatewayStatus(g *gatewayv1.Gateway, rules *gatewayapi.Rules) (out gatewayv1.GatewayStatus) {
	object := overlay.Meta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}.String()
	out.Conditions = conditions(rules, object, -1, g.Generation)
	for i, l := range g.Spec.Listeners {
		s := gatewayv1.ListenerStatus{Name: l.Name, SupportedKinds: []gatewayv1.RouteGroupKind{}, Conditions: conditions(rules, object, i, g.Generation)}
		at := slices.IndexFunc(rules.Listeners, func(s gatewayapi.ListenerStatus) bool { return s.Gateway == object && s.Name == string(l.Name) })
		if at >= 0 {
			s.AttachedRoutes = int32(rules.Listeners[at].Routes)
			for _, kind := range rules.Listeners[at].Kinds {
				s.SupportedKinds = append(s.SupportedKinds, gatewayv1.RouteGroupKind{Group: new(gatewayv1.Group(gatewayv1.GroupName)), Kind: gatewayv1.Kind(kind)})
			}
		}
		out.Listeners = append(out.Listeners, s)
	}
	return out
}

// parents returns the status of an HTTPRoute, for each of its parents.
func parents(r *gatewayv1.HTTPRoute, rules *gatewayapi.Rules) (out []gatewayv1.RouteParentStatus) {
	object := overlay.Meta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "HTTPRoute", Namespace: r.Namespace, Name: r.Name}.String()
	for i, p := range r.Spec.ParentRefs {
		out = append(out, gatewayv1.RouteParentStatus{ParentRef: p, ControllerName: controllerName, Conditions: conditions(rules, object, i, r.Generation)})
	}
	return out
}

// conditions returns the conditions of an object or of a part of it. Of several reasons for one condition the first counts.
func conditions(rules *gatewayapi.Rules, object string, part int, generation int64) []metav1.Condition {
	out := []metav1.Condition{}
	for _, c := range rules.Conditions {
		if c.Object != object || c.Part != part || slices.ContainsFunc(out, func(o metav1.Condition) bool { return o.Type == c.Type }) {
			continue
		}
		status := metav1.ConditionFalse
		if c.True {
			status = metav1.ConditionTrue
		}
		out = append(out, metav1.Condition{Type: c.Type, Status: status, Reason: c.Reason, Message: cmp.Or(c.Message, c.Reason), ObservedGeneration: generation, LastTransitionTime: metav1.Now()})
	}
	return out
}
