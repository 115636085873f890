package bundle

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Build builds programs of a checkout into a directory. Sources are directories of the checkout: services/suite, lab/cmd/hopline. The program
// suite gets its links. The error has what the go command prints.
//
// The flags are those of `make build`, so that the go command compiles each package once for all.
func Build(ctx context.Context, checkout, dir string, sources ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", dir + string(filepath.Separator)}
	for _, source := range sources {
		args = append(args, "./"+source)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK="+filepath.Join(checkout, "go.work"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if slices.Contains(sources, "services/"+Suite) {
		return Link(dir)
	}
	return nil
}
