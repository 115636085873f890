package kubectl

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The error without kubectl says what is missing. What kubectl itself says about a cluster is tested with a real one, in test/deploy.
func TestNoKubectl(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Objects(t.Context(), "prod")
	if err == nil || !strings.HasPrefix(err.Error(), "context prod: want kubectl in PATH: ") {
		t.Errorf("got %v", err)
	}
}

// TestGatewayAPI: where the cluster has the Gateway API, its Gateways and ReferenceGrants are read together with its routes, which have no
// effect without them. The program in place of kubectl prints what it is called with.
func TestGatewayAPI(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	dir := t.TempDir()
	found := append([]string{"gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io", "referencegrants.gateway.networking.k8s.io"}, needed...)
	script := "#!/bin/sh\ncase \"$*\" in *api-resources*) echo '" + strings.Join(found, "\n") + "' ;; *) echo \"$*\" ;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "kubectl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	called, err := Objects(t.Context(), "prod")
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range found {
		if !strings.Contains(strings.ReplaceAll(string(called), " ", ","), ","+resource+",") {
			t.Errorf("%s is not read: %s", resource, called)
		}
	}
}
