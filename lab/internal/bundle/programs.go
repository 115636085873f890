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

// Services returns the names of the programs that the overlays run.
func Services() []string { return []string{"front", "middle", "core", "clock", "bounced"} }

// CarriesPrograms reports whether this build contains the services' programs, as every release does.
func CarriesPrograms() bool { return len(programs) > 0 }

// Programs returns a directory with the services' programs that this build contains. It is in the user's cache, named by a hash of its
// content, and is written on first use. It returns an error if the build contains none.
//
// They are one program, services/suite, and a link to it for each service. It is not hopline itself, so a process of a service does not load
// kustomize and Istio's types.
func Programs() (string, error) {
	if !CarriesPrograms() {
		return "", errors.New("this build of hopline contains no programs")
	}
	return cached("programs", programsSum, func(dir string) error {
		if err := unpack(programs, dir); err != nil {
			return err
		}
		return Link(dir)
	})
}

// unpack writes the files of a tar.gz archive into dir as programs. It accepts only plain file names.
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
