package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/delegate"
	"github.com/hopline/hopline/lab/overlay"
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
			merged, blocks, ok := delegate.Merge(h, rule)
			if !ok {
				left = append(left, leftOut(d.object, j, rule, "its matches conflict with those of "+v.object+" "+rulePlace(i)+", which delegates to it"))
				continue
			}
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
