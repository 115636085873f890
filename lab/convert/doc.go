// Package convert implements `hopline convert`: it writes VirtualServices as HTTPRoutes of the Gateway API, and the
// subsets of their DestinationRules as Services. A field that an HTTPRoute cannot express, as istiod reads it, is rejected by name. The
// result is compared with the rules that it replaces, request by request.
//
// The files, in reading order:
//   - convert.go is the entry. command.go is the command line, prove.go the comparison.
//   - versions.go makes a Service and a DestinationRule of each subset.
//   - gateways.go makes Gateways, targets.go finds what a route attaches to, grants.go allows references to other namespaces.
//   - routes.go makes HTTPRoutes; rule.go, match.go, paths.go, filters.go, backends.go and retries.go the parts of a rule.
//   - arrange.go keeps the order of rules, which the Gateway API sorts.
//   - names.go names the objects, manifest.go writes them as YAML, files.go as an overlay.
package convert
