package overlay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"sigs.k8s.io/kustomize/api/konfig"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Read decodes objects that others wrote, for their routing only. A name is a file of YAML or JSON, a directory, or "-" for stdin. A
// directory with a kustomization.yaml is rendered; of any other directory Read takes the files in it, not below it, whose names end in
// .yaml, .yml or .json, except test cases: those that end in _test.yaml or _test.yml. Lists are taken apart.
//
// Read is lenient where Load is strict: it leaves out what does not affect routing, and does not check references. Objects of Istio are
// decoded and checked as by Load, because Istio would not accept them either. All problems are reported together, in a *Report.
func Read(names []string, stdin io.Reader) (*Overlay, *Rest, error) {
	return collect(names, stdin).overlay(new(Overlay))
}

// ReadCluster decodes the objects of a whole cluster, as kubectl prints them: a List in YAML or JSON. It is like Read, and the overlay is
// complete. name is the cluster's name for messages.
func ReadCluster(name string, list io.Reader) (*Overlay, *Rest, error) {
	r := newReader(list)
	r.manifest(name, list, false)
	o, rest, err := r.overlay(&Overlay{Complete: true})
	o.places = nil // no file has the lines of this list
	return o, rest, err
}

func newReader(stdin io.Reader) *reader {
	return &reader{stdin: stdin, report: new(Report), rest: newRest(), sums: snapshot.Sums{},
		places: &places{disk: snapshot.New(), objects: map[string][]origin{}, named: func(path string) string { return path }}}
}

// overlay decodes what was read.
func (r *reader) overlay(o *Overlay) (*Overlay, *Rest, error) {
	r.report.places = r.places
	o.Lenient, o.places = true, r.places
	if r.report.Err() != nil {
		return o, r.rest, r.report.Err()
	}
	r.decode(o)
	r.rest.Subsets = routedSubsets(r.objects)
	return o, r.rest, r.report.Err()
}

// reader collects the objects of one call of Read, and decodes them.
type reader struct {
	stdin   io.Reader
	report  *Report
	rest    *Rest
	places  *places
	objects []map[string]any
	files   []string                // that were read, absolute
	sums    snapshot.Sums           // of the files, and of the directories that were listed
	runs    func(image string) bool // for LoadLenient: the images of pods that are run as their manifests state
}

// collect reads the objects of all names, and decodes nothing.
func collect(names []string, stdin io.Reader) *reader {
	r := newReader(stdin)
	for _, name := range names {
		r.input(name)
	}
	r.report.places = r.places
	maps.Copy(r.sums, r.places.disk.Sums()) // of symbolic links
	return r
}

// input reads one of the names.
func (r *reader) input(name string) {
	info, err := os.Stat(name)
	switch {
	case name == "-":
		r.file(name, false)
	case err != nil:
		r.report.Add(name, "", "%v", withoutPath(err))
	case !info.IsDir():
		r.file(name, false)
	case HasKustomization(name):
		r.kustomization(name)
	default:
		r.directory(name)
	}
}

// withoutPath returns the error of a file system without the operation and the path, which the object of a problem names.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// HasKustomization reports whether a directory has a kustomization file, under one of the names that kustomize accepts.
func HasKustomization(dir string) bool {
	return slices.ContainsFunc(konfig.RecognizedKustomizationFileNames(), func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}

// kustomization renders a directory.
func (r *reader) kustomization(dir string) {
	report := new(Report)
	disk := snapshot.New()
	rendered := render(disk, dir, report, true)
	r.files = append(r.files, disk.Paths()...)
	maps.Copy(r.sums, disk.Sums())
	r.places.more = append(r.places.more, report.places, rendered.places)
	if len(report.Problems) > 0 {
		r.report.Problems = append(r.report.Problems, report.Located()...)
		return
	}
	r.objects = append(r.objects, rendered.objects...)
}

// directory reads the files of a directory. It skips documents that are not objects of Kubernetes: settings of other programs are often
// beside the objects.
func (r *reader) directory(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.report.Add(dir, "", "%v", withoutPath(err))
	}
	r.watch(dir)
	found := false
	for _, e := range entries {
		if e.IsDir() || !snapshot.IsManifest(e.Name()) {
			continue
		}
		found = true
		r.file(filepath.Join(dir, e.Name()), true)
	}
	if !found {
		r.report.Add(dir, "", "want a kustomization.yaml, or files whose names end in .yaml, .yml or .json, got a directory without any")
	}
}

// watch records the current sum of a file or a directory before it is read: a change meanwhile is then one that a Watcher reports. It
// returns the path without symbolic links.
func (r *reader) watch(name string) (path string) {
	path = r.places.disk.Resolve(name)
	r.sums[path] = snapshot.Look(path)
	return path
}

// file reads the objects of one file, or of stdin for "-".
func (r *reader) file(name string, some bool) {
	if name == "-" {
		r.manifest(name, r.stdin, some)
		return
	}
	r.files = append(r.files, r.watch(name))
	file, err := os.Open(name)
	if err != nil {
		r.report.Add(name, "", "%v", withoutPath(err))
		return
	}
	defer func() { _ = file.Close() }()
	r.manifest(name, file, some)
}

// manifest reads the objects of an input.
func (r *reader) manifest(name string, from io.Reader, some bool) {
	content, err := readManifest(from)
	if err != nil {
		r.report.Add(name, "", "%v", err)
		return
	}
	if _, err := yamltext.Parse(content); err != nil { // it bounds aliases, and finds mistakes that a decoder of nodes does not find
		line, reason := yamltext.Mistake(content, err)
		if templated.Match(content) {
			reason += "; the file is a template: want its output, such as helm template CHART | hopline … -"
		}
		r.report.Problems = append(r.report.Problems, Problem{File: name, Line: line, Object: name, Reason: reason})
		return
	}
	before := len(r.objects)
	for _, node := range yamltext.Documents(content) {
		r.document(name, node, some)
	}
	switch {
	case len(r.objects) > before:
	case some:
		r.rest.Files = append(r.rest.Files, name)
	case len(yamltext.Documents(content)) == 0:
		r.report.Add(name, "", "want objects of Kubernetes, got an empty file")
	}
}

// templated matches a template of Helm.
var templated = regexp.MustCompile(`\{\{-?\s*[.a-z"$(]`)

// document adds the object of a YAML document, or the objects of a list. If some is set, it skips documents that are not objects.
func (r *reader) document(name string, node *kyaml.Node, some bool) {
	if items := yamltext.Child(node, "items"); items != nil && strings.HasSuffix(yamltext.Scalar(yamltext.Child(node, "kind")), "List") {
		for _, item := range yamltext.Elements(items) {
			r.document(name, item, false)
		}
		return
	}
	var decoded any
	err := node.Decode(&decoded)
	if err == nil {
		decoded, err = yamltext.JSON(decoded)
	}
	object, ok := decoded.(map[string]any)
	m := metaOf(object)
	switch {
	case err != nil:
		r.report.Problems = append(r.report.Problems, Problem{File: name, Line: node.Line, Object: name, Reason: yamltext.Reason(err)})
	case some && (m.APIVersion == "" || m.Kind == ""):
	case !ok || m.Kind == "" || m.Name == "" && isRead(m):
		r.report.Problems = append(r.report.Problems, Problem{File: name, Line: node.Line, Object: name,
			Reason: "want an object of Kubernetes, with a kind and a metadata.name"})
	default:
		r.objects = append(r.objects, object)
		id := identity(object)
		r.places.objects[id] = append(r.places.objects[id], origin{value: object, sources: []source{{file: name, node: node}}})
	}
}

// readManifest reads up to maxRead bytes.
func readManifest(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, maxRead+1))
	if len(content) > maxRead {
		err = fmt.Errorf("want at most %d bytes", maxRead)
	}
	return content, err
}

// maxRead bounds the size of one input in bytes: the objects of a whole cluster may be in it.
const maxRead = 256 << 20

// decode decodes all objects into an overlay.
func (r *reader) decode(o *Overlay) {
	d := &decoding{overlay: o, report: r.report, unenforced: map[string]struct{}{}, left: r.rest.Fields}
	seen := map[string]map[string]any{}
	for _, object := range r.objects {
		m, k, ok := r.kindOf(object)
		first, twice := seen[m.String()]
		switch {
		case twice && reflect.DeepEqual(first, object): // such as from two overlapping files
		case twice && ok:
			d.twice(m)
		case ok && r.isRun(object):
			d.strictly(func() { d.decodeAs(k, m, object) })
		case ok:
			d.decodeAs(k, m, object)
		case whyNotComputed(m) != "":
			r.rest.Foreign = append(r.rest.Foreign, Foreign{Meta: m, Object: object, Why: whyNotComputed(m)})
		default:
			r.rest.Kinds[m.Kind]++
			if mayCreatePods(m) {
				r.rest.Makers[m.Namespace] = m.String()
			}
		}
		seen[m.String()] = object
	}
	r.rest.Limits = d.limits
	o.NotEnforcedFields = slices.Sorted(maps.Keys(d.unenforced))
}

// kindOf returns the identity of an object, and the kind by which it is decoded. ok is false for an object that is not decoded.
func (r *reader) kindOf(object map[string]any) (m Meta, k kind, ok bool) {
	m = metaOf(object)
	k, ok = r.kind(m, object)
	switch {
	case k.clusterWide:
		m.Namespace = ""
	case m.Namespace == "":
		m.Namespace = "default" // as kubectl does
	}
	metadata, _ := object["metadata"].(map[string]any)
	if created, _ := metadata["creationTimestamp"].(string); created != "" {
		at, err := time.Parse(time.RFC3339, created)
		if err != nil {
			r.report.Add(m.String(), "metadata.creationTimestamp", "want a time such as 2026-01-31T12:00:00Z, got %s", fieldpath.Quote(created))
		}
		m.Created = at
	}
	if owned, _ := metadata["ownerReferences"].([]any); len(owned) > 0 && ok && r.hasOwner(m.Namespace, owned) {
		return m, k, false
	}
	return m, k, ok && !isExternalName(m, object)
}

// isRead reports whether Read decodes objects of a kind, or names them.
func isRead(m Meta) bool {
	_, ok := readKind(m)
	return ok || whyNotComputed(m) != ""
}

// hasOwner reports whether an owner of an object is read as well: a pod is then in its Deployment.
func (r *reader) hasOwner(namespace string, owners []any) bool {
	for _, o := range owners {
		owner, _ := o.(map[string]any)
		kind, _ := owner["kind"].(string)
		name, _ := owner["name"].(string)
		if len(r.places.objects[Meta{Kind: kind, Namespace: namespace, Name: name}.String()]) > 0 {
			return true
		}
	}
	return false
}

// isExternalName reports whether an object is a Service that is only another name of a host.
func isExternalName(m Meta, object map[string]any) bool {
	spec, _ := object["spec"].(map[string]any)
	return m.Kind == "Service" && spec["type"] == "ExternalName"
}

// whyNotComputed returns why an object of a kind that Hopline does not support is not computed, although it affects where requests are sent; "" for
// an object that does not affect that.
func whyNotComputed(m Meta) string {
	switch apiGroup := group(m.APIVersion); {
	case apiGroup == "networking.istio.io" && m.Kind == "EnvoyFilter":
		return "it changes Envoy's own configuration"
	case apiGroup == "extensions.istio.io":
		return "it extends Envoy with a program"
	case apiGroup == "security.istio.io" && m.Kind == "RequestAuthentication":
		return "tokens (JWT) are not checked"
	case apiGroup == GatewayAPI && m.Kind == "GRPCRoute":
		return "it replaces other rules for the Services that it is attached to"
	case apiGroup == GatewayAPI && m.Kind == "ListenerSet":
		return "it adds listeners to a Gateway"
	case apiGroup == "networking.k8s.io" && m.Kind == "Ingress":
		return "Istio's ingress gateway may serve it"
	case apiGroup == "" && m.Kind == "Service": // no other one is left out
		return "a Service of type ExternalName is another name of a host"
	}
	return ""
}
