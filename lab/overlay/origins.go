package overlay

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/yamltext"
	"sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// origins finds the parts of an overlay's files that rendered objects come from. It reads what the inspector has found in the order in which
// kustomize does. kustomize could record the same in its build metadata, which makes a rendering take three times as long.
type origins struct {
	places  *places
	objects map[string][]written // by kind
	layers  []layer
}

// written is an object in a file, or the entry of a kustomization file that generates it, before kustomize changes its name or namespace.
type written struct {
	source
	name, namespace string
}

// layer is a kustomization file and the files with objects that its patches can change: those of its resources; for a component, also those
// that the kustomization which includes it has read before.
type layer struct {
	file    string
	objects []string
}

// directory reads a kustomization after those of its resources and components. It returns the files of all its objects.
func (o *origins) directory(k *inspected, before []string) (objects []string) {
	if k == nil {
		return nil
	}
	disk := o.places.disk
	for i, entry := range k.lists.Resources {
		if below, ok := k.below[part{"resources", i}]; ok {
			objects = append(objects, o.directory(below, nil)...)
			continue
		}
		path := disk.Resolve(filepath.Join(filepath.Dir(k.path), entry))
		o.documents(path, yamltext.Documents(disk.Read(path).Content))
		objects = append(objects, path)
	}
	for _, doc := range yamltext.Documents(disk.Read(k.path).Content) {
		for _, entry := range yamltext.Elements(yamltext.Child(doc, "configMapGenerator")) {
			o.add(k.path, "ConfigMap", entry, entry)
		}
	}
	objects = append(objects, k.path)
	for i := range k.lists.Components {
		objects = append(objects, o.directory(k.below[part{"components", i}], slices.Concat(before, objects))...)
	}
	o.layers = append(o.layers, layer{k.path, slices.Concat(before, objects)})
	return objects
}

// documents records the objects of a file.
func (o *origins) documents(file string, docs []*kyaml.Node) {
	for _, doc := range docs {
		if items := listOf(doc); items != nil {
			o.documents(file, items)
		} else {
			o.add(file, yamltext.Scalar(yamltext.Child(doc, "kind")), doc, yamltext.Child(doc, "metadata"))
		}
	}
}

func (o *origins) add(file, kind string, node, meta *kyaml.Node) {
	w := written{source{file: file, node: node}, yamltext.Scalar(yamltext.Child(meta, "name")), yamltext.Scalar(yamltext.Child(meta, "namespace"))}
	o.objects[kind] = append(o.objects[kind], w)
}

// of returns the sources of a rendered object: where it is written, then the patches that apply to it, in kustomize's order.
func (o *origins) of(r *resource.Resource) (all []source) {
	kind, name := r.GetKind(), r.GetName()
	i := o.find(kind, name, r.GetNamespace())
	if i < 0 {
		return nil
	}
	own := o.objects[kind][i].source
	o.objects[kind] = slices.Delete(o.objects[kind], i, i+1) // the next object of this name is another one
	all = append(all, own)
	for _, layer := range o.layers {
		if slices.Contains(layer.objects, own.file) {
			all = append(all, o.places.patches(layer.file, kind, name)...)
		}
	}
	return all
}

// find returns the index of the object with the longest name that is a part of name, because kustomize may have added a prefix or suffix; of
// several, the first with the same namespace, or else the first.
func (o *origins) find(kind, name, namespace string) (found int) {
	found = -1
	var best written
	for i, w := range o.objects[kind] {
		longer, sameNamespace := len(w.name) > len(best.name), len(w.name) == len(best.name) && w.namespace == namespace && best.namespace != namespace
		if w.name != "" && strings.Contains(name, w.name) && (longer || sameNamespace) {
			found, best = i, w
		}
	}
	return found
}
