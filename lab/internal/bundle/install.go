package bundle

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
)

// released matches a version that the go command can install: v1.2.3, with or without a suffix.
var released = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// Version returns the version of this program's module if the go command has fetched it, as `go install …@v1.2.3` does, or "".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || !released.MatchString(info.Main.Version) || info.Main.Sum == "" {
		return ""
	}
	return info.Main.Version
}

// Install returns a directory with the services' programs of a released version. The go command downloads and compiles them on first use;
// say is called before it starts. The directory is in the user's cache.
func Install(ctx context.Context, version string, say func(format string, args ...any)) (string, error) {
	return cached("programs", version, func(dir string) error {
		if _, err := exec.LookPath("go"); err != nil {
			return fmt.Errorf("the services' programs are missing, and so is the go command that would fetch them: %w", err)
		}
		say("fetching and compiling the services %s, once", version)
		cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags", "-s -w", "github.com/hopline/hopline/services/"+Suite+"@"+version)
		cmd.Dir = filepath.Dir(dir)
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOWORK=off", "CGO_ENABLED=0", "GOOS=", "GOARCH=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go install of the services %s: %w\n%s", version, err, out)
		}
		return Link(dir)
	})
}
