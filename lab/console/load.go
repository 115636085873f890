package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	generator "github.com/hopline/hopline/lab/load"
)

// loadBounds are the limits of a run from the page. `hopline load` has wider ones.
var loadBounds = generator.Bounds{Rate: 1000, Duration: 10 * time.Minute, Requests: 600_000, InFlight: 200, Data: 64 << 10}

// loadTimeout is how long a response may take.
const loadTimeout = 30 * time.Second

// loads runs load on the lab's own addresses, one run at a time, within the lab's process.
type loads struct {
	edition func() Edition
	ctx     context.Context // ends with the lab
	cancel  context.CancelFunc

	mu  sync.Mutex
	id  int            // of the newest run
	run *generator.Run // the newest; nil before the first
}

func newLoads(edition func() Edition) *loads {
	l := &loads{edition: edition}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// addLoad registers the API of load.
func (c *Console) addLoad(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/load", c.loads.serve)
	mux.HandleFunc("GET /api/load/report", c.loads.serveReport)
	mux.Handle("POST /api/load", c.driving(http.HandlerFunc(c.loads.start)))
	mux.Handle("DELETE /api/load", c.driving(http.HandlerFunc(c.loads.stop)))
}

// close ends the run, and waits for its end.
func (l *loads) close() {
	l.cancel()
	if run, _ := l.newest(); run != nil {
		<-run.Ended()
	}
}

func (l *loads) newest() (run *generator.Run, id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.run, l.id
}

// Load is the response of GET /api/load.
type Load struct {
	Entries    []string `json:"entries"` // the base URLs that a run may call
	URL        string   `json:"url"`     // a path to begin with
	MaxRate    float64  `json:"max_rate"`
	MaxSeconds float64  `json:"max_seconds"`
	Run        *LoadRun `json:"run"` // the newest run; null before the first
}

// LoadRun is one run.
type LoadRun struct {
	LoadState
	Method    string            `json:"method"`
	Headers   []string          `json:"headers"`
	KeepAlive bool              `json:"keep_alive"`
	Command   string            `json:"command"` // that does the same in a terminal
	Live      generator.Live    `json:"live"`
	Report    *generator.Report `json:"report"` // null while it runs
}

// LoadState is what the state of the lab has of the newest run.
type LoadState struct {
	ID      int     `json:"id"`
	Running bool    `json:"running"`
	URL     string  `json:"url"`
	Rate    float64 `json:"rate"`
	Seconds float64 `json:"seconds"`
}

// state returns the newest run, or nil before the first.
func (l *loads) state() *LoadState {
	run, id := l.newest()
	if run == nil {
		return nil
	}
	c := run.Command
	return &LoadState{ID: id, Running: run.Report() == nil, URL: c.URL, Rate: c.Rate, Seconds: c.Duration.Seconds()}
}

func (l *loads) serve(w http.ResponseWriter, _ *http.Request) {
	edition := l.edition()
	out := Load{Entries: some(edition.Entries), URL: firstPath(edition), MaxRate: loadBounds.Rate, MaxSeconds: loadBounds.Duration.Seconds()}
	if state := l.state(); state != nil {
		run, _ := l.newest()
		c := run.Command
		out.Run = &LoadRun{
			LoadState: *state, Method: c.Method, Headers: some(c.Header), KeepAlive: c.KeepAlive, Command: c.Line(), Live: run.Live(), Report: run.Report(),
		}
	}
	writeJSON(w, out)
}

// firstPath returns a path that the lab's page has, and whose responses name every hop.
func firstPath(edition Edition) string {
	for _, link := range edition.Links {
		if u, err := url.Parse(link.URL); err == nil && link.Name == "Page" {
			return strings.TrimSuffix(u.Path, "/") + "/hops"
		}
	}
	return "/"
}

// serveReport serves the newest run's report as a page.
func (l *loads) serveReport(w http.ResponseWriter, _ *http.Request) {
	run, _ := l.newest()
	if run == nil || run.Report() == nil {
		writeError(w, http.StatusNotFound, errors.New("load: want a run that has ended, got none"))
		return
	}
	text, err := run.Report().HTML()
	if err != nil {
		writeError(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(text) // the client may have gone
}

// loadRequest is the body of POST /api/load. What it leaves out has the default of `hopline load`, but the duration is 30 seconds.
type loadRequest struct {
	URL       string   `json:"url"` // a path, or a URL of this lab
	Method    string   `json:"method"`
	Headers   []string `json:"headers"` // "name: value"
	Data      string   `json:"data"`
	Rate      float64  `json:"rate"`
	Seconds   float64  `json:"seconds"`
	Ramp      float64  `json:"ramp_seconds"`
	KeepAlive bool     `json:"keep_alive"`
}

func (l *loads) start(w http.ResponseWriter, r *http.Request) {
	request := loadRequest{Method: http.MethodGet, Rate: 50, Seconds: 30}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 128<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		writeError(w, http.StatusBadRequest, fmt.Errorf("load: want a JSON object with url, method, headers, data, rate, seconds, ramp_seconds, keep_alive: %w", err))
		return
	}
	edition := l.edition()
	command, err := request.command(edition.Entries)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	rules := &generator.Rules{Overlay: edition.Overlay, Table: edition.Table, Name: "rules of the lab: overlay " + edition.Name}
	if edition.Table == nil {
		rules = nil
	}
	if err := l.begin(command, rules); err != nil {
		writeError(w, http.StatusConflict, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	writeJSON(w, l.state())
}

// begin starts a run, unless one is in progress.
func (l *loads) begin(c *generator.Command, rules *generator.Rules) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return errors.New("load: want a lab that runs, got one that ends")
	}
	if l.run != nil && l.run.Report() == nil {
		return errors.New("load: want one run at a time, got another while one is in progress: stop it first")
	}
	run, err := generator.Start(l.ctx, c, rules, func(trace string) string { return "/trace/" + trace })
	if err != nil {
		return err
	}
	l.run, l.id = run, l.id+1
	return nil
}

// stop ends the run in progress early; its report follows.
func (l *loads) stop(w http.ResponseWriter, _ *http.Request) {
	run, _ := l.newest()
	if run == nil || run.Report() != nil {
		writeError(w, http.StatusNotFound, errors.New("load: want a run in progress, got none"))
		return
	}
	run.Stop()
	w.WriteHeader(http.StatusNoContent)
}

// command returns the request as a command, within the bounds and to one of the lab's own addresses.
func (r loadRequest) command(entries []string) (*generator.Command, error) {
	target, err := entry(r.URL, entries)
	if err != nil {
		return nil, err
	}
	c := &generator.Command{
		URL: target, Rate: r.Rate, Duration: seconds(r.Seconds), Ramp: seconds(r.Ramp), Header: r.Headers, Method: r.Method, Data: r.Data,
		KeepAlive: r.KeepAlive, Timeout: loadTimeout, MaxInFlight: loadBounds.InFlight,
	}
	var errs []error
	for _, p := range c.Check(loadBounds) {
		name := map[string]string{"URL": "url", "duration": "seconds", "ramp": "ramp_seconds", "header": "headers"}[p.Setting]
		if name == "" {
			name = p.Setting
		}
		errs = append(errs, fmt.Errorf("%s: want %s, got %v", name, p.Want, p.Value))
	}
	if len(errs) > 0 {
		return nil, errors.New(strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
	}
	return c, nil
}

// seconds returns a duration. A number that is too large for one becomes the largest, which no bound allows.
func seconds(s float64) time.Duration {
	if s > (1 << 62 / float64(time.Second)) {
		return 1 << 62
	}
	return time.Duration(s * float64(time.Second))
}

// entry returns the URL of a path at the first of the lab's addresses, or a URL at one of them.
func entry(target string, entries []string) (string, error) {
	wrong := fmt.Errorf("url: want a path such as /demo-app/hops, or a URL of this lab (%s), got %q", strings.Join(entries, ", "), target)
	if len(entries) == 0 {
		return "", errors.New("url: want a lab with an address for requests, got one without a gateway or NodePort")
	}
	if strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") {
		target = entries[0] + target
	}
	u, err := url.Parse(target)
	if err != nil || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return "", wrong
	}
	for _, e := range entries {
		if u.Scheme+"://"+u.Host == e {
			return target, nil
		}
	}
	return "", wrong
}
