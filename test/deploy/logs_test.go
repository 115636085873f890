package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// fileOf decodes a file of deploy/, which may have fields that into does not have.
func fileOf(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// lokiLabel returns the label that Loki makes of an OTLP attribute's name.
func lokiLabel(attribute string) string {
	return strings.NewReplacer(".", "_", "-", "_").Replace(attribute)
}

// lokiLabels returns the labels that Loki makes of a resource's attributes. All others become structured metadata.
func lokiLabels(t *testing.T) []string {
	var config struct {
		Limits struct {
			OTLP struct {
				Resource struct {
					IgnoreDefaults bool `json:"ignore_defaults"`
					Attributes     []struct {
						Action     string
						Attributes []string
					} `json:"attributes_config"`
				} `json:"resource_attributes"`
			} `json:"otlp_config"`
		} `json:"limits_config"`
	}
	fileOf(t, "addons/loki/loki.yml", &config)
	resource := config.Limits.OTLP.Resource
	if !resource.IgnoreDefaults {
		t.Error("loki.yml: Loki's default labels are added to those of attributes_config")
	}
	var labels []string
	for _, a := range resource.Attributes {
		if a.Action == "index_label" {
			for _, name := range a.Attributes {
				labels = append(labels, lokiLabel(name))
			}
		}
	}
	return labels
}

// TestLogsAreFoundByTheirAttributes: what the collector sets is what Loki indexes, and what Grafana's links between logs and traces name.
func TestLogsAreFoundByTheirAttributes(t *testing.T) {
	t.Parallel()
	labels := lokiLabels(t)
	var collector struct {
		Processors struct {
			GroupByAttrs struct{ Keys []string }
		}
	}
	fileOf(t, "addons/collector/logs.yaml", &collector)
	if len(collector.Processors.GroupByAttrs.Keys) == 0 {
		t.Error("the collector sets no attribute of the resource")
	}
	for _, key := range collector.Processors.GroupByAttrs.Keys {
		if !slices.Contains(labels, lokiLabel(key)) {
			t.Errorf("the collector sets %s, of which Loki makes no label: it makes %v", key, labels)
		}
	}
	for _, d := range datasources(t) {
		switch d.Type {
		case "jaeger":
			link := d.Data.TracesToLogs
			if link.DatasourceUID != "loki" || len(link.Tags) == 0 || !strings.Contains(link.Query, `| trace_id="$${__trace.traceId}"`) {
				t.Errorf("traces have no link to logs: %+v", link)
			}
			for _, tag := range link.Tags {
				if tag.Value != lokiLabel(tag.Key) || !slices.Contains(labels, tag.Value) {
					t.Errorf("a trace's %s is looked up as %s, want one of Loki's labels %v", tag.Key, tag.Value, labels)
				}
			}
		case "loki":
			if len(d.Data.DerivedFields) != 1 {
				t.Fatalf("derived fields %+v, want one", d.Data.DerivedFields)
			}
			// Loki keeps the record's trace id as the structured metadata trace_id.
			if f := d.Data.DerivedFields[0]; f.MatcherType != "label" || f.MatcherRegex != "trace_id" || f.DatasourceUID != "jaeger" {
				t.Errorf("a line has no link to its trace: %+v", f)
			}
		}
	}
}

var (
	selector = regexp.MustCompile(`^\{(.*)\}$`)
	matcher  = regexp.MustCompile(`^([a-z_]+)(=~?)"(.*)"$`)
)

// TestLogQueries: the dashboards' queries of logs name labels that there are, and Loki accepts them: at least one of the matchers of a
// query has to exclude the empty value, also while a variable has the value for "All".
func TestLogQueries(t *testing.T) {
	t.Parallel()
	labels, count := lokiLabels(t), 0
	for name, d := range dashboards(t) {
		all := map[string]string{}
		for _, v := range d.Templating.List {
			all["$"+v.Name] = v.AllValue
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if q.Datasource.UID != "loki" {
					continue
				}
				count++
				inner := selector.FindStringSubmatch(q.Expr)
				if inner == nil {
					t.Fatalf("%s: %s: want a selector, got %s", name, p.Title, q.Expr)
				}
				excludesEmpty := false
				for _, part := range strings.Split(inner[1], ", ") {
					m := matcher.FindStringSubmatch(part)
					if m == nil || !slices.Contains(labels, m[1]) {
						t.Errorf("%s: %s: %s names none of Loki's labels %v", name, p.Title, part, labels)
						continue
					}
					value := m[3]
					if v, ok := all[value]; ok {
						value = v
					}
					excludesEmpty = excludesEmpty || !regexp.MustCompile("^(?:"+value+")$").MatchString("")
				}
				if !excludesEmpty {
					t.Errorf("%s: %s: Loki rejects %s while All is selected", name, p.Title, q.Expr)
				}
			}
		}
	}
	if count == 0 {
		t.Error("no dashboard shows logs")
	}
}

// datasource is a data source of Grafana.
type datasource struct {
	Name, UID, Type, URL string
	Data                 struct {
		TracesToLogs struct {
			DatasourceUID string `json:"datasourceUid"`
			Tags          []struct{ Key, Value string }
			Query         string
		} `json:"tracesToLogsV2"`
		TracesToMetrics struct {
			DatasourceUID string `json:"datasourceUid"`
			Queries       []struct{ Name, Query string }
		} `json:"tracesToMetrics"`
		DerivedFields []struct {
			MatcherType   string `json:"matcherType"`
			MatcherRegex  string `json:"matcherRegex"`
			DatasourceUID string `json:"datasourceUid"`
		} `json:"derivedFields"`
		Exemplars []struct {
			DatasourceUID string `json:"datasourceUid"`
		} `json:"exemplarTraceIdDestinations"`
	} `json:"jsonData"`
}

func datasources(t *testing.T) []datasource {
	t.Helper()
	var file struct{ Datasources []datasource }
	fileOf(t, "addons/grafana/datasources.yaml", &file)
	if len(file.Datasources) < 3 {
		t.Fatalf("%d data sources", len(file.Datasources))
	}
	return file.Datasources
}
