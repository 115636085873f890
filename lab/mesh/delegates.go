package mesh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
)

// origin is where a rule of a VirtualService is written: there, or in the VirtualService that it delegates to.
type origin struct {
	object  string // "VirtualService hopline/middle"
	through string // the VirtualService that delegates to object; empty for a rule of its own
	index   int    // in object
	blocks  []int  // with through: for each match of the merged rule, its index in the rule of object; -1 if that rule has no match
}

// block returns the index, where it is written, of the j-th match of a rule; -1 if it is written without a match.
func (o *origin) block(h *networking.HTTPRoute, j int) int {
	switch {
	case o.through == "" && len(h.GetMatch()) > 0:
		return j
	case j < len(o.blocks):
		return o.blocks[j]
	}
	return -1
}

// rulePlace returns the place of a rule in a VirtualService.
func rulePlace(index int) string { return "http[" + strconv.Itoa(index) + "]" }

// reportDelegates reports the rules of a lenient overlay whose delegate is not among the files: it may be elsewhere.
func reportDelegates(o *overlay.Overlay, report *overlay.Report) {
	for _, v := range o.VirtualServices {
		for i, h := range v.Spec.GetHttp() {
			to := h.GetDelegate()
			if to == nil || !o.Lenient {
				continue
			}
			namespace := cmp.Or(to.GetNamespace(), v.Namespace)
			if !slices.ContainsFunc(o.VirtualServices, func(d overlay.Istio[*networking.VirtualService]) bool {
				return d.Name == to.GetName() && d.Namespace == namespace
			}) {
				report.Add(v.String(), fmt.Sprintf("spec.http[%d].delegate", i), "VirtualService %s/%s is not among the files", namespace, to.GetName())
			}
		}
	}
}

// resolveDelegates replaces the rules that delegate by the rules of their delegates: the VirtualServices without hosts.
// (pilot/pkg/model/virtualservice_controller.go of Istio 1.31, mergeVirtualServices)
func resolveDelegates(all []*virtualService, lenient bool) (roots []*virtualService, left []Unreached) {
	delegates := map[string]*virtualService{}
	for _, v := range all {
		if len(v.hosts) == 0 && !v.fromRoutes() {
			delegates[v.namespace+"/"+v.name] = v
		} else {
			roots = append(roots, v)
		}
	}
	used := map[*virtualService]bool{}
	for _, v := range roots {
		if slices.ContainsFunc(v.http, func(h *networking.HTTPRoute) bool { return h.GetDelegate() != nil }) {
			left = append(left, v.mergeDelegates(delegates, used)...)
		}
	}
	left = slices.DeleteFunc(left, func(u Unreached) bool { return isMerged(roots, u) })
	for _, d := range all {
		if len(d.hosts) == 0 && !d.fromRoutes() && !used[d] && !lenient { // files that are not read may delegate to it
			left = append(left, Unreached{Object: d.object, Why: "it has no hosts, and no VirtualService delegates to it"})
		}
	}
	return roots, left
}

// isMerged reports whether a rule that conflicts with one that delegates to it is merged with another.
func isMerged(roots []*virtualService, u Unreached) bool {
	return slices.ContainsFunc(roots, func(v *virtualService) bool {
		return slices.ContainsFunc(v.merged, func(o origin) bool { return o.object == u.Object && rulePlace(o.index) == u.Place })
	})
}

// mergeDelegates replaces the rules that delegate, and returns what Istio leaves out. It adds the delegates to used.
func (v *virtualService) mergeDelegates(delegates map[string]*virtualService, used map[*virtualService]bool) (left []Unreached) {
	var http []*networking.HTTPRoute
	for i, h := range v.http {
		if h.GetDelegate() == nil {
			http, v.merged = append(http, h), append(v.merged, origin{object: v.object, index: i})
			continue
		}
		d, why := delegateOf(v, h.GetDelegate(), delegates)
		if d == nil {
			left = append(left, leftOut(v.object, i, h, why))
			continue
		}
		used[d] = true
		for j, rule := range d.http {
			match, blocks, ok := mergeMatches(h.GetMatch(), rule.GetMatch())
			if !ok {
				left = append(left, leftOut(d.object, j, rule, "its matches conflict with those of "+v.object+" "+rulePlace(i)+", which delegates to it"))
				continue
			}
			merged := proto.CloneOf(rule)
			inherit(merged, h)
			merged.Match = match
			http, v.merged = append(http, merged), append(v.merged, origin{object: d.object, through: v.object, index: j, blocks: blocks})
		}
	}
	v.http = http
	return left
}

func leftOut(object string, index int, h *networking.HTTPRoute, why string) Unreached {
	place := rulePlace(index)
	return Unreached{Object: object, Rule: cmp.Or(h.GetName(), place), Place: place, Why: why}
}

// delegateOf returns the VirtualService that a rule delegates to, or why it delegates to none.
func delegateOf(v *virtualService, to *networking.Delegate, delegates map[string]*virtualService) (d *virtualService, why string) {
	name := cmp.Or(to.GetNamespace(), v.namespace) + "/" + to.GetName()
	switch d := delegates[name]; {
	case d == nil:
		return nil, "there is no VirtualService " + name + " without hosts"
	case !istio.VisibleFrom(d.exportTo, d.namespace, v.namespace):
		return nil, "VirtualService " + name + " is not exported to namespace " + v.namespace + ": exportTo is [" + strings.Join(d.exportTo, ", ") + "]"
	default:
		return d, ""
	}
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
