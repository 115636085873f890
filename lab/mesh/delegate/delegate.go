// Package delegate merges the rule of a VirtualService that delegates with a rule of its delegate, as Istio does.
package delegate

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
)

// Merge returns a rule of a delegate with the conditions of root, the rule that delegates, and with what it inherits from root. blocks has for
// each match of the result its index in the delegate's rule; -1 if that rule has no match. ok is false if a match of the rule conflicts with
// all matches of root: Istio leaves such a rule out.
func Merge(root, rule *networking.HTTPRoute) (merged *networking.HTTPRoute, blocks []int, ok bool) {
	match, blocks, ok := mergeMatches(root.GetMatch(), rule.GetMatch())
	if !ok {
		return nil, nil, false
	}
	merged = proto.CloneOf(rule)
	inherit(merged, root)
	merged.Match = match
	return merged, blocks, true
}

// inherit sets the fields that a rule of a delegate does not have to those of the rule that delegates.
// (pilot/pkg/model/virtualservice.go of Istio 1.31, mergeHTTPRoute)
func inherit(rule, root *networking.HTTPRoute) {
	rule.Name = joinNames(root.GetName(), rule.GetName())
	fields := root.ProtoReflect().Descriptor().Fields()
	for _, name := range []string{"rewrite", "directResponse", "timeout", "retries", "fault", "mirror", "mirrorPercent", "mirrorPercentage", "corsPolicy", "mirrors", "headers"} {
		if f := fields.ByJSONName(name); root.ProtoReflect().Has(f) && !rule.ProtoReflect().Has(f) {
			rule.ProtoReflect().Set(f, root.ProtoReflect().Get(f))
		}
	}
}

func joinNames(root, name string) string {
	if root != "" && name != "" {
		return root + "-" + name
	}
	return root + name
}

// mergeMatches returns a match for each pair of matches that do not conflict, and the index of the delegate's match in each. It returns
// false if a match of the delegate conflicts with all of the other rule.
// (pilot/pkg/model/virtualservice.go of Istio 1.31, mergeHTTPMatchRequests)
func mergeMatches(root, delegate []*networking.HTTPMatchRequest) (out []*networking.HTTPMatchRequest, blocks []int, ok bool) {
	switch {
	case len(root) == 0:
		for i := range delegate {
			blocks = append(blocks, i)
		}
		return delegate, blocks, true
	case len(delegate) == 0:
		return root, slices.Repeat([]int{-1}, len(root)), true
	}
	for i, leaf := range delegate {
		found := false
		for _, r := range root {
			if conflict(r, leaf) {
				continue
			}
			out, blocks, found = append(out, mergeMatch(r, leaf)), append(blocks, i), true
		}
		if !found {
			return nil, nil, false
		}
	}
	return out, blocks, true
}

// mergeMatch returns the conditions of both matches. Where both have one, the delegate's is narrower.
func mergeMatch(root, leaf *networking.HTTPMatchRequest) *networking.HTTPMatchRequest {
	out := proto.CloneOf(leaf)
	out.Name = joinNames(root.GetName(), leaf.GetName())
	for _, f := range []struct {
		to   **networking.StringMatch
		from *networking.StringMatch
	}{{&out.Uri, root.GetUri()}, {&out.Scheme, root.GetScheme()}, {&out.Method, root.GetMethod()}, {&out.Authority, root.GetAuthority()}} {
		if *f.to == nil {
			*f.to = f.from
		}
	}
	out.Headers = mergeMaps(root.GetHeaders(), leaf.GetHeaders())
	out.WithoutHeaders = mergeMaps(root.GetWithoutHeaders(), leaf.GetWithoutHeaders())
	out.QueryParams = mergeMaps(root.GetQueryParams(), leaf.GetQueryParams())
	out.SourceLabels = mergeMaps(root.GetSourceLabels(), leaf.GetSourceLabels())
	if out.GetPort() == 0 {
		out.Port = root.GetPort()
	}
	if out.GetSourceNamespace() == "" {
		out.SourceNamespace = root.GetSourceNamespace()
	}
	if len(out.GetGateways()) == 0 {
		out.Gateways = root.GetGateways()
	}
	return out
}

func mergeMaps[V any](root, leaf map[string]V) map[string]V {
	out := maps.Clone(root)
	if out == nil {
		return leaf
	}
	maps.Copy(out, leaf)
	return out
}

// conflict reports whether a delegate's match is not within the match of the rule that delegates, as far as Istio looks.
// (pilot/pkg/model/virtualservice.go of Istio 1.31, hasConflict)
func conflict(root, leaf *networking.HTTPMatchRequest) bool {
	if textConflict(root.GetUri(), leaf.GetUri()) || textConflict(root.GetScheme(), leaf.GetScheme()) || textConflict(root.GetMethod(), leaf.GetMethod()) ||
		textConflict(root.GetAuthority(), leaf.GetAuthority()) {
		return true
	}
	for _, m := range [][2]map[string]*networking.StringMatch{{root.GetHeaders(), leaf.GetHeaders()}, {root.GetWithoutHeaders(), leaf.GetWithoutHeaders()}, {root.GetQueryParams(), leaf.GetQueryParams()}} {
		for key, value := range m[1] {
			if textConflict(m[0][key], value) {
				return true
			}
		}
	}
	switch {
	case root.GetIgnoreUriCase() != leaf.GetIgnoreUriCase(),
		root.GetPort() > 0 && leaf.GetPort() > 0 && root.GetPort() != leaf.GetPort(),
		root.GetSourceNamespace() != "" && leaf.GetSourceNamespace() != root.GetSourceNamespace():
		return true
	}
	for key, value := range leaf.GetSourceLabels() {
		if v, ok := root.GetSourceLabels()[key]; ok && v != value {
			return true
		}
	}
	if len(root.GetGateways()) == 0 {
		return false
	}
	return len(root.GetGateways()) < len(leaf.GetGateways()) ||
		slices.ContainsFunc(leaf.GetGateways(), func(g string) bool { return !slices.Contains(root.GetGateways(), g) })
}

// textConflict reports whether a text that leaf matches may be one that root does not match. Istio does not compare regular expressions.
// (pilot/pkg/model/virtualservice.go of Istio 1.31, stringMatchConflict)
func textConflict(root, leaf *networking.StringMatch) bool {
	switch {
	case root == nil || leaf == nil:
		return false
	case root.GetRegex() != "" || leaf.GetRegex() != "":
		return true
	case root.GetExact() != "":
		return leaf.GetPrefix() != "" || leaf.GetExact() != root.GetExact()
	case root.GetPrefix() != "" && leaf.GetPrefix()+leaf.GetExact() != "":
		return !strings.HasPrefix(leaf.GetPrefix()+leaf.GetExact(), root.GetPrefix())
	}
	return true
}
