package mesh

// Decide returns what happens to a request that src sends. random holds 64 random bits. Decide reads nothing else, changes nothing and
// allocates nothing. Without a sidecar, the request reaches its Service, or nothing.
func (t *Table) Decide(req *Request, src *Source, random uint64) Decision {
	return t.viewOf(src).decide(req, src.Gateway, random)
}

// viewOf returns the view of a caller with a sidecar, a gateway, or a pod without a sidecar.
func (t *Table) viewOf(src *Source) *view {
	if !src.NoSidecar {
		return t.view(src)
	}
	if v := t.noSidecar[src.Namespace]; v != nil {
		return v
	}
	return t.noSidecar[""]
}

func (v *view) decide(req *Request, gateway bool, random uint64) Decision {
	host := v.port(req.Port).find(req.Authority)
	if host == nil || host.refused {
		if gateway {
			return Decision{Outcome: NoRoute}
		}
		return Decision{Outcome: NoHost}
	}
	path, query := splitPath(req.Path)
	n := host.index.first(host.rules, req, path, query)
	if n < 0 {
		return Decision{Outcome: NoRoute}
	}
	route := host.rules[n].route
	d := route.draw(random)
	if d.Outcome == Forward && route.CORS.preflight(req) {
		d.Outcome, d.Mirror = Preflight, 0
	}
	return d
}

// draw makes all random choices of a route. Each choice is independent, as in Envoy.
func (r *Route) draw(random uint64) Decision {
	d := Decision{Route: r}
	if f := r.Fault; f != nil {
		if f.Delay > 0 && drawn(f.DelayPercent, nextRandom(&random)) {
			d.Delay = f.Delay
		}
		if f.Abort > 0 && drawn(f.AbortPercent, nextRandom(&random)) {
			d.Abort = f.Abort
		}
	}
	switch {
	case r.Redirect != nil:
		d.Outcome = Redirect
		return d
	case r.Direct != nil:
		d.Outcome = Direct
		return d
	}
	d.Outcome = Forward
	d.To = r.pick(nextRandom(&random))
	for i := range r.Mirrors {
		if drawn(r.Mirrors[i].Percent, nextRandom(&random)) {
			d.Mirror |= 1 << i
		}
	}
	return d
}

// pick returns a destination by its share of the weights.
func (r *Route) pick(random uint64) *Destination {
	if len(r.Destinations) == 1 {
		return &r.Destinations[0]
	}
	total := 0
	for i := range r.Destinations {
		total += r.Destinations[i].Weight
	}
	at := int(random % uint64(total))
	for i := range r.Destinations {
		if at -= r.Destinations[i].Weight; at < 0 {
			return &r.Destinations[i]
		}
	}
	return nil
}
