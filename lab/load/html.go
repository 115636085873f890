package load

import (
	"bytes"
	_ "embed"
	"html/template"
	"os"
	"time"
)

//go:embed report.html
var page string

// writeHTML writes the report as one self-contained file: no external script, font or image.
func writeHTML(path string, r *Report) error {
	content, err := r.HTML()
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// HTML returns the report as one self-contained document.
func (r *Report) HTML() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"ms": showMS,
		"at": func(s float64) string { return seconds(s).Round(time.Millisecond).String() },
	}).Parse(page)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		*Report
		Asked, Held, Users string
		Notes              []string
		Plots              []plot
	}{r, r.asked(), r.held(), r.users(), r.notes(), r.plots()})
	return out.Bytes(), err
}

// plots returns the three plots of a run.
func (r *Report) plots() []plot {
	var p50, p90, p99, most, asked, done, errors []point
	for _, in := range r.Intervals {
		if in.Done == 0 {
			continue
		}
		x := in.At + in.Length/2
		p50 = append(p50, point{x, in.P50})
		p90 = append(p90, point{x, in.P90})
		p99 = append(p99, point{x, in.P99})
		most = append(most, point{x, in.Max})
		// The last interval may be shorter.
		length := min(in.Length, max(r.Seconds-in.At, 1e-3))
		asked = append(asked, point{x, float64(in.Asked) / length})
		done = append(done, point{x, float64(in.Done-in.Errors) / length})
		errors = append(errors, point{x, float64(in.Errors) / length})
	}
	var curve []point
	for _, p := range r.Curve {
		if p.Percentile < 100 {
			curve = append(curve, point{nines(p.Percentile), p.MS})
		}
	}
	return []plot{
		{
			Title: "Latency over time", X: "seconds", Y: "ms, logarithmic", logY: true,
			lines: []line{{"p50", p50}, {"p90", p90}, {"p99", p99}, {"max", most}},
		},
		{
			Title: "Requests per second, by the moment that they were due", X: "seconds", Y: "per second",
			lines: []line{{"asked", asked}, {"successful", done}, {"errors", errors}},
		},
		{
			Title: "Latency by percentile", X: "percentile", Y: "ms, logarithmic", logY: true, xTicks: percentileTicks(),
			lines: []line{{"latency", curve}},
		},
	}
}
