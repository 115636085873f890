package drive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/workload"
)

// retryEvery is the interval at which a fault is set at a process that does not respond yet.
const retryEvery = 100 * time.Millisecond

// process identifies one process of a pod.
type process struct {
	pod    string
	number int
}

// rates is the document of /faults.
type rates map[string]json.RawMessage

// faulted is a process whose faults a change has set.
type faulted struct {
	before rates // what was set before any change
	now    rates // what is set
}

// healthy holds the rates without any fault.
func healthy() rates {
	return rates{"error_rate": json.RawMessage("0"), "drop_rate": json.RawMessage("0"), "latency": json.RawMessage(`"0s"`)}
}

// errRejected is the error of a service that rejects a document.
type errRejected struct{ reason string }

func (e errRejected) Error() string { return e.reason }

// newClient returns a client for the admin ports: without a proxy, and with one connection per request, because processes are short-lived.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
}

// setFaults sets or heals the faults of a workload or of one pod, now and at replicas that start later.
func (d *Drive) setFaults(c *Change) error {
	if _, err := c.rates(); err != nil {
		return err
	}
	var targets []workload.Status
	for _, p := range d.lab.Pods() {
		if c.concerns(&p) && p.Process != 0 {
			targets = append(targets, p)
		}
	}
	if len(targets) == 0 {
		return fmt.Errorf("%s: it has no process at the moment", c.thing())
	}
	next, err := d.with(c)
	if err != nil {
		return err
	}
	if c.Kind == Heal {
		next = d.heal(c, next, targets)
	}
	if _, err := d.reconcile(next); err != nil {
		_, _ = d.reconcile(d.changes)
		return fmt.Errorf("value: %w", err)
	}
	if c.ID != "" && !slices.ContainsFunc(targets, func(p workload.Status) bool { return d.faulty[processOf(&p)] != nil }) {
		_, _ = d.reconcile(d.changes)
		return fmt.Errorf("%s: none of its processes supports faults at its admin port", c.thing())
	}
	d.changes = next
	return nil
}

// heal readmits the pods and drops the faults that changes have set at them. The change itself stays in the list only if the pods have faults
// of their own.
func (d *Drive) heal(c *Change, next []*Change, targets []workload.Status) []*Change {
	own := false
	for _, p := range targets {
		d.lab.Readmit(p.Name)
		before, err := d.before(&p)
		own = own || err == nil && !before.healthy()
	}
	next = slices.DeleteFunc(next, func(old *Change) bool {
		return old.Kind == Faults && old.Workload == c.Workload && (c.Pod == "" || old.Pod == c.Pod)
	})
	if own || slices.ContainsFunc(next, func(old *Change) bool { return old.Kind == Faults && old.Workload == c.Workload }) {
		return next
	}
	c.ID = ""
	return slices.DeleteFunc(next, func(old *Change) bool { return old == c })
}

// healthy reports whether the rates are without any fault.
func (r rates) healthy() bool {
	return maps.EqualFunc(r, healthy(), func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}

// before returns the rates that a process had before any change.
func (d *Drive) before(p *workload.Status) (rates, error) {
	if f := d.faulty[processOf(p)]; f != nil {
		return f.before, nil
	}
	return d.exchange(http.MethodGet, p, nil)
}

// concerns reports whether a change of faults applies to a pod.
func (c *Change) concerns(p *workload.Status) bool {
	return p.Deployment == c.Workload && (c.Pod == "" || c.Pod == p.Name)
}

// rates returns the rates that a change sets. The values are checked by the service.
func (c *Change) rates() (rates, error) {
	switch c.Kind {
	case Heal:
		return healthy(), nil
	case Faults:
		var r rates
		if err := json.Unmarshal(c.Value, &r); err != nil || len(r) == 0 {
			return nil, errors.New(`value: want an object such as {"error_rate":70,"drop_rate":0,"latency":"100ms-2s"}`)
		}
		return r, nil
	}
	return nil, nil
}

// reconcile sets at every process the faults that a list of changes has for it, and what was there before where it has none any more. It
// reports whether a process has not responded yet. The error has the text of the service that rejects a value.
func (d *Drive) reconcile(changes []*Change) (pending bool, err error) {
	alive := map[process]bool{}
	for _, p := range d.lab.Pods() {
		if p.Process == 0 {
			continue
		}
		alive[processOf(&p)] = true
		wanted := rates{}
		for _, c := range changes {
			if c.concerns(&p) {
				own, _ := c.rates() // checked when the change was made
				maps.Copy(wanted, own)
			}
		}
		failure := d.set(&p, wanted)
		if rejected := (errRejected{}); errors.As(failure, &rejected) {
			return pending, rejected
		}
		pending = pending || failure != nil
	}
	maps.DeleteFunc(d.faulty, func(p process, _ *faulted) bool { return !alive[p] })
	return pending, nil
}

// set sets the faults of one process; with none it restores what was there before.
func (d *Drive) set(p *workload.Status, wanted rates) error {
	f := d.faulty[processOf(p)]
	if f == nil && len(wanted) == 0 {
		return nil
	}
	if f == nil {
		before, err := d.exchange(http.MethodGet, p, nil)
		if err != nil {
			return err
		}
		f = &faulted{before: before, now: before}
	}
	next := maps.Clone(f.before)
	maps.Copy(next, wanted)
	if !maps.EqualFunc(next, f.now, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		if _, err := d.exchange(http.MethodPut, p, next); err != nil {
			return err
		}
	}
	f.now = next
	d.faulty[processOf(p)] = f
	if len(wanted) == 0 {
		delete(d.faulty, processOf(p))
	}
	return nil
}

// exchange reads or sets the faults of one process.
func (d *Drive) exchange(method string, p *workload.Status, document rates) (rates, error) {
	var body io.Reader
	if document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, "http://"+p.Admin+"/faults", body)
	if err != nil {
		return nil, err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusBadRequest:
		return nil, errRejected{strings.TrimSpace(string(text))}
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("pod %s: /faults: %s", p.Name, response.Status)
	}
	var now rates
	return now, json.Unmarshal(text, &now)
}

func processOf(p *workload.Status) process { return process{p.Name, p.Process} }
