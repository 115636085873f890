package convert

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// Every shipped overlay is converted so that no request goes elsewhere, or is rejected by name.
func TestShipped(t *testing.T) {
	t.Parallel()
	nothing := "want VirtualServices or subsets of DestinationRules to convert, got none"
	rejected := map[string]string{ // what the error has; the other overlays are converted
		"plain":       nothing,
		"gateway-api": nothing,
		"fault":       "VirtualService hopline/middle: spec.http[0].fault: want none: an HTTPRoute injects no faults",
		"retry":       "VirtualService hopline/bounced: spec.http[0].retries.retryOn: want all of connect-failure, refused-stream, cancelled, unavailable, and besides them only status codes from 400 to 599: istiod retries requests of an HTTPRoute on these, got 5xx",
		"egress":      "Gateway hopline/egress: spec.servers[0].port.protocol: want HTTP, since the lab has no certificates to compare by, got HTTPS",
	}
	for _, dir := range shipped.Overlays(t) {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := rules.Read(t.Context(), []string{shipped.Light(t, name)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			converted, err := Convert(r, Options{})
			if want := rejected[name]; want != "" {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("got %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			proof, err := Prove(r, converted)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range proof.Groups {
				t.Error(g.Text(name))
			}
			// minimal and bounced have the port 9090 only, and Istio serves the hosts of VirtualServices on port 80 too
			if len(proof.Limits) != 1 || !strings.HasPrefix(proof.Limits[0], "requests to port 80 of bounced.hopline.svc.cluster.local, minimal.hopline.svc.cluster.local, which have no such port: ") || proof.Compared < 100 {
				t.Errorf("%d kinds compared, limits %q", proof.Compared, proof.Limits)
			}
		})
	}
}

// The directory that is written is an overlay that runs: it is read strictly, and treats every request as the one that it was made of.
func TestOverlay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"canary", "outlier"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := shipped.Light(t, name)
			to := filepath.Join(filepath.Dir(from), "converted")
			command := Command{Rules: []string{from}, Output: to}
			var out strings.Builder
			if err := command.Execute(t.Context(), nil, &out, io.Discard); err != nil {
				t.Fatal(err, out.String())
			}
			before, old, err := mesh.Load(from)
			if err != nil {
				t.Fatal(err)
			}
			after, made, err := mesh.Load(to)
			if err != nil {
				t.Fatal(err)
			}
			if len(after.VirtualServices) > 0 || len(after.HTTPRoutes) == 0 {
				t.Errorf("%d VirtualServices, %d HTTPRoutes", len(after.VirtualServices), len(after.HTTPRoutes))
			}
			for _, d := range after.DestinationRules {
				if len(d.Spec.GetSubsets()) > 0 {
					t.Errorf("%s has subsets", d)
				}
			}
			result := compare.Tables(compare.Rules{Overlay: before, Table: old}, compare.Rules{Overlay: after, Table: made})
			if len(result.Groups) == 0 {
				t.Error("by their names, the destinations differ")
			}
			if err := command.Execute(t.Context(), nil, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "want a directory that does not exist or is empty") {
				t.Errorf("writing there once more: %v", err)
			}
		})
	}
}
