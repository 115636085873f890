package mesh

import (
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

func TestWhoHasASidecar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		namespace, pod map[string]string // labels
		bare           bool
	}{
		"nothing is said":          {nil, nil, true},
		"the namespace is in":      {map[string]string{"istio-injection": "enabled"}, nil, false},
		"the namespace is out":     {map[string]string{"istio-injection": "disabled"}, map[string]string{"sidecar.istio.io/inject": "true"}, true},
		"the pod wants one":        {nil, map[string]string{"sidecar.istio.io/inject": "true"}, false},
		"the pod does not want it": {map[string]string{"istio-injection": "enabled"}, map[string]string{"sidecar.istio.io/inject": "false"}, true},
	} {
		o := &overlay.Overlay{Namespaces: []overlay.Meta{{Name: "other"}, {Name: "one", Labels: c.namespace}}}
		d := overlay.Deployment{Meta: overlay.Meta{Namespace: "one", Name: "a"}, Pod: overlay.PodTemplate{Labels: c.pod, ServiceAccount: "sa"}}
		src, bare := SourceOf(o, d)
		want := "cluster.local/ns/one/sa/sa"
		if c.bare {
			want = ""
		}
		if bare != c.bare || src.Principal != want || src.Workload != "a" || src.Namespace != "one" {
			t.Errorf("%s: %+v, bare %v", name, src, bare)
		}
	}
}
