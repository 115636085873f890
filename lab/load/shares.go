package load

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// maxPaths bounds how many different ways through the hops are distinguished, because responses are untrusted.
const maxPaths = 1000

// way is how a request reached a hop: the previous hop, without the pod's random name suffix, or nothing for the first.
type way struct {
	position int
	from     hop
}

// shares counts which version responded, hop by hop.
type shares struct {
	expected *expectation // nil if nothing is expected
	ways     map[way]*counted
	dropped  uint64 // hops that were not counted because maxPaths was reached
}

// counted holds the counts of one way.
type counted struct {
	versions map[version]uint64
	expected map[version]float64 // nil if nothing is expected
}

func newShares(e *expectation) *shares { return &shares{expected: e, ways: map[way]*counted{}} }

// add counts the hops of one response.
func (s *shares) add(hops []hop) {
	for i, h := range hops {
		w := way{position: i}
		if i > 0 {
			w.from = hops[i-1]
			w.from.Host = workload(w.from.Host)
		}
		c := s.ways[w]
		if c == nil {
			if len(s.ways) >= maxPaths {
				s.dropped++
				continue
			}
			c = &counted{versions: map[version]uint64{}, expected: s.expect(w)}
			s.ways[w] = c
		}
		v := version{h.Service, h.Version}
		if _, known := c.versions[v]; !known && len(c.versions) >= maxPaths {
			s.dropped++
			continue
		}
		c.versions[v]++
	}
}

// workload removes the two random parts of a pod's name: "front-amber-5d4f-x2x9k" becomes "front-amber-".
func workload(pod string) string {
	for range 2 {
		if i := strings.LastIndexByte(pod, '-'); i > 0 {
			pod = pod[:i]
		}
	}
	return pod + "-"
}

func (s *shares) expect(w way) map[version]float64 {
	switch {
	case s.expected == nil:
		return nil
	case w.position == 0:
		return s.expected.first()
	}
	return s.expected.next(w.from)
}

// Verdicts on whether shares fit the expected ones.
const (
	fits      = "fits"
	doubtful  = "doubtful"         // chance gives such a deviation once in a thousand runs
	fitsNot   = "does not fit"     // once in a million
	tooFew    = "too few requests" // for a verdict
	noneKnown = "nothing expected"
)

// report adds up the ways by hop.
func (s *shares) report() []HopReport {
	byHop := map[int]map[string][]*counted{}
	for w, c := range s.ways {
		for v := range c.versions {
			if byHop[w.position] == nil {
				byHop[w.position] = map[string][]*counted{}
			}
			if !slices.Contains(byHop[w.position][v.Service], c) {
				byHop[w.position][v.Service] = append(byHop[w.position][v.Service], c)
			}
		}
	}
	var reports []HopReport
	for _, position := range slices.Sorted(maps.Keys(byHop)) {
		for _, service := range slices.Sorted(maps.Keys(byHop[position])) {
			reports = append(reports, hopReport(position, service, byHop[position][service]))
		}
	}
	return reports
}

// hopReport compares the observed versions of a service at a hop with the expected ones. Each way is its own χ² test; their values and
// degrees of freedom are added.
func hopReport(position int, service string, ways []*counted) HopReport {
	r := HopReport{Hop: position + 1, Service: service, Verdict: noneKnown}
	seen, wanted := map[version]uint64{}, map[version]float64{}
	everything := true
	impossible := false
	for _, c := range ways {
		var n uint64
		for v, k := range c.versions {
			if v.Service == service {
				seen[v] += k
				n += k
			}
		}
		r.Requests += n
		expected := of(c.expected, service)
		if expected == nil {
			everything = false
			continue
		}
		mix(wanted, expected, float64(n))
		x, degrees, odd := chiSquare(c.versions, expected, service, float64(n))
		r.ChiSquare += x
		r.Degrees += degrees
		impossible = impossible || odd
	}
	all := maps.Clone(seen)
	for v := range wanted {
		if everything {
			all[v] += 0
		}
	}
	for v := range all {
		row := VersionReport{Version: v.Version, Requests: seen[v], Percent: share(seen[v], r.Requests)}
		if everything {
			e := 100 * wanted[v] / float64(r.Requests)
			row.Expected = &e
		}
		r.Versions = append(r.Versions, row)
	}
	slices.SortFunc(r.Versions, func(a, b VersionReport) int { return cmp.Compare(a.Version, b.Version) })
	if everything {
		r.P, r.Verdict = verdict(r.ChiSquare, r.Degrees, impossible, len(r.Versions))
	} else {
		r.ChiSquare, r.Degrees = 0, 0
	}
	return r
}

// of returns the part of a distribution that concerns one service, normalised; nil if there is none.
func of(shares map[version]float64, service string) map[version]float64 {
	part, total := map[version]float64{}, 0.0
	for v, p := range shares {
		if v.Service == service {
			part[v] = p
			total += p
		}
	}
	if total == 0 {
		return nil
	}
	for v := range part {
		part[v] /= total
	}
	return part
}

// chiSquare returns Pearson's χ² of the observed counts against the expected shares. As is usual, it combines versions with fewer than five
// expected responses, because the approximation is poor for them. odd reports that a version responded whose expected share is 0.
func chiSquare(seen map[version]uint64, expected map[version]float64, service string, n float64) (x float64, degrees int, odd bool) {
	for v, k := range seen {
		if v.Service == service && k > 0 && expected[v] == 0 {
			odd = true
		}
	}
	cells := 0
	var restSeen, restWanted float64
	for v, p := range expected {
		wanted := p * n
		if wanted < 5 {
			restSeen += float64(seen[v])
			restWanted += wanted
			continue
		}
		d := float64(seen[v]) - wanted
		x += d * d / wanted
		cells++
	}
	if restWanted >= 5 {
		d := restSeen - restWanted
		x += d * d / restWanted
		cells++
	}
	return x, max(0, cells-1), odd
}

// verdict interprets a χ² value.
func verdict(x float64, degrees int, impossible bool, versions int) (p *float64, word string) {
	one := 1.0
	switch {
	case impossible:
		zero := 0.0
		return &zero, fitsNot
	case versions == 1:
		return &one, fits // only one version was expected, and it responded
	case degrees == 0:
		return nil, tooFew
	}
	tail := chiSquareTail(x, degrees)
	switch {
	case tail < 1e-6:
		return &tail, fitsNot
	case tail < 1e-3:
		return &tail, doubtful
	}
	return &tail, fits
}

// share returns part as a percentage of whole; 0 if whole is 0.
func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
