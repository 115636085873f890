package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/konfig"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// kustomization lists what a kustomization file may ask for. Whatever runs a program, fetches something, or is deprecated in
// kustomize is refused.
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
	Crds            anything `field:"crds,refused" why:"the lab has no custom resources but Istio's"`
	OpenAPI         anything `field:"openapi,refused" why:"kustomize's own schema is used as it is"`
	SecretGenerator anything `field:"secretGenerator,refused" why:"the lab has no secrets"`

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

// inspector walks from an overlay's kustomization file to all that it leads to, before kustomize does: it refuses what the lab
// does not do, finds every file that is missing or no YAML, and clears the kustomization files that are well.
type inspector struct {
	disk   *snapshot
	report *Report
	named  func(path string) string // a path as the user would write it
	seen   map[string]struct{}      // directories

	resources map[string][]document // of each file of objects
	data      map[string]struct{}   // files that are read as something else: a patch, an environment
	reach     reach                 // of all kustomizations
}

func newInspector(disk *snapshot, report *Report, named func(path string) string) *inspector {
	return &inspector{disk: disk, report: report, named: named,
		seen: map[string]struct{}{}, resources: map[string][]document{}, data: map[string]struct{}{}}
}

// directory inspects the kustomization of one directory, once.
func (in *inspector) directory(dir string) {
	dir = in.disk.resolve(dir)
	if _, ok := in.seen[dir]; ok {
		return // a diamond, or a cycle, which kustomize reports
	}
	in.seen[dir] = struct{}{}

	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if path := filepath.Join(dir, name); in.disk.Exists(path) {
			in.disk.read(path)
			found = append(found, path)
		}
	}
	switch len(found) {
	case 0:
		in.disk.read(filepath.Join(dir, konfig.DefaultKustomizationFileName())) // so that it is watched for
		in.report.Add(in.named(dir), "", "no kustomization.yaml in this directory")
	case 1:
		in.file(dir, found[0])
	default:
		in.report.Add(in.named(dir), "", "want one kustomization file, got %s and %s", filepath.Base(found[0]), filepath.Base(found[1]))
	}
}

// file inspects one kustomization file.
func (in *inspector) file(dir, path string) {
	before := len(in.report.Problems)
	docs, ok := in.yaml(path)
	if !ok {
		return
	}
	if len(docs) != 1 {
		in.report.Add(in.named(path), "", "want one YAML document, got %d", len(docs))
		return
	}
	var k kustomization
	s := strict{report: in.report, object: in.named(path), unenforced: map[string]struct{}{}}
	s.decode("", docs[0].value, reflect.ValueOf(&k).Elem())
	for i, r := range k.Resources {
		in.entry(dir, path, fmt.Sprintf("resources[%d]", i), r, fileOrDirectory)
	}
	for i, c := range k.Components {
		in.entry(dir, path, fmt.Sprintf("components[%d]", i), c, directoryOnly)
	}
	for i, p := range k.Patches {
		in.optional(dir, path, fmt.Sprintf("patches[%d].path", i), p.Path, yamlFile)
		// Kustomize itself would follow aliases of aliases without end.
		if _, err := parseYAML([]byte(p.Patch)); err != nil {
			in.report.Add(in.named(path), fmt.Sprintf("patches[%d].patch", i), "%s", yamlReason(err))
		}
	}
	for i, r := range k.Replacements {
		in.optional(dir, path, fmt.Sprintf("replacements[%d].path", i), r.Path, yamlFile)
	}
	for i, g := range k.ConfigMapGenerator {
		at := fmt.Sprintf("configMapGenerator[%d]", i)
		for j, f := range g.Files {
			if _, name, keyed := strings.Cut(f, "="); keyed {
				f = name
			}
			in.entry(dir, path, fmt.Sprintf("%s.files[%d]", at, j), f, plainFile)
		}
		for j, f := range g.Envs {
			in.entry(dir, path, fmt.Sprintf("%s.envs[%d]", at, j), f, plainFile)
		}
		in.optional(dir, path, at+".env", g.Env, plainFile)
	}
	if len(in.report.Problems) == before {
		in.disk.clear(path)
		in.reach.add(docs[0].value.(map[string]any), func(name string) []byte { return in.disk.read(filepath.Join(dir, name)).content })
	}
}

// role is what an entry of a kustomization file may lead to.
type role int

const (
	fileOrDirectory role = iota
	directoryOnly
	yamlFile
	plainFile
)

func (in *inspector) optional(dir, from, at, entry string, r role) {
	if entry != "" {
		in.entry(dir, from, at, entry, r)
	}
}

// entry inspects what one entry leads to: a file or another directory, on this disk.
func (in *inspector) entry(dir, from, at, entry string, r role) {
	object := in.named(from)
	switch {
	case entry == "":
		in.report.Add(object, at, "empty, want a path")
		return
	case remote(entry):
		in.report.Add(object, at, "%s is remote: the lab fetches nothing; copy it beside the overlay", quote(entry))
		return
	case filepath.IsAbs(entry):
		in.report.Add(object, at, "%s is absolute, want a relative path", quote(entry))
		return
	}
	target := filepath.Join(dir, entry)
	if in.disk.IsDir(target) {
		if r == fileOrDirectory || r == directoryOnly {
			in.directory(target)
		} else {
			in.report.Add(object, at, "%s is a directory, want a file", quote(entry))
		}
		return
	}
	f := in.disk.read(target)
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		in.report.Add(object, at, "%s does not exist", quote(entry))
	case f.err != nil:
		in.report.Add(object, at, "%v", f.err)
	case r == directoryOnly:
		in.report.Add(object, at, "%s is a file, want a directory with a kustomization.yaml", quote(entry))
	case r == fileOrDirectory:
		in.objects(target)
	default:
		in.data[in.disk.resolve(target)] = struct{}{}
		if r != plainFile {
			in.yaml(target)
		}
	}
}

// objects inspects a file of objects. Of one without a kind or a name kustomize would not even say which file it is in.
func (in *inspector) objects(path string) {
	docs, _ := in.yaml(path)
	in.resources[in.disk.resolve(path)] = docs
	for i, doc := range docs {
		at := ""
		if len(docs) > 1 {
			at = fmt.Sprintf("document %d", i+1)
		}
		object, ok := doc.value.(map[string]any)
		if !ok {
			in.report.Add(in.named(path), at, "want an object of Kubernetes, got %s", describe(doc.value))
			continue
		}
		kind, _ := object["kind"].(string)
		metadata, _ := object["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		if kind == "" {
			in.report.Add(in.named(path), at, "the object has no kind")
		} else if name == "" && !strings.HasSuffix(kind, "List") { // a list has items, with names of their own
			in.report.Add(in.named(path), at, "the %s has no metadata.name", kind)
		}
	}
}

// yaml parses a file and reports where it is no YAML.
func (in *inspector) yaml(path string) (docs []document, ok bool) {
	f := in.disk.read(path)
	if f.err != nil {
		in.report.Add(in.named(path), "", "%v", f.err)
		return nil, false
	}
	docs, err := parseYAML(f.content)
	if err != nil {
		in.report.Add(in.named(path), "", "%s", yamlReason(err))
	}
	return docs, err == nil
}

// yamlReason is a parser's error in one line.
func yamlReason(err error) string {
	message := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:")
	return strings.Join(strings.Fields(message), " ")
}

// document is one document of a file of YAML.
type document struct {
	value any // a JSON value with json.Number for numbers
	line  int // where it begins, from 1
}

// parseYAML gives the documents of a file.
func parseYAML(content []byte) (docs []document, err error) {
	d := kyaml.NewDecoder(bytes.NewReader(content))
	for {
		var node kyaml.Node
		var decoded any
		switch err := d.Decode(&node); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		if err := node.Decode(&decoded); err != nil {
			return nil, err
		}
		if decoded == nil {
			continue // nothing between two separators
		}
		v, err := asJSON(decoded)
		if err != nil {
			return nil, err
		}
		docs = append(docs, document{value: v, line: node.Content[0].Line})
	}
}

// asJSON makes a JSON value of what YAML was decoded to, with json.Number for numbers, so that none loses digits. Mappings and lists are
// changed in place.
func asJSON(decoded any) (any, error) {
	switch v := decoded.(type) {
	case nil, bool:
		return v, nil
	case int:
		return json.Number(strconv.Itoa(v)), nil
	case string:
		if utf8.ValidString(v) {
			return v, nil
		}
	case []any:
		for i, e := range v {
			var err error
			if v[i], err = asJSON(e); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		for key, e := range v {
			var err error
			if v[key], err = asJSON(e); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	return throughJSON(decoded)
}

// throughJSON makes a JSON value of what JSON has no type for, such as a time, as encoding/json does.
func throughJSON(decoded any) (v any, err error) {
	encoded, err := json.Marshal(decoded)
	if err != nil {
		return nil, errors.New("want texts as the keys of mappings, and finite numbers")
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// userAt is how ssh addresses of git repositories begin, as in kustomize's internal/git/repospec.go.
var userAt = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// remote says whether kustomize would take an entry for an address to fetch from. It follows kustomize's IsRemoteFile and
// NewRepoSpecFromURL, and where those look closer it says yes.
func remote(entry string) bool {
	e := strings.ToLower(entry)
	for _, prefix := range []string{"http:", "https:", "ssh:", "file:", "git:", "github.com/", "github.com:"} {
		if strings.HasPrefix(e, prefix) {
			return true
		}
	}
	return strings.Contains(e, "://") || userAt.MatchString(e)
}
