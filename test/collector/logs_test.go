package collector

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
)

// record is a log record as Grafana finds it in Loki: what the resource has becomes labels, the rest structured metadata.
type record struct {
	Resource   map[string]string
	Attributes map[string]string
	Trace      string
	Span       string
	Severity   string // text and number
	Time       string
	Body       string
}

// severities are OpenTelemetry's numbers of the levels (opentelemetry.io/docs/specs/otel/logs/data-model).
var severities = map[string]string{"debug": "debug 5", "info": "info 9", "warn": "warn 13", "error": "error 17", "fatal": "fatal 21"}

// expect computes the record of one line of a service from the line itself.
func expect(t *testing.T, body, runtimeTime, stream, service string, resource map[string]string) record {
	t.Helper()
	r := record{Resource: map[string]string{"service.name": service}, Attributes: map[string]string{"log.iostream": stream}, Body: body, Time: runtimeTime, Severity: " 0"}
	for k, v := range resource {
		r.Resource[k] = v
	}
	var line struct {
		Service, Version, Level, TS string
		Trace                       string `json:"trace_id"`
		Span                        string `json:"span_id"`
	}
	if strings.HasPrefix(body, "{") {
		if err := json.Unmarshal([]byte(body), &line); err != nil {
			t.Fatal(err)
		}
		r.Resource["service.name"], r.Resource["service.version"] = line.Service, line.Version
		r.Trace, r.Span, r.Severity = line.Trace, line.Span, severities[line.Level]
		r.Time = line.TS
	}
	at, err := time.Parse(time.RFC3339Nano, r.Time)
	if err != nil {
		t.Fatal(err)
	}
	r.Time = at.UTC().Format(time.RFC3339Nano)
	return r
}

// splitCRI returns the parts of a line in the format of the Container Runtime Interface: time, stream, tag, text.
func splitCRI(t *testing.T, line string) (at, stream, text string) {
	t.Helper()
	parts := strings.SplitN(line, " ", 4)
	if len(parts) != 4 || parts[2] != "F" {
		t.Fatalf("not a whole line of CRI: %s", line)
	}
	return parts[0], parts[1], parts[3]
}

// splitDocker returns the parts of a line of Docker's driver json-file.
func splitDocker(t *testing.T, line string) (at, stream, text string, labels map[string]string) {
	t.Helper()
	var d struct {
		Log, Stream, Time string
		Attrs             map[string]string
	}
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		t.Fatal(err)
	}
	return d.Time, d.Stream, strings.TrimSuffix(d.Log, "\n"), d.Attrs
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	return files
}

// ofPod returns the attributes that a path of kubelet's gives: /var/log/pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log.
func ofPod(path string) map[string]string {
	pod := strings.Split(filepath.Base(filepath.Dir(filepath.Dir(path))), "_")
	return map[string]string{
		"k8s.namespace.name": pod[0], "k8s.pod.name": pod[1], "k8s.pod.uid": pod[2],
		"k8s.container.name": "app", "k8s.container.restart_count": "0",
	}
}

// node is a directory with the files of a node, and a collector's configuration that reads them.
type node struct {
	pods, containers string
	health           string
	configs          []string
}

func newNode(t *testing.T, to *sink, source string) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{pods: filepath.Join(dir, "pods"), containers: filepath.Join(dir, "containers"), health: freeAddress(t)}
	offsets := filepath.Join(dir, "offsets")
	for _, d := range []string{n.pods, n.containers, offsets} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	from, there := "/var/log/pods", n.pods
	if source == "compose/containers.yaml" {
		from, there = "/var/lib/docker/containers", n.containers
	}
	n.configs = []string{
		configuration(t, "addons/collector/logs.yaml", "0.0.0.0:13133", n.health, "/var/lib/otelcol", offsets, "http://loki:3100", to.URL),
		configuration(t, source, from, there),
	}
	return n
}

// write appends lines to a file of the node.
func write(t *testing.T, file string, lines ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPodsLogs: every line of the services' containers, in containerd's format and in Docker's, arrives once with its service, version,
// trace, span, severity and time: also lines that are written while the collector runs, and while it is being replaced.
func TestPodsLogs(t *testing.T) {
	t.Parallel()
	to := newSink(t)
	n := newNode(t, to, "addons/collector/pods.yaml")
	var want []record
	type waiting struct{ file, line string }
	var later []waiting
	for _, file := range glob(t, "testdata/pods/*/*/0.log") {
		relative, _ := filepath.Rel("testdata/pods", file)
		all := lines(t, file)
		write(t, filepath.Join(n.pods, relative), all[0])
		for i, line := range all {
			if i > 0 {
				later = append(later, waiting{filepath.Join(n.pods, relative), line})
			}
			if strings.Contains(file, "/app/") { // not the sidecar's
				at, stream, text := splitCRI(t, line)
				want = append(want, expect(t, text, at, stream, "", ofPod(file)))
			}
		}
	}
	// With Docker as the runtime the file is a link to Docker's own.
	for i, file := range glob(t, "testdata/containers/*.log") {
		pod := filepath.Join(n.pods, fmt.Sprintf("hopline_bounced-6f7d9c5b44-x%dz4q_00000000-0000-0000-0000-00000000000%d", i, i), "app", "0.log")
		target := filepath.Join(n.containers, filepath.Base(file))
		for i, line := range lines(t, file) {
			if i == 0 {
				write(t, target, line)
			} else {
				later = append(later, waiting{target, line})
			}
			at, stream, text, _ := splitDocker(t, line)
			want = append(want, expect(t, text, at, stream, "bounced", ofPod(pod)))
		}
		if err := os.MkdirAll(filepath.Dir(pod), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, pod); err != nil {
			t.Fatal(err)
		}
	}
	total, first := len(want), len(want)-len(later)+2 // the sidecar's other lines are never sent
	collector := start(t, n.health, n.configs...)
	eventually(t, func() error { return atLeast(to, first) })
	for _, w := range later[:len(later)/2] {
		write(t, w.file, w.line)
	}
	eventually(t, func() error { return atLeast(to, first+1) })
	collector.stop()
	for _, w := range later[len(later)/2:] {
		write(t, w.file, w.line)
	}
	start(t, n.health, n.configs...)
	eventually(t, func() error { return atLeast(to, total) })
	same(t, want, records(to))
}

// TestContainersLogs: of the containers of `docker compose` those that the label selects, and no others.
func TestContainersLogs(t *testing.T) {
	t.Parallel()
	to := newSink(t)
	n := newNode(t, to, "compose/containers.yaml")
	var want []record
	for _, file := range glob(t, "testdata/containers/*.log") {
		id := strings.TrimSuffix(filepath.Base(file), "-json.log")
		write(t, filepath.Join(n.containers, id, filepath.Base(file)), lines(t, file)...)
		for _, line := range lines(t, file) {
			at, stream, text, labels := splitDocker(t, line)
			if labels["hopline.logs"] == "true" {
				want = append(want, expect(t, text, at, stream, labels["com.docker.compose.service"], nil))
			}
		}
	}
	start(t, n.health, n.configs...)
	eventually(t, func() error { return atLeast(to, len(want)) })
	same(t, want, records(to))
}

func atLeast(to *sink, n int) error {
	if got := len(records(to)); got < n {
		return fmt.Errorf("%d log records, want %d", got, n)
	}
	return nil
}

func same(t *testing.T, want, got []record) {
	t.Helper()
	order := func(a, b record) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Body, b.Body), cmp.Compare(fmt.Sprint(a.Resource), fmt.Sprint(b.Resource)))
	}
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("log records (-want +got):\n%s", d)
	}
}

// records returns all log records that the sink has.
func records(to *sink) []record {
	var all []record
	for _, r := range to.allLogs() {
		for _, s := range r.ScopeLogs {
			for _, l := range s.LogRecords {
				all = append(all, record{
					Resource: attributes(r.Resource.Attributes), Attributes: attributes(l.Attributes),
					Trace: hex.EncodeToString(l.TraceId), Span: hex.EncodeToString(l.SpanId), Severity: severity(l),
					Time: time.Unix(0, int64(l.TimeUnixNano)).UTC().Format(time.RFC3339Nano), Body: l.Body.GetStringValue(),
				})
			}
		}
	}
	return all
}

func severity(l *logs.LogRecord) string {
	return fmt.Sprint(l.SeverityText, " ", int(l.SeverityNumber))
}

func attributes(list []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, kv := range list {
		all[kv.Key] = kv.Value.GetStringValue()
	}
	return all
}
