package fidelity

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bench holds both engines for one world.
type bench struct {
	world      *world
	upstreams  *upstreams
	istio      *istio
	lab        *lab
	generation int
	source     string
}

// newBench starts both engines on a rendered overlay without rules; apply adds the rules.
func newBench(rendered, envoy string) (*bench, error) {
	w, err := parse(rendered)
	if err != nil {
		return nil, err
	}
	b := &bench{world: w}
	if b.upstreams, err = listen(w); err != nil {
		return nil, err
	}
	if b.istio, err = newIstio(w, envoy); err != nil {
		b.upstreams.close()
		return nil, err
	}
	if b.lab, err = newLab(w); err != nil {
		b.istio.close()
		b.upstreams.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() error {
	b.istio.close()
	err := b.lab.close()
	b.upstreams.close()
	return err
}

// apply replaces the rules of both engines.
func (b *bench) apply(docs []string) error {
	b.generation++
	byLab := make(chan error)
	go func() { byLab <- b.lab.apply(docs) }()
	err := b.istio.apply(docs, b.generation)
	if errLab := <-byLab; err == nil && errLab != nil {
		return fmt.Errorf("by the lab: %w", errLab)
	}
	if err != nil {
		return fmt.Errorf("by Istio: %w", err)
	}
	return nil
}

// atOnce calls f for 0 to n-1, some of them in parallel: requests mostly wait, for each other or for the clock.
func atOnce(n, some int, f func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, some) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}

// disagreement is a request with different outcomes in the engines.
type disagreement struct {
	request
	differ []string
}

// compare sends requests of one caller to both engines, some of them in parallel.
func (b *bench) compare(requests []request) []disagreement {
	found := make([]disagreement, len(requests))
	atOnce(len(requests), 10, func(i int) {
		_, _, differ := b.both(requests[i])
		found[i] = disagreement{requests[i], differ}
	})
	return slices.DeleteFunc(found, func(d disagreement) bool { return len(d.differ) == 0 })
}

// from makes a workload the caller.
func (b *bench) from(workload string) error {
	if workload == ingress || workload == b.source {
		return nil
	}
	if err := b.istio.from(workload, b.generation); err != nil {
		return err
	}
	b.source = workload
	return b.lab.from(workload)
}

var lastID atomic.Int64

// exchange sends one request to one engine and collects what the upstreams received.
func (b *bench) exchange(r request, send func(request) answer) outcome {
	return b.exchangeAndWait(r, send, 0)
}

// exchangeAndWait waits a little for copies before it collects.
func (b *bench) exchangeAndWait(r request, send func(request) answer, wait time.Duration) outcome {
	id := fmt.Sprintf("r%d", lastID.Add(1))
	o := outcome{answer: send(r.with(idHeader, id))}
	time.Sleep(wait)
	for _, a := range b.upstreams.take(id) {
		delete(a.header, "X-Fidelity-Id")
		o.arrivals = append(o.arrivals, a)
	}
	slices.SortStableFunc(o.arrivals, func(x, y arrival) int {
		return cmp.Or(strings.Compare(x.app(), y.app()), strings.Compare(x.header.Get(internalHeader), y.header.Get(internalHeader)))
	})
	return o
}

// samples is the number of requests for a random choice: a version that gets every tenth request is missed once in 10⁸ times.
const samples = 175

// both sends the request to Istio and to the lab and returns the differences. Copies may arrive later, and a cluster may still warm up: a
// different outcome is checked again, a few times, a little later. Where the rules choose the version at random, both engines must choose
// from the same set.
func (b *bench) both(r request) (istio, lab outcome, differ []string) {
	for wait := time.Millisecond; ; wait *= 4 {
		istio, lab = b.exchangeAndWait(r, b.istio.send, wait), b.exchangeAndWait(r, b.lab.send, wait)
		if differ = compare(istio, lab); len(differ) == 0 || wait > 300*time.Millisecond {
			return istio, lab, append(differ, b.explained(r, istio)...)
		}
		if len(compare(istio.anyVersion(), lab.anyVersion())) == 0 {
			return istio, lab, b.versions(r, istio, lab)
		}
		time.Sleep(wait)
	}
}

// versions compares the sets of workloads that the engines choose from, after they have chosen differently: each must reach all that the
// other reaches.
func (b *bench) versions(r request, istio, lab outcome) (differ []string) {
	switch app, sticky, made := b.sticky(r); {
	case made:
		return nil
	case sticky:
		return append(b.strays("Istio", app, r, b.istio.send), b.strays("the lab", app, r, b.lab.send)...)
	}
	byIstio, byLab := map[string]bool{}, map[string]bool{}
	for range samples {
		istio.met(byIstio)
		lab.met(byLab)
		if maps.Equal(byIstio, byLab) {
			return nil
		}
		istio, lab = b.exchange(r, b.istio.send), b.exchange(r, b.lab.send)
	}
	return []string{fmt.Sprintf("workloads reached: by Istio %v, by the lab %v", slices.Sorted(maps.Keys(byIstio)), slices.Sorted(maps.Keys(byLab)))}
}

// strays reports whether an engine sends requests with the same key to several endpoints of an app. With a random choice between two, the
// second one would be missed once in a million times.
func (b *bench) strays(engine, app string, r request, send func(request) answer) (differ []string) {
	met := map[string]bool{}
	for range 20 {
		o := b.exchange(r, send)
		if i := slices.IndexFunc(o.arrivals, func(a arrival) bool { return a.app() == app }); i >= 0 {
			met[o.arrivals[i].workload] = true
		}
	}
	if len(met) > 1 {
		differ = append(differ, fmt.Sprintf("workloads reached with one key, by %s: %v", engine, slices.Sorted(maps.Keys(met))))
	}
	return differ
}
