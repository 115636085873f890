package overlay

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/kio"
)

// LoadFiles decodes the objects in files of YAML or JSON, as strictly as Load does. For a directory it reads the files in it, not below it,
// whose names end in .yaml, .yml or .json; "-" is stdin. All problems are reported together, in a *Report.
func LoadFiles(names []string, stdin io.Reader) (*Overlay, error) {
	report := new(Report)
	o := &Overlay{}
	var objects []map[string]any
	for _, name := range names {
		for _, f := range filesOf(name, report) {
			content, err := readManifest(f, stdin)
			if err != nil {
				report.Add(f, "", "%v", err)
				continue
			}
			objects = append(objects, documents(f, content, report)...)
		}
	}
	if report.Err() != nil {
		return o, report.Err()
	}
	decode(o, objects, doubts{}, report)
	return o, report.Err()
}

// filesOf returns the files that a name refers to.
func filesOf(name string, report *Report) []string {
	info, err := os.Stat(name)
	switch {
	case name == "-":
		return []string{name}
	case err != nil:
		report.Add(name, "", "%v", err)
		return nil
	case !info.IsDir():
		return []string{name}
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		report.Add(name, "", "%v", err)
	}
	var files []string
	for _, e := range entries {
		switch e.Name() {
		case "kustomization.yaml", "kustomization.yml":
			report.Add(name, "", "want a directory of plain files, got one with a %s: want it as an overlay", e.Name())
			return nil
		}
		if !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	if len(files) == 0 {
		report.Add(name, "", "want files whose names end in .yaml, .yml or .json, got a directory without any")
	}
	return files
}

// readManifest reads a file, or stdin for "-", up to maxFile bytes.
func readManifest(name string, stdin io.Reader) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		stdin = file
	}
	content, err := io.ReadAll(io.LimitReader(stdin, maxFile+1))
	if len(content) > maxFile {
		err = fmt.Errorf("want at most %d bytes", maxFile)
	}
	return content, err
}

// documents decodes the objects of one file as JSON values.
func documents(name string, content []byte, report *Report) []map[string]any {
	nodes, err := (&kio.ByteReader{Reader: bytes.NewReader(content), OmitReaderAnnotations: true}).Read()
	if err != nil {
		report.Add(name, "", "%v", err)
		return nil
	}
	var objects []map[string]any
	for _, n := range nodes {
		var decoded any
		err := n.YNode().Decode(&decoded)
		if err == nil {
			decoded, err = asJSON(decoded)
		}
		object, ok := decoded.(map[string]any)
		switch {
		case err != nil:
			report.Add(name, "", "%v", err)
		case !ok:
			report.Add(name, "", "want objects of Kubernetes, got %v", decoded)
		default:
			objects = append(objects, object)
		}
	}
	return objects
}
