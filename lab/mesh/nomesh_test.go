package mesh

import "testing"

// TestNoMesh checks that an overlay has no mesh only if it has no Istio object, not even one that the lab does not enforce.
func TestNoMesh(t *testing.T) {
	t.Parallel()
	const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: hopline}\n"
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"nothing of Istio":     {namespace, true},
		"mutual TLS":           {namespace + "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: hopline}\nspec: {mtls: {mode: STRICT}}\n", false},
		"an empty Sidecar":     {namespace + "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default, namespace: hopline}\nspec: {egress: [{hosts: [./*]}]}\n", false},
		"an authorization":     {namespace + "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: none, namespace: hopline}\nspec: {}\n", false},
		"a policy of networks": {namespace + "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: none, namespace: hopline}\nspec: {podSelector: {}}\n", true},
	} {
		if got := compiled(t, test.text).NoMesh(); got != test.want {
			t.Errorf("%s: NoMesh is %t, want %t", name, got, test.want)
		}
	}
}
