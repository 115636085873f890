package overlay

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/placeholder"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"sigs.k8s.io/kustomize/api/konfig"
)

// kustomization lists the supported fields of a kustomization file. Fields that run a program, fetch something, or are deprecated in
// kustomize are refused.
type kustomization struct {
	APIVersion string   `field:"apiVersion"`
	Kind       string   `field:"kind"`
	Metadata   anything `field:"metadata"`

	Resources          []string             `field:"resources"`
	Components         []string             `field:"components"`
	Patches            []patch              `field:"patches"`
	Replacements       []replacement        `field:"replacements"`
	ConfigMapGenerator []configMapGenerator `field:"configMapGenerator"`

	Namespace         anything `field:"namespace"`
	NamePrefix        anything `field:"namePrefix"`
	NameSuffix        anything `field:"nameSuffix"`
	Labels            anything `field:"labels"`
	CommonAnnotations anything `field:"commonAnnotations"`
	Images            anything `field:"images"`
	Replicas          anything `field:"replicas"`
	GeneratorOptions  anything `field:"generatorOptions"`
	SortOptions       anything `field:"sortOptions"`
	BuildMetadata     anything `field:"buildMetadata"`

	HelmCharts      anything `field:"helmCharts,refused" why:"a chart is fetched and rendered by another program"`
	HelmGlobals     anything `field:"helmGlobals,refused" why:"a chart is fetched and rendered by another program"`
	HelmInflation   anything `field:"helmChartInflationGenerator,refused" why:"a chart is fetched and rendered by another program"`
	Generators      anything `field:"generators,refused" why:"plugins are programs"`
	Transformers    anything `field:"transformers,refused" why:"plugins are programs"`
	Validators      anything `field:"validators,refused" why:"plugins are programs"`
	Configurations  anything `field:"configurations,refused" why:"kustomize's own configuration is used as it is"`
	Crds            anything `field:"crds,refused" why:"the lab has no custom resources except Istio's"`
	OpenAPI         anything `field:"openapi,refused" why:"kustomize's own schema is used as it is"`
	SecretGenerator anything `field:"secretGenerator,refused" why:"files of secrets are rarely in a repository; write a Secret"`

	Bases                 anything `field:"bases,refused" why:"deprecated in kustomize; use resources"`
	CommonLabels          anything `field:"commonLabels,refused" why:"deprecated in kustomize; use labels"`
	ImageTags             anything `field:"imageTags,refused" why:"deprecated in kustomize; use images"`
	PatchesStrategicMerge anything `field:"patchesStrategicMerge,refused" why:"deprecated in kustomize; use patches"`
	PatchesJSON6902       anything `field:"patchesJson6902,refused" why:"deprecated in kustomize; use patches"`
	Vars                  anything `field:"vars,refused" why:"deprecated in kustomize; use replacements"`
}

type patch struct {
	Path    string   `field:"path"`
	Patch   string   `field:"patch"`
	Target  anything `field:"target"`
	Options anything `field:"options"`
}

type replacement struct {
	Path    string   `field:"path"`
	Source  anything `field:"source"`
	Targets anything `field:"targets"`
}

type configMapGenerator struct {
	Name      string   `field:"name"`
	Namespace anything `field:"namespace"`
	Behavior  anything `field:"behavior"`
	Options   anything `field:"options"`
	Literals  anything `field:"literals"`
	Files     []string `field:"files"`
	Envs      []string `field:"envs"`
	Env       string   `field:"env"`
}

// inspector walks from an overlay's kustomization file to all files that it refers to, before kustomize does. It refuses what the lab does
// not support, finds every file that is missing or not valid YAML, and marks valid kustomization files as readable for kustomize.
type inspector struct {
	disk    *snapshot.Disk
	report  *Report
	named   func(path string) string // a path as the user would write it
	seen    map[string]*inspected    // by directory; nil if there is nothing to render
	empty   []string                 // files of resources without any object
	lenient bool                     // see modernize

	resources map[string][]yamltext.Document // by file of objects
	data      map[string]struct{}            // files that are read as something else: a patch, an environment
	reach     placeholder.Reach              // of all kustomizations
}

func newInspector(disk *snapshot.Disk, report *Report, named func(path string) string) *inspector {
	return &inspector{disk: disk, report: report, named: named,
		reach: placeholder.Reach{Opaque: isIstioKind}, seen: map[string]*inspected{}, resources: map[string][]yamltext.Document{}, data: map[string]struct{}{}}
}

// inspected holds a kustomization file and its problems.
type inspected struct {
	path    string
	content map[string]any
	lists   kustomization // the content, decoded
	bad     map[part]bool
	below   map[part]*inspected // directories that its entries refer to
}

// part is a field of a kustomization file, or one element of it.
type part struct {
	field string
	index int // index in a list; -1: the whole field
}

// partOf returns the part that contains a path such as patches[3].target.
func partOf(path string) part {
	steps := fieldpath.Steps(path)
	if len(steps) == 0 {
		return part{}
	}
	if len(steps) > 1 {
		if i, err := strconv.Atoi(steps[1]); err == nil {
			return part{steps[0], i}
		}
	}
	return part{steps[0], -1}
}

// directory inspects the kustomization of one directory, once. It returns nil if there is none that can be read.
func (in *inspector) directory(dir string) *inspected {
	dir = in.disk.Resolve(dir)
	if k, ok := in.seen[dir]; ok {
		return k // a diamond, or a cycle, which kustomize reports
	}
	in.seen[dir] = nil

	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if path := filepath.Join(dir, name); in.disk.Exists(path) {
			found = append(found, path)
		}
	}
	switch len(found) {
	case 0:
		in.disk.Read(filepath.Join(dir, konfig.DefaultKustomizationFileName())) // so that it is watched
		in.report.Add(in.named(dir), "", "no kustomization.yaml in this directory")
	case 1:
		if !within(dir, in.disk.Resolve(found[0])) {
			in.report.Add(in.named(found[0]), "", "a link to a file outside this directory, which kustomize refuses")
			return nil
		}
		return in.file(dir, found[0])
	default:
		for _, path := range found {
			in.disk.Read(path)
		}
		in.report.Add(in.named(dir), "", "want one kustomization file, got %s and %s", filepath.Base(found[0]), filepath.Base(found[1]))
	}
	return nil
}

// file inspects one kustomization file.
func (in *inspector) file(dir, path string) *inspected {
	docs, ok := in.yaml(path)
	if !ok {
		return nil
	}
	if len(docs) != 1 {
		in.report.Add(in.named(path), "", "want one YAML document, got %d", len(docs))
		return nil
	}
	if in.lenient {
		in.modernize(path, docs[0].Value)
	}
	var k kustomization
	before := len(in.report.Problems)
	s := strict{report: in.report, object: in.named(path), unenforced: map[string]struct{}{}}
	s.decode("", docs[0].Value, reflect.ValueOf(&k).Elem())
	content, ok := docs[0].Value.(map[string]any)
	if !ok {
		return nil
	}
	found := &inspected{path: path, content: content, lists: k, bad: map[part]bool{}, below: map[part]*inspected{}}
	for _, p := range in.report.Problems[before:] {
		found.bad[partOf(p.Path)] = true
	}
	in.seen[dir] = found
	in.entries(dir, found, k)
	if len(found.bad) == 0 {
		in.disk.Clear(path)
		in.reach.Add(content, func(name string) []byte { return in.disk.Read(filepath.Join(dir, name)).Content })
	}
	return found
}

// entries inspects all entries of a kustomization file.
func (in *inspector) entries(dir string, from *inspected, k kustomization) {
	look := func(at, entry string, r role) {
		if !in.entry(dir, from, at, entry, r) {
			from.bad[partOf(at)] = true
		}
	}
	for i, r := range k.Resources {
		look(fmt.Sprintf("resources[%d]", i), r, fileOrDirectory)
	}
	for i, c := range k.Components {
		look(fmt.Sprintf("components[%d]", i), c, directoryOnly)
	}
	for i, p := range k.Patches {
		if p.Path != "" {
			look(fmt.Sprintf("patches[%d].path", i), p.Path, yamlFile)
		}
		// Kustomize itself would follow aliases of aliases without limit.
		if _, err := yamltext.Parse([]byte(p.Patch)); err != nil {
			in.report.Add(in.named(from.path), fmt.Sprintf("patches[%d].patch", i), "%s", yamltext.Reason(err))
			from.bad[part{"patches", i}] = true
		}
	}
	for i, r := range k.Replacements {
		if r.Path != "" {
			look(fmt.Sprintf("replacements[%d].path", i), r.Path, yamlFile)
		}
	}
	for i, g := range k.ConfigMapGenerator {
		at := fmt.Sprintf("configMapGenerator[%d]", i)
		for j, f := range g.Files {
			if _, name, keyed := strings.Cut(f, "="); keyed {
				f = name
			}
			look(fmt.Sprintf("%s.files[%d]", at, j), f, plainFile)
		}
		for j, f := range g.Envs {
			look(fmt.Sprintf("%s.envs[%d]", at, j), f, plainFile)
		}
		if g.Env != "" {
			look(at+".env", g.Env, plainFile)
		}
	}
}

// role is the kind of target that an entry of a kustomization file may have.
type role int

const (
	fileOrDirectory role = iota
	directoryOnly
	yamlFile
	plainFile
)

// entry inspects the target of one entry: a file or another directory, on this disk. It reports whether kustomize can read it.
func (in *inspector) entry(dir string, from *inspected, at, entry string, r role) bool {
	object := in.named(from.path)
	target := filepath.Join(dir, entry)
	switch {
	case entry == "":
		in.report.Add(object, at, "empty, want a path")
	case remote(entry):
		in.report.Add(object, at, "%s is remote: the lab fetches nothing; copy it beside the overlay", fieldpath.Quote(entry))
	case filepath.IsAbs(entry):
		in.report.Add(object, at, "%s is absolute, want a relative path", fieldpath.Quote(entry))
	case in.disk.IsDir(target):
		if r == fileOrDirectory || r == directoryOnly {
			from.below[partOf(at)] = in.directory(target)
			_, known := in.seen[in.disk.Resolve(target)]
			return known && (in.seen[in.disk.Resolve(target)] != nil)
		}
		in.report.Add(object, at, "%s is a directory, want a file", fieldpath.Quote(entry))
	case !in.disk.Exists(target):
		in.disk.Read(target) // so that it is watched
		in.report.Add(object, at, "%s does not exist%s", fieldpath.Quote(entry), nearest.DidYouMean(filepath.Base(entry), beside(target)))
	case r == directoryOnly:
		in.report.Add(object, at, "%s is a file, want a directory with a kustomization.yaml", fieldpath.Quote(entry))
	case !within(dir, in.disk.Resolve(target)):
		// Kustomize's own restriction (LoadRestrictionsRootOnly), checked before anything is read.
		in.report.Add(object, at, "%s is not below this directory: kustomize reads files only from there, and directories from anywhere", fieldpath.Quote(entry))
	default:
		return in.target(object, at, target, r)
	}
	return false
}

// beside returns the names of the files and directories beside a path.
func beside(path string) (names []string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// within reports whether a path is below a directory.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// target inspects the file that an entry refers to.
func (in *inspector) target(object, at, target string, r role) bool {
	f := in.disk.Read(target)
	switch {
	case f.Err != nil:
		in.report.Add(object, at, "%v", f.Err)
	case r == fileOrDirectory:
		return in.objects(target)
	default:
		in.data[in.disk.Resolve(target)] = struct{}{}
		if r == plainFile {
			return true
		}
		_, ok := in.yaml(target)
		return ok
	}
	return false
}

// objects inspects a file of objects. For an object without a kind or a name kustomize would not even report the file.
func (in *inspector) objects(path string) bool {
	docs, good := in.yaml(path)
	in.resources[in.disk.Resolve(path)] = docs
	if good && len(docs) == 0 {
		in.empty = append(in.empty, in.named(path))
	}
	for i, doc := range docs {
		at := ""
		if len(docs) > 1 {
			at = fmt.Sprintf("document %d", i+1)
		}
		object, ok := doc.Value.(map[string]any)
		if !ok {
			in.report.Add(in.named(path), at, "want an object of Kubernetes, got %s", describe(doc.Value))
			good = false
			continue
		}
		if reason := unnamed(object); reason != "" {
			in.report.Add(in.named(path), at, "%s", reason)
			good = false
		}
	}
	return good
}

// unnamed returns what an object lacks to be identified: its kind or its name; empty if it has both. A list has items with their own names.
func unnamed(object map[string]any) string {
	m := metaOf(object)
	switch {
	case m.Kind == "":
		return "the object has no kind"
	case m.Name == "" && !strings.HasSuffix(m.Kind, "List"):
		return fmt.Sprintf("the %s has no metadata.name", m.Kind)
	}
	return ""
}

// yaml parses a file and reports where it is not valid YAML.
func (in *inspector) yaml(path string) (docs []yamltext.Document, ok bool) {
	f := in.disk.Read(path)
	if f.Err != nil {
		in.report.Add(in.named(path), "", "%v", f.Err)
		return nil, false
	}
	docs, err := yamltext.Parse(f.Content)
	if err != nil {
		line, reason := yamltext.Mistake(f.Content, err)
		in.report.Problems = append(in.report.Problems, Problem{File: in.named(path), Line: line, Object: in.named(path), Reason: reason})
	}
	return docs, err == nil
}

// userAt matches the beginning of ssh addresses of git repositories, as in kustomize's internal/git/repospec.go.
var userAt = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// remote reports whether kustomize would treat an entry as an address to fetch from. It follows kustomize's IsRemoteFile and
// NewRepoSpecFromURL, and returns true where those check more precisely.
func remote(entry string) bool {
	e := strings.ToLower(entry)
	for _, prefix := range []string{"http:", "https:", "ssh:", "file:", "git:", "github.com/", "github.com:"} {
		if strings.HasPrefix(e, prefix) {
			return true
		}
	}
	return strings.Contains(e, "://") || userAt.MatchString(e)
}

// reduce lets kustomize read placeholders instead of the objects that were inspected.
func (in *inspector) reduce(reduced *placeholder.Set) {
	for path, docs := range in.resources {
		if _, otherwise := in.data[path]; otherwise {
			continue
		}
		if content, ok := reduced.Reduce(in.disk.Files[path].Content, docs, in.reach); ok {
			in.disk.Reduced[path] = content
		}
	}
}

// isIstioKind reports whether a kind has an Istio specification.
func isIstioKind(name string) bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.name == name && k.spec != nil })
}
