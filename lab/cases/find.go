package cases

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay/snapshot"
)

// Find returns the files of cases at some paths: a file, or those below a directory whose names end in _test.yaml or _test.yml.
func Find(paths []string) (found []string, err error) {
	for _, path := range paths {
		below, err := findBelow(path)
		if err != nil {
			return nil, err
		}
		found = append(found, below...)
	}
	for i := range found {
		found[i] = filepath.ToSlash(found[i])
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// findBelow returns a file, or the files of cases below a directory. It does not look into hidden directories.
func findBelow(path string) (found []string, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && at != path && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.IsDir() && snapshot.IsTestFile(entry.Name()):
			found = append(found, at)
		}
		return nil
	})
	return found, err
}
