// Package mesh compiles Istio's objects into an immutable route table. It decides what happens to a request, as a pure function of table,
// request, source and a random number. The proxy, in mesh/proxy, carries the decision out.
//
// Its files in reading order. The result: decision.go (the types), table.go (Load and Compile), decide.go (one request).
// A request's path is as package urlpath leaves it.
//
// Input: source.go (callers, sidecar injection), services.go (the registry), virtualservices.go (names and order), delegates.go and
// package delegate (rules that delegate), package destinationrule (merged rules and their policies). Package istio completes and compares names.
//
// Checks: package fields (rejects the fields and values that the lab does not support), check_services.go (the same for what only the registry
// shows). Package overlay has checked what Istio itself checks.
//
// Views: view.go (the table for one kind of caller), sidecar.go, passthrough.go and gateway.go (its listeners), virtualhost.go (hosts of a port),
// index.go (the first rule that matches).
//
// Rules: route.go (a rule and its destinations), match.go, rewrite.go, redirect.go, headers.go, fault.go, retries.go, cors.go,
// hash.go (consistent hashing), cluster.go (a destination and its policies).
//
// AuthorizationPolicies: authorize.go (the decision), accessrule.go (a rule and its conditions), valuematch.go and package pathtemplate (one value),
// check_access.go (what the lab does not support).
//
// Reports: rules.go and shares.go (rules and shares for others), explain.go, effects.go, near.go and routestatus.go (why a request goes where it
// goes), unreached.go and covers.go (rules that no request reaches), uncarried.go (what the lab does not carry), conditions.go (what
// distinguishes requests) and strangers.go (what distinguishes callers).
package mesh
