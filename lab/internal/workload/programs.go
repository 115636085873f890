package workload

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/overlay"
)

// Programs finds the programs that run in place of images.
type Programs struct {
	Bin   string  // directory of the suite's programs, and of others, named after the images
	Given []Given // for other images; they come first
}

// suite lists the suite's programs. Images are named after them.
var suite = []string{player, "clock", "core", "front", "middle"}

func isSuite(image string) bool { return slices.Contains(suite, ImageProgram(image)) }

// Has reports whether there is a program for an image: a given one, an image …/hopline/NAME of the suite, or one whose program is
// in Bin under another name than those of the suite.
func (p Programs) Has(image string) bool {
	if p.given(image) != nil {
		return true
	}
	if isSuite(image) {
		return path.Base(path.Dir(image)) == "hopline"
	}
	_, err := p.find(image)
	return err == nil
}

// program is what runs in place of an image.
type program struct {
	file  string // absolute path
	given *Given // nil for a program of Bin
}

// find returns the program for an image.
func (p Programs) find(image string) (program, error) {
	if g := p.given(image); g != nil {
		return program{g.file, g}, nil
	}
	name := ImageProgram(image)
	file, err := filepath.Abs(filepath.Join(p.Bin, name+child.Suffix))
	if err != nil {
		return program{}, err
	}
	info, err := os.Stat(file)
	switch {
	case name != "" && err == nil && info.Mode().IsRegular():
		return program{file: file}, nil
	case isSuite(image):
		return program{}, fmt.Errorf("the lab runs image %s as the program %s, which is not there", name, file)
	}
	return program{}, fmt.Errorf("no program %s: the lab runs no images, only the suite's own programs (%s) and other programs in %s; hopline up --program %s=COMMAND runs a program of this machine in its place; hopline up --stand-in plays any other%s",
		name, strings.Join(suite, ", "), filepath.Dir(file), name, nearest.DidYouMean(name, suite))
}

// orBuilt is find for a check: it accepts the suite's own programs before they exist, because they can be built.
func (p Programs) orBuilt(image string) (program, error) {
	if p.given(image) == nil && isSuite(image) {
		return program{}, nil
	}
	return p.find(image)
}

// ImageProgram returns the last element of an image's path without tag and digest: "front" for "localhost:5001/hopline/front:dev".
func ImageProgram(image string) string {
	name := path.Base(image)
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Needs returns the names of the programs of Bin that the workloads of an overlay run, sorted.
func (p Programs) Needs(o *overlay.Overlay) []string {
	var names []string
	for _, d := range o.Deployments {
		sp := newSpec(o, d, p.orBuilt, o.Report())
		for _, c := range slices.Concat(sp.init, sp.containers) {
			if c.program.given == nil {
				names = append(names, ImageProgram(c.Image))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Of returns the Deployments of an overlay, namespace/name, that have a container with a given program.
func (p Programs) Of(o *overlay.Overlay) (names []string) {
	for _, d := range o.Deployments {
		if slices.ContainsFunc(d.Pod.Containers, func(c overlay.Container) bool { return p.given(c.Image) != nil }) {
			names = append(names, d.Namespace+"/"+d.Name)
		}
	}
	return names
}

// Unused returns an error if no Deployment of an overlay has a container with the image of one of the given programs.
func (p Programs) Unused(o *overlay.Overlay) error {
	var images []string
	used := map[*Given]bool{}
	for _, d := range o.Deployments {
		for _, c := range slices.Concat(d.Pod.Init, d.Pod.Containers) {
			images = append(images, c.Image)
			used[p.given(c.Image)] = true
		}
	}
	slices.Sort(images)
	images = slices.DeleteFunc(slices.Compact(images), func(image string) bool { return image == "" }) // of what a stand-in plays
	for i := range p.Given {
		if g := &p.Given[i]; !used[g] {
			return fmt.Errorf("--program %s=…: want the image of a container of a Deployment, or its last path elements; there are %s", g.Image, strings.Join(images, ", "))
		}
	}
	return nil
}
