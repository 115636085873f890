package overlay_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/hopline/hopline/lab/mesh/fields"
	"github.com/hopline/hopline/lab/overlay"
)

const (
	document = "../../docs/lab.md"
	begin    = "<!-- The lists below are written by: go test ./lab/overlay -run TestTheListsInTheDocumentation -update -->\n"
	end      = "<!-- Here the lists end. -->\n"
)

// TestTheListsInTheDocumentation compares the three lists in docs/lab.md with the fields that the code supports.
func TestTheListsInTheDocumentation(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks around the lists", document)
	}
	want := before + begin + lists() + end + after
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, text); diff != "" {
		t.Errorf("%s differs from the lists in the code (-want +got):\n%s", document, diff)
	}
}

// lists returns the three lists in Markdown.
func lists() string {
	var out strings.Builder
	kinds := append(overlay.Fields(), overlay.KustomizationFields())
	out.WriteString("### Enforced\n\nEvery object has these, and they are not repeated below:\n\n")
	writeOutline(&out, common(kinds))
	for _, k := range kinds {
		if !k.Enforced {
			continue
		}
		var o outline
		o.addAll(k, "enforced")
		if m, ok := meshFields(k); ok {
			for _, f := range m.Enforced {
				o.add("spec."+f, m.Values[f])
			}
		}
		fmt.Fprintf(&out, "#### %s\n\n", title(k))
		if o.children == nil {
			out.WriteString("No others.\n\n")
			continue
		}
		writeOutline(&out, o)
	}

	out.WriteString("### Accepted but not enforced\n\nWhole kinds, which are checked and have no other effect:\n\n")
	for _, k := range kinds {
		if !k.Enforced {
			fmt.Fprintf(&out, "- %s\n", title(k))
		}
	}
	out.WriteString("\nFields of enforced kinds, with what is below them:\n\n")
	for _, k := range kinds {
		var o outline
		o.addAll(k, "accepted")
		if m, ok := meshFields(k); ok && k.Enforced {
			for _, f := range m.Accepted {
				o.add("spec."+f, m.Values[f])
			}
		}
		writeNamed(&out, shortTitle(k), o)
	}

	out.WriteString("### Refused\n\nEvery kind and every field that is not above. Of those that Kubernetes, kustomize and Istio know, these:\n\n")
	for _, k := range kinds {
		var o outline
		o.addAll(k, "refused")
		if m, ok := meshFields(k); ok && k.Enforced {
			for _, f := range unsupported(m) {
				o.add("spec."+f, "")
			}
		}
		writeNamed(&out, shortTitle(k), o)
	}
	return out.String()
}

// isGatewayAPI reports whether a kind is of the Gateway API, which has a kind Gateway as Istio does.
func isGatewayAPI(k overlay.ManifestFields) bool {
	return len(k.APIVersions) > 0 && strings.HasPrefix(k.APIVersions[0], overlay.GatewayAPI+"/")
}

// shortTitle returns the name of a kind, with its API if two have one of the name.
func shortTitle(k overlay.ManifestFields) string {
	if k.Kind == "Gateway" && isGatewayAPI(k) {
		return "Gateway of the Gateway API"
	}
	return k.Kind
}

// title returns a kind with its accepted versions.
func title(k overlay.ManifestFields) string {
	if len(k.APIVersions) == 0 {
		return k.Kind + " and Component files"
	}
	return k.Kind + " (" + strings.Join(k.APIVersions, ", ") + ")"
}

// common returns the fields that the objects of all kinds have.
func common(kinds []overlay.ManifestFields) (o outline) {
	for _, f := range kinds[0].Fields {
		if isCommon(f.Path) {
			o.add(f.Path, f.Note)
		}
	}
	return o
}

func isCommon(path string) bool {
	return path == "apiVersion" || path == "kind" || path == "metadata" || strings.HasPrefix(path, "metadata.")
}

func (o *outline) addAll(k overlay.ManifestFields, status string) {
	for _, f := range k.Fields {
		if f.Status == status && !isCommon(f.Path) {
			o.add(f.Path, f.Note)
		}
	}
}

func writeOutline(out *strings.Builder, o outline) {
	out.WriteString("```text\n")
	o.write(out, "", "", map[string]string{})
	out.WriteString("```\n\n")
}

func writeNamed(out *strings.Builder, kind string, o outline) {
	if o.children != nil {
		fmt.Fprintf(out, "%s:\n\n", kind)
		writeOutline(out, o)
	}
}

func meshFields(k overlay.ManifestFields) (fields.Kind, bool) {
	all := fields.All()
	i := slices.IndexFunc(all, func(m fields.Kind) bool { return m.Name == k.Kind })
	if i < 0 || isGatewayAPI(k) {
		return fields.Kind{}, false
	}
	return all[i], true
}

// outline is a tree of fields. In the text, fields with the same fields below them share a line.
type outline struct {
	note     string
	children map[string]*outline
}

func (o *outline) add(path, note string) {
	at := o
	for _, name := range strings.Split(path, ".") {
		if at.children == nil {
			at.children = map[string]*outline{}
		}
		if at.children[name] == nil {
			at.children[name] = &outline{}
		}
		at = at.children[name]
	}
	at.note = note
}

// text returns the tree as text, to find equal trees.
func (o *outline) text() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(o.children)) {
		parts = append(parts, name+o.children[name].text())
	}
	return "{" + strings.Join(parts, ",") + "}#" + o.note
}

// write writes the tree, indented. It refers to a tree that was written before under another name instead of repeating it.
func (o *outline) write(out *strings.Builder, indent, path string, before map[string]string) {
	groups := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(o.children)) {
		t := o.children[name].text()
		groups[t] = append(groups[t], name)
	}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b string) int { return cmp.Compare(groups[a][0], groups[b][0]) })
	for _, t := range order {
		child, names := o.children[groups[t][0]], strings.Join(groups[t], ", ")
		at := strings.TrimPrefix(path+"."+groups[t][0], ".")
		for child.note == "" && len(child.children) == 1 { // a.b instead of a line for each
			name := slices.Collect(maps.Keys(child.children))[0]
			if len(groups[t]) > 1 && len(child.children[name].children) == 0 {
				break
			}
			names, at, child = names+"."+name, at+"."+name, child.children[name]
		}
		note := ""
		if child.note != "" {
			note = "   # " + child.note
		}
		switch first, again := before[t]; {
		case len(child.children) == 0:
			writeWrapped(out, indent, names+note)
		case again && len(t) > 200:
			fmt.Fprintf(out, "%s%s:   # as in %s\n", indent, names, first)
		case child.flat():
			before[t] = at
			writeWrapped(out, indent, names+": "+strings.Join(slices.Sorted(maps.Keys(child.children)), ", ")+note)
		default:
			before[t] = at
			fmt.Fprintf(out, "%s%s:%s\n", indent, names, note)
			child.write(out, indent+"  ", at, before)
		}
	}
}

// flat reports whether the fields below fit on one line.
func (o *outline) flat() bool {
	for _, c := range o.children {
		if len(c.children) > 0 || c.note != "" {
			return false
		}
	}
	return true
}

// writeWrapped breaks a long line after a comma.
func writeWrapped(out *strings.Builder, indent, line string) {
	const width = 120
	for first := true; len(indent)+len(line) > width; first = false {
		i := strings.LastIndex(line[:width-len(indent)], ", ")
		if i < 0 || strings.Contains(line[:i], "#") {
			break
		}
		out.WriteString(indent + line[:i+1] + "\n")
		if first {
			indent += "    "
		}
		line = line[i+2:]
	}
	out.WriteString(indent + line + "\n")
}

// unsupported returns the fields of Istio's API that the lab does not support, only the topmost of each branch.
func unsupported(m fields.Kind) []string {
	messages := map[string]proto.Message{
		"VirtualService": new(networking.VirtualService), "DestinationRule": new(networking.DestinationRule),
		"Gateway": new(networking.Gateway), "ServiceEntry": new(networking.ServiceEntry), "Sidecar": new(networking.Sidecar),
		"AuthorizationPolicy": new(security.AuthorizationPolicy),
	}
	known := map[string]bool{}
	for _, f := range slices.Concat(m.Enforced, m.Accepted) {
		known[f] = true
	}
	var out []string
	var walk func(path string, d protoreflect.MessageDescriptor)
	walk = func(path string, d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			at := strings.TrimPrefix(path+"."+f.JSONName(), ".")
			below := f.Message()
			if f.IsMap() {
				below = f.MapValue().Message()
			}
			switch {
			case !known[at]:
				out = append(out, at)
			case below != nil && !strings.HasPrefix(string(below.FullName()), "google.protobuf."):
				walk(at, below)
			}
		}
	}
	walk("", messages[m.Name].ProtoReflect().Descriptor())
	slices.Sort(out)
	return out
}

// TestEveryIstioKindIsListed checks that the fields of every enforced Istio kind are listed; otherwise the document would omit them.
func TestEveryIstioKindIsListed(t *testing.T) {
	t.Parallel()
	for _, k := range overlay.Fields() {
		if _, ok := meshFields(k); k.Enforced && strings.Contains(k.APIVersions[0], "istio.io") && !ok {
			t.Errorf("package fields lists no fields of %s", k.Kind)
		}
	}
}
