package overlay

import (
	"fmt"
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

	d := &decoding{overlay: o, report: report, unenforced: map[string]struct{}{}, seen: map[string]struct{}{}}
	// ConfigMaps first: the environment of containers is made of them.
	slices.SortStableFunc(objects, func(a, b map[string]any) int { return rank(a) - rank(b) })
	for _, m := range objects {
		d.object(m)
	}
	d.finish()
	if len(report.Problems) == 0 {
		checkReferences(o, report)
	}
	return o, report.Err()
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
	in := inspector{disk: disk, report: report, seen: map[string]struct{}{}, named: func(path string) string {
		// Paths are shown as if from where the user stands: the directory as typed, and from there to the file.
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return path
		}
		return filepath.ToSlash(filepath.Join(dir, rel))
	}}
	in.directory(root)
	if len(report.Problems) > 0 {
		return nil
	}

	resources, err := kustomize(disk, root)
	if err != nil {
		report.Add(filepath.ToSlash(dir), "", "%s", tidy(err.Error(), in.named))
		return nil
	}
	objects := make([]map[string]any, 0, resources.Size())
	for _, r := range resources.Resources() {
		encoded, err := r.MarshalJSON()
		if err != nil {
			report.Add(r.CurId().String(), "", "%v", err)
			continue
		}
		v, err := parseJSON(encoded)
		if err != nil {
			report.Add(r.CurId().String(), "", "%v", err)
			continue
		}
		if m, ok := v.(map[string]any); ok {
			objects = append(objects, m)
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

// absolute finds paths in kustomize's messages.
var absolute = regexp.MustCompile(`(?:[A-Za-z]:\\|/)[^\s'":,]+`)

// tidy puts kustomize's message in one line and shortens its paths to what the user would write.
func tidy(message string, named func(string) string) string {
	message = strings.Join(strings.Fields(message), " ")
	return absolute.ReplaceAllStringFunc(message, func(path string) string {
		if _, err := os.Lstat(path); err != nil {
			return path
		}
		return named(path)
	})
}

// decoding gathers the objects of one overlay.
type decoding struct {
	overlay    *Overlay
	report     *Report
	unenforced map[string]struct{}
	seen       map[string]struct{} // objects, to find those that are there twice
}

func (d *decoding) finish() {
	for f := range d.unenforced {
		d.overlay.NotEnforcedFields = append(d.overlay.NotEnforcedFields, f)
	}
	slices.Sort(d.overlay.NotEnforcedFields)
}
