package workload

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"mvdan.cc/sh/v3/shell"
)

// Given is a program that the user gives for an image, by --program IMAGE=COMMAND.
//
// Image matches an image of a manifest that is the same, or that is the same without its digest, or without its tag and digest. The registry and
// any leading path elements may be missing: podinfo matches ghcr.io/stefanprodan/podinfo:6.9.0.
//
// The words of Command are split and unquoted as a POSIX shell does it, but no shell runs. $NAME in the first word is a variable of hopline's
// environment, and in the others one of the container's.
type Given struct {
	Image   string
	Command string

	file string // absolute path of the program
}

// ParseGiven parses IMAGE=COMMAND. It reports a command whose program is not on this machine.
func ParseGiven(text string) (Given, error) {
	image, command, ok := strings.Cut(text, "=")
	g := Given{Image: strings.Trim(image, " /"), Command: strings.TrimSpace(command)}
	if !ok || g.Image == "" || g.Command == "" {
		return Given{}, fmt.Errorf("want IMAGE=COMMAND, got %q", text)
	}
	words, err := shell.Fields(g.Command, os.Getenv)
	switch {
	case err != nil:
		return Given{}, fmt.Errorf("%s: the command %q: %w", g.Image, g.Command, err)
	case len(words) == 0 || words[0] == "":
		return Given{}, fmt.Errorf("%s: the command %q: want a program, got nothing", g.Image, g.Command)
	}
	if g.file, err = lookUp(words[0]); err != nil {
		return Given{}, fmt.Errorf("%s: %w", g.Image, err)
	}
	return g, nil
}

// lookUp returns the absolute path of a program: a path, or a name that is in PATH.
func lookUp(name string) (string, error) {
	file, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(file)
}

// arguments returns the words of the command after the first, with the variables of a container.
func (g *Given) arguments(values map[string]string) ([]string, error) {
	words, err := shell.Fields(g.Command, func(name string) string { return values[name] })
	if err != nil || len(words) == 0 {
		return nil, err
	}
	return words[1:], nil
}

// matches reports whether the program runs in place of an image.
func (g *Given) matches(image string) bool {
	whole, _, _ := strings.Cut(image, "@")
	bare := whole
	if i := strings.LastIndexByte(whole, ':'); i > strings.LastIndexByte(whole, '/') {
		bare = whole[:i]
	}
	for _, name := range []string{image, whole, bare} {
		if name == g.Image || strings.HasSuffix(name, "/"+g.Image) {
			return true
		}
	}
	return false
}

// given returns the program that the user gives for an image: of several that match the one with the longest name; nil if none does.
func (p Programs) given(image string) (found *Given) {
	for i := range p.Given {
		if g := &p.Given[i]; g.matches(image) && (found == nil || len(g.Image) > len(found.Image)) {
			found = g
		}
	}
	return found
}
