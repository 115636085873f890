package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Suite is the name of the program that contains all services. It runs the service that its file is named after.
const Suite = "suite"

// Suffix returns the end of a program's file name on this system: .exe or nothing.
func Suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// Link gives the program suite in dir the names of the services too, in place of other programs with these names. All processes of one file
// share the pages of its code in memory.
//
// The names are hard links: Windows permits them to every user, and the go command replaces one, and does not write through it, when it
// builds a service on its own. A file system without hard links gets copies.
func Link(dir string) error {
	suite := filepath.Join(dir, Suite+Suffix())
	content, err := os.Stat(suite)
	if err != nil {
		return err
	}
	for _, service := range Services() {
		name := filepath.Join(dir, service+Suffix())
		if old, err := os.Stat(name); err == nil && os.SameFile(old, content) {
			continue
		}
		if err := remove(name); err != nil {
			return err
		}
		if os.Link(suite, name) == nil {
			continue
		}
		if err := copyProgram(suite, name); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a program. Windows does not remove one that runs, but renames it.
func remove(program string) error {
	err := os.Remove(program)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if os.Rename(program, program+"~") == nil {
		return nil
	}
	return err
}

func copyProgram(from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	return writeProgram(to, file)
}
