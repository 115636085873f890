// Pack writes the overlays of a directory deploy, and the files that they refer to, to its output as one archive.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/rogpeppe/go-internal/txtar"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pack DEPLOY")
		os.Exit(2)
	}
	archive, err := pack(os.DirFS(os.Args[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
	os.Stdout.Write(txtar.Format(archive))
}

// pack reads base, components and overlays.
func pack(deploy fs.FS) (*txtar.Archive, error) {
	archive := &txtar.Archive{Comment: []byte("The shipped overlays for tests: a copy of deploy/, made by `make deploy-copy`.\n")}
	for _, top := range []string{"base", "components", "overlays"} {
		err := fs.WalkDir(deploy, top, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if path.Ext(name) != ".yaml" { // skips files that an editor leaves beside others
				return nil
			}
			data, err := fs.ReadFile(deploy, name)
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: data})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return archive, nil
}
