package rules

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
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

// open reads the objects that names name.
func open(ctx context.Context, names []string, stdin io.Reader) (*overlay.Overlay, *overlay.Rest, error) {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = name
		cluster, ok := inContext(name)
		switch {
		case ok && len(names) > 1:
			return nil, nil, fmt.Errorf("%s: want a cluster without other rules", name)
		case ok:
			list, err := kubectl.Objects(ctx, cluster)
			if err != nil {
				return nil, nil, err
			}
			return overlay.ReadCluster(name, bytes.NewReader(list))
		case name != "-" && revision.Named(name):
			path, remove, err := revision.Checkout(ctx, name)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", name, err)
			}
			defer remove()
			paths[i] = path
		}
	}
	return overlay.Read(paths, stdin)
}
