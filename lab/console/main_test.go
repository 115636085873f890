package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/shipped/loaded"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
	"github.com/hopline/hopline/lab/send"
	"github.com/hopline/hopline/lab/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a Source whose data a test sets.
type lab struct {
	mu          sync.Mutex
	edition     Edition
	pods        []workload.Status
	deployments []workload.Deployment
	flows       []traffic.Flow
	traffic     *traffic.Traffic // nil: no calls, and the edges are those below
	edges       []traffic.Edge
	ejections   []proxy.Ejection
	logs        *podlog.Logs
	series      *traffic.Series
}

func (l *lab) set(change func(*lab)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *lab) Edition() Edition        { l.mu.Lock(); defer l.mu.Unlock(); return l.edition }
func (l *lab) Pods() []workload.Status { l.mu.Lock(); defer l.mu.Unlock(); return l.pods }
func (l *lab) Deployments() []workload.Deployment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deployments
}
func (l *lab) Flows() []traffic.Flow { l.mu.Lock(); defer l.mu.Unlock(); return l.flows }
func (l *lab) Edges(now time.Time) []traffic.Edge {
	if l.traffic == nil {
		return l.edges
	}
	return l.traffic.Edges(now)
}
func (l *lab) Calls(limit int, keep func(traffic.EdgeKey) bool) []traffic.Call {
	if l.traffic == nil {
		return nil
	}
	return l.traffic.Calls(limit, keep)
}
func (l *lab) Ejections() []proxy.Ejection { l.mu.Lock(); defer l.mu.Unlock(); return l.ejections }
func (l *lab) Send(context.Context, send.Request, *rules.Rules) (*send.Response, error) {
	return nil, errors.New("this lab sends nothing")
}
func (l *lab) Logs() *podlog.Logs {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs == nil {
		l.logs = podlog.New()
	}
	return l.logs
}
func (l *lab) Series() *traffic.Series { l.mu.Lock(); defer l.mu.Unlock(); return l.series }

// serve runs a console on loopback, with a collector that receives spans at the second address.
func serve(t *testing.T, source *lab) (c *Console, url, zipkin string) {
	t.Helper()
	store, err := collector.New(collector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c = New(source, store, Driving{Token: "the-token"}, "lab.example")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { c.Run(ctx); close(ended) }()
	page, spans := httptest.NewServer(c), httptest.NewServer(store.Zipkin())
	t.Cleanup(func() {
		cancel()
		<-ended
		page.Close()
		spans.Close()
		store.Close()
	})
	return c, page.URL, spans.URL
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// load returns the rules of one of the shipped overlays.
func load(t *testing.T, name string) []mesh.Rule {
	t.Helper()
	_, table := loaded.Overlay(t, name)
	return table.Rules()
}

func rulesOf(t *testing.T, dir string) []mesh.Rule {
	t.Helper()
	return tableOf(t, dir).Rules()
}

func tableOf(t *testing.T, dir string) *mesh.Table {
	t.Helper()
	o, err := overlay.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	table, err := mesh.Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// fromText returns the rules of an overlay of one file.
func fromText(t *testing.T, objects string) []mesh.Rule {
	t.Helper()
	return rulesOf(t, written(t, objects))
}

// written returns the directory of an overlay of one file.
func written(t *testing.T, objects string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"kustomization.yaml": "resources: [all.yaml]\n", "all.yaml": objects} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pod returns a status as a Supervisor reports it.
func pod(deployment, app, version string, state workload.State) workload.Status {
	return workload.Status{
		Pod:        mesh.Pod{Name: deployment + "-1", Source: mesh.Source{Labels: map[string]string{"app": app, "version": version}}},
		Deployment: deployment, State: state, Current: true,
	}
}
