// Package gatewayapi turns the objects of Kubernetes' Gateway API into the rules that istiod makes of them: a Gateway for each listener, and
// VirtualServices of one host each, with the rules of all routes in the order of the Gateway API. Every rule keeps its origin, the rule of an
// HTTPRoute. Package mesh compiles the result like Istio's own objects.
//
// The files, in reading order:
//   - convert.go is the entry. It merges the routes by host and sorts their rules.
//   - listeners.go converts Gateways; parents.go attaches routes to listeners and Services.
//   - route.go converts the rules of a route, filters.go their filters, backends.go their destinations.
//   - conditions.go holds the status of Gateways and routes.
//
// The source of all of it is pilot/pkg/config/kube/gateway and gatewaycommon of Istio 1.31.
package gatewayapi
