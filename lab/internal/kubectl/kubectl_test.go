package kubectl

import (
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
