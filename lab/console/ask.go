package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/explain"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/rules"
	"github.com/hopline/hopline/lab/send"
	"github.com/hopline/hopline/lab/traffic"
	"github.com/hopline/hopline/lab/whatif"
)

// maxQuestion bounds the body of a request to the API, in bytes: JSON needs up to six for a byte of a text, and MaxBody and MaxText are 1 MiB.
const maxQuestion = 6<<20 + 64<<10

// lastCalls is the number of calls that a what-if compares.
const lastCalls = 1000

var errNothingRuns = errors.New("no overlay runs yet: try again")

// addAsking registers the API of the view Ask.
func (c *Console) addAsking(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/explain", c.serveExplain)
	mux.HandleFunc("GET /api/example", c.serveExample)
	mux.HandleFunc("GET /api/objects", c.serveObjects)
	mux.Handle("POST /api/send", c.driving(http.HandlerFunc(c.serveSend)))
	mux.Handle("POST /api/whatif", c.driving(http.HandlerFunc(c.serveWhatIf)))
}

// rules returns the running rules and the overlay's name.
func (c *Console) rules() (of *rules.Rules, name string, err error) {
	e := c.source.Edition()
	if e.Table == nil {
		return nil, "", errNothingRuns
	}
	return rules.Of(e.Overlay, e.Table, e.Name), e.Name, nil
}

// explanation is the response of /api/explain.
type explanation struct {
	explain.Document
	Text string `json:"text"` // as hopline explain prints it
}

// serveExplain explains a request. Parameters: from, method (GET), url, and header, which may be given again.
func (c *Console) serveExplain(w http.ResponseWriter, r *http.Request) {
	of, name, err := c.rules()
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, err)
		return
	}
	p := r.URL.Query()
	q := &rules.Question{From: p.Get("from"), Method: cmp.Or(p.Get("method"), http.MethodGet), URL: p.Get("url")}
	for _, line := range p["header"] {
		h, err := rules.ParseHeader(line)
		if err != nil {
			writeError(w, http.StatusBadRequest, err)
			return
		}
		q.Headers = append(q.Headers, h)
	}
	lab := &current.Lab{Pods: c.source.Pods(), Ejections: c.source.Ejections()}
	answer, err := explain.Ask(q, of, "rules of overlay "+name+", which this lab runs", lab)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, explanation{answer.Document(), answer.Text()})
}

// example is a request that a rule matches, as the parameters of /api/explain.
type example struct {
	From    string   `json:"from"` // empty: a client outside
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Headers []string `json:"headers"`
}

// serveExample returns a request that a rule matches: the last one, or else one made of the rule's conditions. Parameters: object and rule,
// as in the rules of /api/state.
func (c *Console) serveExample(w http.ResponseWriter, r *http.Request) {
	of, _, err := c.rules()
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, err)
		return
	}
	object, rule := r.URL.Query().Get("object"), r.URL.Query().Get("rule")
	last := c.source.Calls(1, func(k traffic.EdgeKey) bool { return k.Object == object && sameRule(rule, k.Rule) })
	if len(last) > 0 && !last[0].Cut {
		e := compare.Rules{Overlay: of.Overlay, Table: of.Table}.Example(&last[0].Request, compare.CallerOf(last[0].Source))
		writeJSON(w, example{e.From, e.Method, e.URL, e.Lines()})
		return
	}
	q, ok := explain.Example(of, object, rule)
	if !ok {
		writeError(w, http.StatusNotFound, fmt.Errorf("%s %s: found no request that this rule matches", object, rule))
		return
	}
	headers := []string{}
	for _, h := range q.Headers {
		headers = append(headers, h.Name+": "+h.Value)
	}
	writeJSON(w, example{q.From, q.Method, q.URL, headers})
}

// object is an object of the running overlay.
type object struct {
	Name string `json:"name"` // "VirtualService hopline/middle"
	YAML string `json:"yaml"` // as it was rendered
}

// serveObjects lists the names of the rules that run, or, with the parameter name, returns one of them.
func (c *Console) serveObjects(w http.ResponseWriter, r *http.Request) {
	of, _, err := c.rules()
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, err)
		return
	}
	name := r.URL.Query().Get("name")
	if name == "" {
		writeJSON(w, map[string][]string{"objects": of.Overlay.Rules()})
		return
	}
	text, err := of.Overlay.YAML(name)
	if err != nil {
		writeError(w, http.StatusNotFound, err)
		return
	}
	writeJSON(w, object{name, text})
}

// serveSend sends a request through the lab.
func (c *Console) serveSend(w http.ResponseWriter, r *http.Request) {
	var request send.Request
	if err := readJSON(w, r, &request); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	of, _, err := c.rules()
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, err)
		return
	}
	response, err := c.source.Send(r.Context(), request, of)
	switch {
	case usage.Is(err):
		writeError(w, http.StatusBadRequest, err)
	case errors.Is(err, send.ErrBusy):
		writeError(w, http.StatusTooManyRequests, err)
	case err != nil:
		writeError(w, http.StatusBadGateway, err)
	default:
		writeJSON(w, response)
	}
}

// serveWhatIf returns what would change with other rules.
func (c *Console) serveWhatIf(w http.ResponseWriter, r *http.Request) {
	var question whatif.Question
	if err := readJSON(w, r, &question); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	if question.Name == "" {
		question.Name = "the text"
	}
	of, _, err := c.rules()
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, err)
		return
	}
	running := compare.Rules{Overlay: of.Overlay, Table: of.Table}
	answer, err := c.asker.Ask(running, question.Name, []byte(question.YAML), c.source.Calls(lastCalls, nil))
	if err != nil {
		writeError(w, http.StatusTooManyRequests, err)
		return
	}
	writeJSON(w, answer)
}

// readJSON reads the body of a request into a value.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return fmt.Errorf("body: want at most %d bytes", maxQuestion)
	case errors.Is(err, io.EOF):
		return errors.New("body: want a JSON object, got nothing")
	case err != nil:
		return fmt.Errorf("body: want a JSON object of this path: %w", err)
	}
	return nil
}
