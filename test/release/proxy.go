package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// publish writes a module of the clone's last commit into the proxy's directory, in the layout of https://go.dev/ref/mod#goproxy-protocol.
func (r *release) publish(name string) error {
	m := module.Version{Path: base + name, Version: r.version}
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	at := filepath.Join(r.proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]string{"Version": r.version})
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(r.dir, name, "go.mod"))
	if err != nil {
		return err
	}
	archive, err := os.Create(filepath.Join(at, r.version+".zip"))
	if err != nil {
		return err
	}
	return errors.Join(
		zip.CreateFromVCS(archive, m, r.dir, "HEAD", name),
		archive.Close(),
		os.WriteFile(filepath.Join(at, r.version+".info"), info, 0o644),
		os.WriteFile(filepath.Join(at, r.version+".mod"), mod, 0o644),
		os.WriteFile(filepath.Join(at, "list"), []byte(r.version+"\n"), 0o644),
	)
}
