package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Services are the names of the programs that the overlays run.
func Services() []string { return []string{"front", "middle", "core", "clock", "bounced"} }

// CarriesPrograms reports whether the services' programs are in this build, as they are in every release.
func CarriesPrograms() bool { return len(programs) > 0 }

// Programs returns a directory that holds the services' programs as this build carries them. It is in the user's cache, named by its content,
// and is written on first use. It is an error to ask a build that carries none.
//
// The programs are files of their own rather than parts of hopline that it runs under other names: a process of a service then loads
// 15 MB of its own code, not kustomize and Istio's types as well, and a pod of the lab is the program that the image holds.
func Programs() (string, error) {
	if !CarriesPrograms() {
		return "", errors.New("this build of hopline carries no programs")
	}
	return cached("programs", programsSum, func(dir string) error { return unpack(programs, dir) })
}

// unpack writes the files of a tar.gz archive into dir as programs. It takes plain names of files only.
func unpack(archive []byte, dir string) error {
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || header.Name != filepath.Base(header.Name) || !filepath.IsLocal(header.Name) {
			return fmt.Errorf("archive of programs: want plain files, got %q", header.Name)
		}
		if err := writeProgram(filepath.Join(dir, header.Name), files); err != nil {
			return err
		}
	}
}

func writeProgram(path string, from io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Close())
}
