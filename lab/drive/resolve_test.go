package drive

import (
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

// TestMistypedWorkload checks that the message suggests the workload that was probably meant, also behind a namespace.
func TestMistypedWorkload(t *testing.T) {
	t.Parallel()
	o := &overlay.Overlay{}
	for _, name := range []string{"core-prod", "middle-canary"} {
		o.Deployments = append(o.Deployments, overlay.Deployment{Meta: overlay.Meta{Namespace: "hopline", Name: name}})
	}
	for name, want := range map[string]string{
		"core-prd": "; did you mean core-prod?", "hopline/midle-canary": "; did you mean middle-canary?", "hopline/nobody": `, got "hopline/nobody"`,
	} {
		if _, err := findWorkload(o, name); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s at the end", name, err, want)
		}
	}
}
