package overlay

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/yamltext"
	"github.com/hopline/hopline/lab/overlay/placeholder"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
)

// Check adds the problems of an overlay to a report. It must accept objects that are read only in part. If Whole returns false, it must not
// rely on what Load checks.
type Check func(*Overlay, *Report)

// Load renders the overlay in a directory and decodes and checks all its objects. It reads only files below and beside the directory; it
// uses no network and runs no programs.
//
// All problems are returned together, in a *Report: YAML errors, kustomize's messages, fields, references, and the results of further
// checks. The overlay is never nil: with an error it has no objects, but still holds Dir and Files, so that a watcher can wait until the
// files are corrected.
func Load(dir string, checks ...Check) (*Overlay, error) { return LoadAs(dir, nil, checks...) }

// LoadAs is Load, as if the files had the given contents. The files are named by absolute paths without symbolic links, as in
// Overlay.Files.
func LoadAs(dir string, files map[string][]byte, checks ...Check) (*Overlay, error) {
	report := new(Report)
	o := &Overlay{Dir: dir}
	abs, err := filepath.Abs(dir)
	if err != nil {
		report.Add(dir, "", "%v", err)
		return o, report.Err()
	}
	o.Dir = abs

	disk := snapshot.New()
	for path, content := range files {
		disk.Files[path] = snapshot.File{Content: content}
	}
	r := render(disk, dir, report, false)
	o.Files, o.sums = disk.Paths(), disk.Sums()
	if r.places == nil {
		return o, report.Err()
	}
	found := &Overlay{Dir: o.Dir, Files: o.Files, sums: o.sums, places: r.places, EmptyFiles: r.empty, rendered: r.objects}
	report.places = r.places
	found.complete(r.doubts, report, checks)
	if err := report.Err(); err != nil {
		return o, err
	}
	return found, nil
}

// complete decodes the rendered objects, adds them to the overlay and checks them.
func (o *Overlay) complete(doubts doubts, report *Report, checks []Check) {
	if o.Lenience != nil {
		o.completeLenient(report)
	} else {
		decode(o, slices.Clone(o.rendered), doubts, report)
	}
	for _, check := range checks {
		check(o, report)
		if o.broken != nil {
			half := new(Report)
			check(o.broken, half)
			report.Problems = append(report.Problems, o.broken.withoutRepeats(half.Problems)...)
		}
	}
}

// decode decodes rendered objects, adds them to the overlay, and checks them and their references.
func decode(o *Overlay, objects []map[string]any, doubts doubts, report *Report) {
	d := &decoding{overlay: o, report: report, unenforced: map[string]struct{}{}, seen: map[string]struct{}{}, doubts: doubts}
	// ConfigMaps and Secrets first: the environment and the files of containers depend on them.
	slices.SortStableFunc(objects, func(a, b map[string]any) int { return rank(a) - rank(b) })
	for _, m := range objects {
		d.object(m)
	}
	o.NotEnforcedFields = slices.Sorted(maps.Keys(d.unenforced))
	checkReferences(o, d.doubts, report)
}

func rank(object map[string]any) int {
	if object["kind"] == "ConfigMap" || object["kind"] == "Secret" {
		return 0
	}
	return 1
}

// rendering is held while kustomize runs: its library keeps the merge schema in package variables.
var rendering sync.Mutex

// renderedOverlay is the result of rendering an overlay.
type renderedOverlay struct {
	objects []map[string]any // as JSON values
	places  *places          // nil if nothing could be rendered
	doubts  doubts           // parts that were left out of objects
	empty   []string         // files of resources without any object
}

// render returns the objects of an overlay. If the overlay has mistakes, it returns the objects that can still be rendered. If lenient is
// set, it accepts deprecated fields of kustomization files, and leaves out secrets.
func render(disk *snapshot.Disk, dir string, report *Report, lenient bool) (out renderedOverlay) {
	info, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err):
		disk.Read(filepath.Join(dir, "kustomization.yaml")) // so that it is watched
		report.Add(dir, "", "no such overlay: want a directory with a kustomization.yaml%s", siblings(dir))
		return out
	case err != nil:
		report.Add(dir, "", "%v", err)
		return out
	case !info.IsDir():
		disk.Read(dir)
		report.Add(dir, "", "want a directory with a kustomization.yaml, got a file")
		return out
	}
	root := disk.Resolve(dir)
	in := newInspector(disk, report, func(path string) string {
		// Paths are shown relative to the user's working directory: the directory as typed, then the path to the file.
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return path
		}
		return filepath.ToSlash(filepath.Join(dir, rel))
	})
	in.lenient = lenient
	top := in.directory(root)
	report.places = &places{disk: disk, root: root, top: top, named: in.named}
	if top == nil {
		return out
	}
	out.empty = in.empty

	var resources resmap.ResMap
	reduced := new(placeholder.Set)
	if len(report.Problems) == 0 {
		in.reduce(reduced)
		resources, err = kustomize(disk, root)
	}
	if len(report.Problems) > 0 || err != nil {
		rest := partial{in: in, root: top, dir: root}
		resources, disk = rest.run()
		out.doubts = rest.doubts
	}
	if resources == nil {
		return out
	}
	out.places = &places{disk: disk.Amend(nil), root: root, top: top, named: in.named}
	out.objects = rendered(resources, reduced, report)
	return out
}

// rendered converts kustomize's result to JSON values.
func rendered(resources resmap.ResMap, reduced *placeholder.Set, report *Report) []map[string]any {
	objects := make([]map[string]any, 0, resources.Size())
	for _, r := range resources.Resources() {
		var decoded any
		err := r.YNode().Decode(&decoded) // its own MarshalJSON would write YAML and parse it again
		if err == nil {
			decoded, err = yamltext.JSON(decoded)
		}
		if err != nil {
			report.Add(r.CurId().String(), "", "%v", err)
			continue
		}
		if m, ok := decoded.(map[string]any); ok {
			objects = append(objects, reduced.Objects(m)...)
		}
	}
	return objects
}

// siblings suggests the overlays beside one that does not exist.
func siblings(dir string) string {
	var names []string
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if HasKustomization(filepath.Join(filepath.Dir(dir), e.Name())) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s; there are %s", nearest.DidYouMean(filepath.Base(dir), names), strings.Join(names, ", "))
}

// kustomize runs the library. A panic caused by an overlay becomes an error of the overlay: a saved file must not end the lab.
func kustomize(disk *snapshot.Disk, root string) (m resmap.ResMap, err error) {
	rendering.Lock()
	defer rendering.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize cannot render it: %v", p)
		}
	}()
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, root)
}

// The text that kustomize puts around the reason of an error.
var (
	notADirectory = regexp.MustCompile(`^.*accumulation err='(.*)': must build at directory: '[^']*': file is not directory$`)
	withConfig    = regexp.MustCompile("^trouble configuring builtin [A-Za-z]+ with config: `.*`: ")
	absolute      = regexp.MustCompile(`(?:[A-Za-z]:\\|/)[^\s'":,]+`)
)

// explain converts kustomize's error to a problem: one line, without the surrounding text, and with paths as the user would write them.
func explain(dir string, err error, named func(string) string) Problem {
	message := strings.Join(strings.Fields(err.Error()), " ")
	if m := notADirectory.FindStringSubmatch(message); m != nil {
		message = m[1] // kustomize tried to read a file, and then treated it as a directory
	}
	if i := strings.Index(message, "cycle detected"); i >= 0 {
		message = message[i:]
	}
	message = withConfig.ReplaceAllString(message, "")
	message = absolute.ReplaceAllStringFunc(message, func(path string) string {
		if _, err := os.Lstat(path); err != nil {
			return path
		}
		return named(path)
	})
	return Problem{Object: dir, Reason: message}
}

// decoding collects the objects of one overlay.
type decoding struct {
	overlay    *Overlay
	report     *Report
	unenforced map[string]struct{}
	seen       map[string]struct{} // objects, to find duplicates
	data       []Data              // the ConfigMaps and Secrets that were read so far, including broken ones
	doubts     doubts
	left       map[string]int // for Read: the number of fields that were left out, by name
	limits     []Problem      // for Read: what Istio accepts and the lab does not
}
