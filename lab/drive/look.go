package drive

import (
	"encoding/json"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
)

// serveRule responds with an http rule as it is active, in Istio's own form: {"object", "rule", "destinations": ["prod", "canary"], "http"}. Of an
// HTTPRoute, http is what istiod makes of it, and "route" has the rule as it is written; of a VirtualService that is null.
func (d *Drive) serveRule(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	query := r.URL.Query()
	rule, err := searchRule(d.active.table, query.Get("object"), query.Get("rule"))
	if err != nil {
		respond(w, nil, err)
		return
	}
	text, err := protojson.Marshal(rule.HTTP)
	names, written := destinations(rule), map[string]any(nil)
	if isRoute(rule.Object) {
		route := routeRuleOf(d.active.overlay, rule)
		names, written = route.names(), route.written
	}
	respond(w, map[string]any{
		"object": rule.Object, "rule": rule.Name, "destinations": some(names), "http": json.RawMessage(text), "route": written,
	}, err)
}

// podRates holds the faults of one pod. Rates is null if its process does not respond.
type podRates struct {
	Pod   string `json:"pod"`
	Rates rates  `json:"rates"`
}

// serveFaults responds with the faults of each process of a workload: {"pods": [{"pod", "rates"}]}.
func (d *Drive) serveFaults(w http.ResponseWriter, r *http.Request) {
	list := []podRates{}
	for _, p := range d.lab.Pods() {
		if p.Deployment != r.URL.Query().Get("workload") || p.Process == 0 {
			continue
		}
		now, err := d.exchange(http.MethodGet, &p, nil)
		if err != nil {
			now = nil
		}
		list = append(list, podRates{p.Name, now})
	}
	respond(w, map[string]any{"pods": list}, nil)
}
