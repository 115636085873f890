package convert

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

// write writes each object to a file of a directory that is new or empty. If the rules are one directory with a kustomization, the directory
// is an overlay over it, which deletes what is replaced.
func (r *Result) write(dir string, from []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: want a directory that does not exist or is empty, got one with %s", dir, entries[0].Name())
	}
	over := len(from) == 1 && rules.IsPath(from[0]) && overlay.HasKustomization(from[0])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var files []string
	for _, o := range r.Objects {
		if over && o.stays {
			continue
		}
		text, err := o.yaml()
		if err != nil {
			return err
		}
		files = append(files, o.fileName())
		if err := os.WriteFile(filepath.Join(dir, o.fileName()), text, 0o644); err != nil {
			return err
		}
	}
	if !over {
		return nil
	}
	text, err := r.kustomization(dir, from[0], files)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o644)
}

// kustomization returns the file of an overlay over another directory.
func (r *Result) kustomization(dir, base string, files []string) ([]byte, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	base, err = filepath.Abs(base)
	if err != nil {
		return nil, err
	}
	relative, err := filepath.Rel(absolute, base)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Written by hopline convert: the rules of the first directory as HTTPRoutes, and its subsets as Services.\n" +
		"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	fmt.Fprintf(&b, "  - %s\n", filepath.ToSlash(relative))
	for _, name := range files {
		fmt.Fprintf(&b, "  - %s\n", name)
	}
	b.WriteString("patches:\n")
	for _, m := range r.Replaced {
		b.WriteString(patch(m, "      $patch: delete\n      apiVersion: "+m.APIVersion+"\n      kind: "+m.Kind+"\n      metadata: {name: replaced}\n"))
	}
	for _, m := range r.Reduced {
		b.WriteString(patch(m, "      - {op: remove, path: /spec/subsets}\n"))
	}
	return b.Bytes(), nil
}

// patch returns an entry of patches for one object.
func patch(m overlay.Meta, text string) string {
	group, _, _ := strings.Cut(m.APIVersion, "/")
	return fmt.Sprintf("  - target: {group: %s, kind: %s, namespace: %s, name: %s}\n    patch: |\n%s", group, m.Kind, m.Namespace, regexp.QuoteMeta(m.Name), text)
}
