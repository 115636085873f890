package workload

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// Programs finds the programs that run in place of images.
type Programs struct {
	Bin string // directory of the suite's programs, and of others, named after the images
}

// suite lists the suite's programs. Images are named after them.
var suite = []string{player, "clock", "core", "front", "middle"}

func isSuite(image string) bool { return slices.Contains(suite, ImageProgram(image)) }

// Has reports whether there is a program for an image of anybody's: an image …/hopline/NAME of the suite, or one whose program is in Bin under
// another name than those of the suite.
func (p Programs) Has(image string) bool {
	if isSuite(image) {
		return path.Base(path.Dir(image)) == "hopline"
	}
	_, err := p.find(image)
	return err == nil
}

// find returns the file of the program for an image.
func (p Programs) find(image string) (string, error) {
	name := ImageProgram(image)
	file, err := filepath.Abs(filepath.Join(p.Bin, name+suffix))
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	switch {
	case name != "" && err == nil && info.Mode().IsRegular():
		return file, nil
	case isSuite(image):
		return "", fmt.Errorf("the lab runs image %s as the program %s, which is not there", name, file)
	}
	return "", fmt.Errorf("no program %s: the lab runs no images, only the suite's own programs (%s) and others that lie beside them in %s; hopline up --stand-in plays any other%s",
		name, strings.Join(suite, ", "), filepath.Dir(file), overlay.DidYouMean(name, suite))
}

// ImageProgram returns the last element of an image's path without tag and digest: "front" for "localhost:5001/hopline/front:dev".
func ImageProgram(image string) string {
	name := path.Base(image)
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Program returns the name of the program that runs a workload's pods.
func Program(d overlay.Deployment) string {
	if d.Pod.Played {
		return player
	}
	return ImageProgram(d.Pod.Container.Image)
}
