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

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
)

// Load renders the overlay in a directory and decodes every object of it. It reads files below and beside the directory and
// nothing else: no network, no programs.
//
// What is wrong is told all at once, in a *Report. The overlay is never nil: with an error it still holds Dir and Files, so that
// a watcher can wait for the files to be mended.
func Load(dir string) (*Overlay, error) {
	report := new(Report)
	o := &Overlay{Dir: dir}
	abs, err := filepath.Abs(dir)
	if err != nil {
		report.Add(dir, "", "%v", err)
		return o, report.Err()
	}
	o.Dir = abs

	disk := newSnapshot()
	objects := render(disk, dir, report)
	o.Files, o.sums = disk.paths(), disk.sums()
	if report.Err() != nil {
		return o, report.Err() // half an overlay would only give problems that are none
	}

	decode(o, objects, report)
	return o, report.Err()
}

// decode turns rendered objects into those of the overlay, and checks them and what they refer to.
func decode(o *Overlay, objects []map[string]any, report *Report) {
	d := &decoding{overlay: o, report: report, unenforced: map[string]struct{}{}, seen: map[string]struct{}{}}
	// ConfigMaps first: the environment of containers is made of them.
	slices.SortStableFunc(objects, func(a, b map[string]any) int { return rank(a) - rank(b) })
	for _, m := range objects {
		d.object(m)
	}
	o.NotEnforcedFields = slices.Sorted(maps.Keys(d.unenforced))
	if len(report.Problems) == 0 { // otherwise objects are missing that others refer to
		checkReferences(o, report)
	}
}

func rank(object map[string]any) int {
	if object["kind"] == "ConfigMap" {
		return 0
	}
	return 1
}

// rendering is held while kustomize runs: its library keeps the schema that it merges by in variables of its own.
var rendering sync.Mutex

// render gives the objects of an overlay as JSON values.
func render(disk *snapshot, dir string, report *Report) []map[string]any {
	info, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err):
		disk.read(filepath.Join(dir, "kustomization.yaml")) // so that it is watched for
		report.Add(dir, "", "no such overlay: want a directory with a kustomization.yaml")
		return nil
	case err != nil:
		report.Add(dir, "", "%v", err)
		return nil
	case !info.IsDir():
		disk.read(dir)
		report.Add(dir, "", "want a directory with a kustomization.yaml, got a file")
		return nil
	}
	root := disk.resolve(dir)
	in := newInspector(disk, report, func(path string) string {
		// Paths are shown as if from where the user stands: the directory as typed, and from there to the file.
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return path
		}
		return filepath.ToSlash(filepath.Join(dir, rel))
	})
	in.directory(root)
	if len(report.Problems) > 0 {
		return nil
	}

	standIns := newStandIns(in)
	resources, err := kustomize(disk, root)
	if err != nil {
		report.Problems = append(report.Problems, explain(filepath.ToSlash(dir), err, in.named))
		return nil
	}
	return rendered(resources, standIns, report)
}

// rendered gives what kustomize has made as JSON values.
func rendered(resources resmap.ResMap, standIns *standIns, report *Report) []map[string]any {
	objects := make([]map[string]any, 0, resources.Size())
	for _, r := range resources.Resources() {
		var decoded any
		err := r.YNode().Decode(&decoded) // its own MarshalJSON would write YAML and read it again
		if err == nil {
			decoded, err = asJSON(decoded)
		}
		if err != nil {
			report.Add(r.CurId().String(), "", "%v", err)
			continue
		}
		if m, ok := decoded.(map[string]any); ok {
			objects = append(objects, standIns.objects(m)...)
		}
	}
	return objects
}

// kustomize runs the library. Should an overlay make it panic, then that too is an error of the overlay: a saved file must not end
// the lab.
func kustomize(disk *snapshot, root string) (m resmap.ResMap, err error) {
	rendering.Lock()
	defer rendering.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize cannot render it: %v", p)
		}
	}()
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, root)
}

// The wrapping that kustomize puts around the reason of an error, and how it names an object that is there twice.
var (
	notADirectory = regexp.MustCompile(`^.*accumulation err='(.*)': must build at directory: '[^']*': file is not directory$`)
	withConfig    = regexp.MustCompile("^trouble configuring builtin [A-Za-z]+ with config: `.*`: ")
	registered    = regexp.MustCompile(`already registered id: ([A-Za-z]+)\.[^/]*/([^ ']+)\.([^ .']+)'?$`)
	absolute      = regexp.MustCompile(`(?:[A-Za-z]:\\|/)[^\s'":,]+`)
)

// explain makes a problem of kustomize's error: in one line, without its wrapping, and with paths as the user would write them.
func explain(dir string, err error, named func(string) string) Problem {
	message := strings.Join(strings.Fields(err.Error()), " ")
	if m := notADirectory.FindStringSubmatch(message); m != nil {
		message = m[1] // it tried to read a file, and then to take it for a directory
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
	if m := registered.FindStringSubmatch(message); m != nil {
		meta := Meta{Kind: m[1], Name: m[2], Namespace: m[3]}
		if meta.Namespace == "[noNs]" {
			meta.Namespace = ""
		}
		return Problem{Object: meta.String(), Reason: "is there twice"}
	}
	return Problem{Object: dir, Reason: message}
}

// decoding gathers the objects of one overlay.
type decoding struct {
	overlay    *Overlay
	report     *Report
	unenforced map[string]struct{}
	seen       map[string]struct{} // objects, to find those that are there twice
}
