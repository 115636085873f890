package rules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/kubectl"
	"github.com/hopline/hopline/lab/internal/revision"
	"github.com/hopline/hopline/lab/overlay"
)

// contextPrefix begins the name of a cluster.
const contextPrefix = "context:"

// InContext returns the name, for Read, of the cluster that a context of kubectl names.
func InContext(name string) string { return contextPrefix + name }

// IsPath reports whether a name is the path of a file or a directory, and not standard input, a revision or a cluster.
func IsPath(name string) bool {
	_, cluster := inContext(name)
	return name != "-" && !cluster && !revision.Named(name)
}

func inContext(name string) (cluster string, ok bool) {
	if _, err := os.Stat(name); err == nil {
		return "", false
	}
	return strings.CutPrefix(name, contextPrefix)
}

// shown returns a text with the paths of files as the user names them.
type shown func(text string) string

// asNamed is shown for files that were read by the user's own names.
func asNamed(text string) string { return text }

// problems returns an error with the paths of files as the user names them.
func (s shown) problems(err error) error {
	var report *overlay.Report
	if !errors.As(err, &report) {
		return err
	}
	problems := slices.Clone(report.Problems)
	for i := range problems {
		for _, text := range []*string{&problems[i].File, &problems[i].Object, &problems[i].Reason} {
			*text = s(*text)
		}
	}
	return &overlay.Report{Problems: problems}
}

// open reads the objects that names name.
func open(ctx context.Context, names []string, stdin io.Reader) (o *overlay.Overlay, rest *overlay.Rest, as shown, err error) {
	as = asNamed
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = name
		cluster, ok := inContext(name)
		switch {
		case ok && len(names) > 1:
			return nil, nil, as, fmt.Errorf("%s: want a cluster without other rules", name)
		case ok:
			list, err := kubectl.Objects(ctx, cluster)
			if err != nil {
				return nil, nil, as, err
			}
			o, rest, err := overlay.ReadCluster(name, bytes.NewReader(list))
			return o, rest, as, err
		case name != "-" && revision.Named(name):
			tree, err := revision.Checkout(ctx, name)
			if err != nil {
				return nil, nil, as, fmt.Errorf("%s: %w", name, err)
			}
			defer tree.Remove()
			paths[i] = tree.Path
			before := as
			as = func(text string) string { return tree.Named(before(text)) }
		}
	}
	o, rest, err = overlay.Read(paths, stdin)
	return o, rest, as, as.problems(err)
}
