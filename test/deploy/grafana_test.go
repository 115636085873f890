package deploy

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	schema "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// TestDashboardsMatchGrafanasSchema: every file decodes strictly into the types that Grafana generates from its published schema, also the
// panels' options and the queries, and satisfies the schema's constraints.
func TestDashboardsMatchGrafanasSchema(t *testing.T) {
	t.Parallel()
	plugins.RegisterDefaultPlugins()
	files, err := filepath.Glob(filepath.Join(root, "addons/grafana/dashboards/*.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d dashboards (%v)", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d schema.Dashboard //nolint:staticcheck // the dashboards are of this schema; version 2 needs Grafana's new API
		for _, err := range []error{d.UnmarshalJSONStrict(raw), d.Validate()} {
			if err != nil && err.Error() != "" { // without a fault it is an empty list
				t.Errorf("%s: %v", filepath.Base(file), err)
			}
		}
	}
	var d schema.Dashboard //nolint:staticcheck // as above
	if err := d.UnmarshalJSONStrict([]byte(`{"title":"x","panels":[{"type":"timeseries","titel":"y"}]}`)); err == nil {
		t.Error("an unknown field is accepted")
	}
}

// TestDataSourcesAreDeployed: the address of each data source is a Service's, with the path under which it is served, and everything that
// names a data source names one of them.
func TestDataSourcesAreDeployed(t *testing.T) {
	t.Parallel()
	s, _ := addons(t, render(t, filepath.Join(root, "addons")))
	served := map[string]string{"prometheus": "/prometheus", "jaeger": "/jaeger", "loki": ""} // by their configuration
	uids := map[string]string{}
	for _, d := range datasources(t) {
		if uids[d.UID] != "" || d.UID == "" {
			t.Errorf("data source %s: uid %q is also that of %q", d.Name, d.UID, uids[d.UID])
		}
		uids[d.UID] = d.Type
		s.leadsTo(t, "data source "+d.Name, d.URL, served[d.Type])
	}
	for _, d := range datasources(t) {
		links := []string{d.Data.TracesToLogs.DatasourceUID, d.Data.TracesToMetrics.DatasourceUID}
		for _, f := range d.Data.DerivedFields {
			links = append(links, f.DatasourceUID)
		}
		for _, e := range d.Data.Exemplars {
			links = append(links, e.DatasourceUID)
		}
		for _, uid := range links {
			if uid != "" && uids[uid] == "" {
				t.Errorf("data source %s refers to %q, which does not exist", d.Name, uid)
			}
		}
		for _, q := range d.Data.TracesToMetrics.Queries {
			query := strings.ReplaceAll(q.Query, "$$__tags", `app="core"`)
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(query); err != nil {
				t.Errorf("data source %s: query %s: %v", d.Name, q.Name, err)
			}
		}
	}
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if uids[q.Datasource.UID] == "" {
					t.Errorf("%s: %s queries %q, which is not a data source", name, p.Title, q.Datasource.UID)
				}
			}
		}
	}
}

// leadsTo checks that an address inside the cluster names a Service of the add-ons, and has the path.
func (s *system) leadsTo(t *testing.T, what, address, path string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(u.Hostname(), ".")
	svc := s.services["istio-system/"+name]
	if svc == nil || fmt.Sprint(svc.Spec.Ports[0].Port) != u.Port() || u.Path != path {
		t.Errorf("%s: %s is not the address of a Service with the path %q", what, address, path)
	}
}

// TestKialisConfiguration: each field is one that Kiali has, of its type, and the addresses are of what is deployed. Kiali itself ignores a
// field that it does not have.
func TestKialisConfiguration(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/kiali-config.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fields := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if path, kind, ok := strings.Cut(lines.Text(), " "); ok && path != "#" {
			fields[path] = kind
		}
	}
	raw, err := os.ReadFile(filepath.Join(root, "addons/kiali/config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(raw, &config); err != nil {
		t.Fatal(err)
	}
	leaves := map[string]any{}
	flatten("", config, leaves)
	for path, value := range leaves {
		kind := map[string]string{"string": "string", "bool": "bool", "float64": "number"}[fmt.Sprintf("%T", value)]
		if want := fields[path]; want != kind && want != "any" {
			t.Errorf("config.yaml: %s: %v is a %s, want %q", path, value, kind, want)
		}
	}
	s, _ := addons(t, render(t, filepath.Join(root, "addons")))
	s.leadsTo(t, "kiali", fmt.Sprint(leaves["external_services.prometheus.url"]), "/prometheus")
	s.leadsTo(t, "kiali", fmt.Sprint(leaves["external_services.tracing.internal_url"]), "/jaeger")
	s.leadsTo(t, "kiali", fmt.Sprint(leaves["external_services.grafana.internal_url"]), "/grafana")
	if got := s.services["istio-system/kiali"].Spec.Ports[0].Port; fmt.Sprint(got) != fmt.Sprint(leaves["server.port"]) {
		t.Errorf("Kiali listens on %v, its Service is on %d", leaves["server.port"], got)
	}
}

// flatten adds the leaves of a document by their paths; elements of a list have the same one.
func flatten(path string, value any, leaves map[string]any) {
	switch x := value.(type) {
	case map[string]any:
		for k, v := range x {
			p := k
			if path != "" {
				p = path + "." + k
			}
			flatten(p, v, leaves)
		}
	case []any:
		for _, v := range x {
			flatten(path+"[]", v, leaves)
		}
	default:
		leaves[path] = x
	}
}
