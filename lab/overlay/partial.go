package overlay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"sigs.k8s.io/kustomize/api/resmap"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// The bounds of the search for parts that kustomize cannot render. Above maxSearched, only kustomize's first message is reported.
const (
	maxSearched = 1 << 20 // bytes of all files: each step of the search renders the overlay
	maxCulprits = 20
)

// partial renders an overlay without the parts that are wrong, so that one report lists the mistakes of all stages.
type partial struct {
	in     *inspector
	root   *inspected
	dir    string // directory of root
	doubts doubts // what the omitted parts may contain
}

// partAt is a part of one kustomization file.
type partAt struct {
	of *inspected
	part
}

// fieldRank is the order in which kustomize applies the fields of a file, as far as it matters here: fields that add objects come first.
func fieldRank(field string) int {
	first := []string{"resources", "components", "configMapGenerator"}
	if i := slices.Index(first, field); i >= 0 {
		return i
	}
	return len(first)
}

// parts returns all valid parts, in the order in which kustomize applies them.
func (p *partial) parts(k *inspected, seen map[*inspected]bool) (list []partAt) {
	if k == nil || seen[k] {
		return nil
	}
	seen[k] = true
	for at := range k.bad {
		if at.index < 0 { // a whole field, possibly the one that adds all objects
			p.doubts = append(p.doubts, doubt{everything: true})
		}
	}
	fields := slices.Sorted(maps.Keys(k.content))
	slices.SortStableFunc(fields, func(a, b string) int { return cmp.Compare(fieldRank(a), fieldRank(b)) })
	known := fieldsOf(reflect.TypeFor[kustomization]())
	for _, field := range fields {
		if f, ok := known[field]; !ok || f.status == refused || field == "apiVersion" || field == "kind" {
			continue
		}
		elements, isList := k.content[field].([]any)
		if !isList {
			if !k.bad[part{field, -1}] {
				list = append(list, partAt{k, part{field, -1}})
			}
			continue
		}
		for i := range elements {
			at := part{field, i}
			if k.bad[part{field, -1}] {
				continue
			}
			if k.bad[at] {
				p.doubt(partAt{k, at})
				continue
			}
			list = append(list, partAt{k, at})
			list = append(list, p.parts(k.below[at], seen)...)
		}
	}
	return list
}

// doubt records what an omitted part may contain.
func (p *partial) doubt(at partAt) {
	element := at.of.content[at.field].([]any)[at.index]
	path, _ := element.(string)
	if m, ok := element.(map[string]any); ok {
		path, _ = m["path"].(string)
	}
	file := filepath.Join(filepath.Dir(at.of.path), path)
	if near := nearest.Name(filepath.Base(path), beside(file)); near != "" && path != "" && !p.in.disk.Exists(file) && within(filepath.Dir(at.of.path), file) {
		file = filepath.Join(filepath.Dir(file), near) // the file that was meant
		p.in.disk.Read(file)
	}
	f, read := p.in.disk.Files[p.in.disk.Resolve(file)]
	switch {
	case path != "" && read && f.Err == nil:
		p.doubts = append(p.doubts, doubt{text: string(f.Content)})
	case at.field == "resources" || at.field == "components":
		p.doubts = append(p.doubts, doubt{everything: true})
	default:
		encoded, err := json.Marshal(element)
		p.doubts = append(p.doubts, doubt{text: string(encoded), everything: err != nil})
	}
}

// disk returns the overlay's disk with only these parts in its kustomization files.
func (p *partial) disk(parts []partAt) *snapshot.Disk {
	files := map[string][]byte{}
	contents := map[*inspected]map[string]any{}
	for _, k := range p.in.seen {
		if k == nil {
			continue
		}
		contents[k] = map[string]any{"generatorOptions": map[string]any{}} // kustomize refuses an empty file
		for _, name := range []string{"apiVersion", "kind"} {
			if v, ok := k.content[name]; ok {
				contents[k][name] = v
			}
		}
	}
	for _, at := range parts {
		value := at.of.content[at.field]
		if at.index < 0 {
			contents[at.of][at.field] = value
			continue
		}
		list, _ := contents[at.of][at.field].([]any)
		contents[at.of][at.field] = append(list, value.([]any)[at.index])
	}
	for k, content := range contents {
		encoded, err := json.Marshal(content)
		if err == nil {
			files[p.in.disk.Resolve(k.path)] = encoded
		}
	}
	return p.in.disk.Amend(files)
}

func (p *partial) render(parts []partAt) (resmap.ResMap, error) {
	return kustomize(p.disk(parts), p.dir)
}

// run renders all parts that kustomize can render, and reports the others. It returns nil resources if it gave up.
func (p *partial) run() (resmap.ResMap, *snapshot.Disk) {
	good := p.parts(p.root, map[*inspected]bool{})
	for range maxCulprits {
		resources, err := p.render(good)
		if err == nil {
			return resources, p.disk(good)
		}
		if p.size() > maxSearched {
			p.in.report.Problems = append(p.in.report.Problems, explain(p.in.named(p.dir), err, p.in.named))
			return nil, nil
		}
		n := sort.Search(len(good), func(n int) bool { _, err := p.render(good[:n+1]); return err != nil })
		if n == len(good) {
			return nil, nil
		}
		_, err = p.render(good[:n+1])
		p.culprit(good[:n], good[n], err)
		good = slices.Delete(slices.Clone(good), n, n+1)
	}
	return nil, nil
}

func (p *partial) size() (bytes int) {
	for _, f := range p.in.disk.Files {
		bytes += len(f.Content)
	}
	return bytes
}

// Kustomize's names for an object that does not exist, or is a duplicate.
var (
	noTarget   = regexp.MustCompile(`no matches for Id ([A-Za-z]+)\.[^/]*/([^ ';]+)\.([^ .';]+)`)
	noReplicas = regexp.MustCompile(`resource with name (\S+) does not match a config`)
	registered = regexp.MustCompile(`already registered id: ([A-Za-z]+)\.[^/]*/([^ ']+)\.([^ .']+)'?$`)
)

// culprit reports the part that kustomize cannot render after those before it.
func (p *partial) culprit(before []partAt, at partAt, err error) {
	object, path := p.in.named(at.of.path), at.field
	if at.index >= 0 {
		path = fmt.Sprintf("%s[%d]", at.field, at.index)
	}
	message := explain(object, err, p.in.named).Reason
	if m := registered.FindStringSubmatch(message); m != nil {
		p.twice(before, at, metaOfID(m))
	} else if m := noTarget.FindStringSubmatch(message); m != nil && at.field == "patches" {
		meta := metaOfID(m)
		if !p.doubts.mention(meta.Name) {
			p.in.report.Add(object, path, "no %s to patch%s", meta, nearest.DidYouMean(meta.Name, p.names(before, meta.Kind)))
		}
	} else if m := noReplicas.FindStringSubmatch(message); m != nil {
		if !p.doubts.mention(m[1]) {
			p.in.report.Add(object, path+".name", "no Deployment %s%s", m[1], nearest.DidYouMean(m[1], p.names(before, "Deployment")))
		}
	} else {
		p.in.report.Add(object, path, "%s", message)
	}
	if at.index >= 0 {
		p.doubt(at)
	} else {
		p.doubts = append(p.doubts, doubt{everything: true})
	}
}

// metaOfID returns the identity of an object that a message of kustomize names.
func metaOfID(m []string) Meta {
	meta := Meta{Kind: m[1], Name: m[2], Namespace: m[3]}
	if meta.Namespace == "[noNs]" {
		meta.Namespace = ""
	}
	return meta
}

// names returns the names of the objects of a kind that the parts add.
func (p *partial) names(parts []partAt, kind string) (names []string) {
	resources, err := p.render(parts)
	if err != nil {
		return nil
	}
	for _, r := range resources.Resources() {
		if r.GetKind() == kind {
			names = append(names, r.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// twice reports an object that is in two files.
func (p *partial) twice(before []partAt, at partAt, m Meta) {
	first := (&places{disk: p.disk(before), root: p.dir, top: p.root, named: p.in.named}).find(m.String(), "")
	problem := Problem{Object: m.String(), Reason: "appears twice"}
	if first.file != "" {
		problem.Reason += ": in " + first.String() + " as well"
	}
	entry, _ := at.of.content[at.field].([]any)[max(at.index, 0)].(string)
	file := p.in.disk.Resolve(filepath.Join(filepath.Dir(at.of.path), entry))
	if f, ok := p.in.disk.Files[file]; ok {
		problem.File = p.in.named(file)
		if node := documentOf(yamltext.Documents(f.Content), m.Kind, m.Name); node != nil {
			problem.Line = node.Line
		}
		if first == (place{problem.File, problem.Line}) { // both in one file
			problem.Line, problem.Reason = p.second(f.Content, m), "appears twice: in "+first.String()+" as well"
		}
	}
	p.in.report.Problems = append(p.in.report.Problems, problem)
}

// second returns the line of the second document of an object in a file.
func (p *partial) second(content []byte, m Meta) int {
	all := yamltext.Documents(content)
	first := documentOf(all, m.Kind, m.Name)
	rest := slices.DeleteFunc(all, func(n *kyaml.Node) bool { return n == first })
	if node := documentOf(rest, m.Kind, m.Name); node != nil {
		return node.Line
	}
	return 0
}

// String returns the place for a message: "middle.yaml:12".
func (p place) String() string {
	if p.line == 0 {
		return p.file
	}
	return p.file + ":" + strconv.Itoa(p.line)
}
