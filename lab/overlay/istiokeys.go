package overlay

import (
	"strings"

	"github.com/hopline/hopline/lab/istio"
)

// enforcedIstioKeys are the labels and annotations of Istio that have an effect in the lab, on a namespace, a Service or a pod.
var enforcedIstioKeys = map[string]bool{
	istio.RevisionLabel: true, istio.InjectLabel: true, istio.ExportToAnnotation: true,
	istio.CanonicalNameLabel: true, istio.CanonicalRevisionLabel: true,
}

// noteIstioKeys records labels or annotations that have an effect in Istio but not in the lab.
func (d *decoding) noteIstioKeys(keys map[string]string, what string) {
	for k := range keys {
		domain, _, _ := strings.Cut(k, "/")
		if (domain == "istio.io" || strings.HasSuffix(domain, ".istio.io")) && !enforcedIstioKeys[k] {
			d.unenforced["Istio's "+what+" "+k] = struct{}{}
		}
	}
}
