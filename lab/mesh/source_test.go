package mesh

import (
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

// The test checks which pods get a sidecar: by the selectors of Istio's webhook, then by the injector itself.
func TestWhoHasASidecar(t *testing.T) {
	t.Parallel()
	type keys = map[string]string
	const inject = "sidecar.istio.io/inject"
	on, off, revision := keys{"istio-injection": "enabled"}, keys{"istio-injection": "disabled"}, keys{"istio.io/rev": "default"}
	for name, c := range map[string]struct {
		namespace, labels, annotations keys
		noSidecar                      bool
	}{
		"no label":                                          {nil, nil, nil, true},
		"the namespace is enabled":                          {on, nil, nil, false},
		"the namespace is enabled by a revision":            {revision, nil, nil, false},
		"the namespace is enabled by both":                  {keys{"istio-injection": "enabled", "istio.io/rev": "x"}, nil, nil, false},
		"disabled has precedence over a revision":           {keys{"istio-injection": "disabled", "istio.io/rev": "x"}, nil, nil, true},
		"the namespace is disabled":                         {off, keys{inject: "true"}, nil, true},
		"the namespace is disabled, the pod has a revision": {off, keys{"istio.io/rev": "x"}, nil, true},
		"an unknown value":                                  {keys{"istio-injection": "yes"}, keys{inject: "true"}, nil, true},
		"the pod requests a sidecar":                        {nil, keys{inject: "true"}, nil, false},
		"the pod has a revision":                            {nil, keys{"istio.io/rev": "x"}, nil, false},
		"the pod has a revision and opts out":               {nil, keys{"istio.io/rev": "x", inject: "false"}, nil, true},
		"the pod opts out":                                  {on, keys{inject: "false"}, nil, true},
		"the pod opts out of a revision":                    {revision, keys{inject: "false"}, nil, true},
		"the pod has another value":                         {on, keys{inject: "maybe"}, nil, false},
		"only the pod has a label, of another value":        {nil, keys{inject: "maybe"}, nil, true},
		"the annotation opts out":                           {on, nil, keys{inject: "false"}, true},
		"the annotation opts out of a revision":             {revision, nil, keys{inject: "false"}, true},
		"the label has precedence over the annotation":      {on, keys{inject: "true"}, keys{inject: "false"}, false},
		"the webhook is not called for an annotation":       {nil, nil, keys{inject: "true"}, true},
		"the annotation has another value":                  {on, nil, keys{inject: "maybe"}, false},
	} {
		o := &overlay.Overlay{Namespaces: []overlay.Meta{{Name: "other"}, {Name: "one", Labels: c.namespace}}}
		d := overlay.Deployment{Meta: overlay.Meta{Namespace: "one", Name: "a"}, Pod: overlay.PodTemplate{Labels: c.labels, Annotations: c.annotations, ServiceAccount: "sa"}}
		src := SourceOf(o, d)
		want := "cluster.local/ns/one/sa/sa"
		if c.noSidecar {
			want = ""
		}
		if src.NoSidecar != c.noSidecar || src.Principal != want || src.Workload != "a" || src.Namespace != "one" {
			t.Errorf("%s: %+v", name, src)
		}
		if o.Namespaces = o.Namespaces[:1]; c.namespace == nil {
			if alone := SourceOf(o, d).NoSidecar; alone != src.NoSidecar {
				t.Errorf("%s: noSidecar %v without an object for the namespace, and %v with one", name, alone, src.NoSidecar)
			}
		}
		d.Namespace = "kube-system"
		o.Namespaces = []overlay.Meta{{Name: "kube-system", Labels: c.namespace}}
		if !SourceOf(o, d).NoSidecar {
			t.Errorf("%s: a sidecar in kube-system", name)
		}
	}
}

// Assumed names the assumed labels of a namespace if rules depend on them.
func TestAssumedNamespace(t *testing.T) {
	t.Parallel()
	const pods = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: shop}\nspec: {template: {metadata: {labels: {app: a}}}}"
	const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}"
	const policy = policyHead + "metadata: {name: p, namespace: shop}\nspec: {}"
	if got := compiled(t, pods, policy).Assumed(); !strings.HasPrefix(got, "no Namespace object for shop: ") {
		t.Errorf("got %q", got)
	}
	table := compiled(t, pods, policy)
	explanation := table.Explain(&Request{Method: "GET", Authority: "a", Path: "/", Port: 80}, &Source{Workload: "a", Namespace: "shop", NoSidecar: true})
	if got := explanation.String(); !strings.Contains(got, "\nassumed: no Namespace object for shop: ") {
		t.Errorf("got %s", got)
	}
	for _, documents := range [][]string{{pods, policy, namespace}, {pods}} {
		if got := compiled(t, documents...).Assumed(); got != "" {
			t.Errorf("got %q, want nothing", got)
		}
	}
}
