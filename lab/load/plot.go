package load

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// plot is a set of lines over common axes, drawn as SVG.
type plot struct {
	Title, X, Y string
	logY        bool
	xTicks      []tick // ticks of an axis that has no plain numbers
	lines       []line
}

type line struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

type tick struct {
	at   float64
	text string
}

// Size of a plot and of the margins around its area, in SVG units.
const (
	plotWide, plotHigh       = 760.0, 300.0
	left, right, top, bottom = 70.0, 110.0, 10.0, 45.0
)

// nines maps a percentile to an axis on which each further nine has the same width: 90 to 1, 99 to 2.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

func percentileTicks() (ticks []tick) {
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99, 99.999} {
		ticks = append(ticks, tick{nines(p), strconv.FormatFloat(p, 'f', -1, 64)})
	}
	return ticks
}

// scale maps values to positions on an axis.
type scale struct {
	from, to   float64 // values
	start, end float64 // positions
	log        bool
}

func (s scale) at(v float64) float64 {
	from, to := s.from, s.to
	if s.log {
		from, to, v = math.Log10(from), math.Log10(to), math.Log10(max(v, s.from))
	}
	return s.start + (v-from)/(to-from)*(s.end-s.start)
}

// scales fits the axes to the lines.
func (p plot) scales() (x, y scale) {
	x = scale{from: math.Inf(1), to: math.Inf(-1), start: left, end: plotWide - right}
	y = scale{from: math.Inf(1), to: math.Inf(-1), start: plotHigh - bottom, end: top, log: p.logY}
	for _, l := range p.lines {
		for _, v := range l.points {
			x.from, x.to = min(x.from, v.x), max(x.to, v.x)
			if !p.logY || v.y > 0 {
				y.from, y.to = min(y.from, v.y), max(y.to, v.y)
			}
		}
	}
	if math.IsInf(x.from, 1) || math.IsInf(y.from, 1) {
		x.from, x.to, y.from, y.to = 0, 1, 1, 10 // an empty plot
	}
	x.from = 0
	if x.to <= x.from {
		x.to = x.from + 1
	}
	if p.logY {
		y.from, y.to = math.Pow(10, math.Floor(math.Log10(y.from))), math.Pow(10, math.Ceil(math.Log10(y.to)))
		if y.to <= y.from {
			y.to = y.from * 10
		}
	} else {
		y.from, y.to = 0, max(y.to*1.05, 1)
	}
	return x, y
}

// ticks returns round values along an axis.
func (s scale) ticks() (ticks []tick) {
	if s.log {
		for v := s.from; v <= s.to*1.0001; v *= 10 {
			ticks = append(ticks, tick{v, strconv.FormatFloat(v, 'g', 4, 64)})
		}
		return ticks
	}
	step := math.Pow(10, math.Floor(math.Log10((s.to-s.from)/4)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (s.to-s.from)/(step*m) <= 6 {
			step *= m
			break
		}
	}
	for i := 0; s.from+float64(i)*step <= s.to*1.0001; i++ {
		v := s.from + float64(i)*step
		ticks = append(ticks, tick{v, strconv.FormatFloat(v, 'g', 6, 64)})
	}
	return ticks
}

// SVG draws the plot. Lines differ in colour and dashes, and each has its name at its end, so that the plot is readable without colours.
func (p plot) SVG() template.HTML {
	var b strings.Builder
	x, y := p.scales()
	esc := template.HTMLEscapeString
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, plotWide, plotHigh, esc(p.Title))
	for _, t := range y.ticks() {
		at := y.at(t.at)
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="y" x="%g" y="%.1f">%s</text>`, left, plotWide-right, at, at, left-8, at+4, esc(t.text))
	}
	xTicks := p.xTicks
	if xTicks == nil {
		xTicks = x.ticks()
	}
	for _, t := range xTicks {
		if t.at <= x.to*1.0001 {
			fmt.Fprintf(&b, `<text class="x" x="%.1f" y="%g">%s</text>`, x.at(t.at), plotHigh-bottom+18, esc(t.text))
		}
	}
	fmt.Fprintf(&b, `<text class="x" x="%g" y="%g">%s</text>`, (left+plotWide-right)/2, plotHigh-6, esc(p.X))
	fmt.Fprintf(&b, `<text class="x" transform="translate(14 %g) rotate(-90)">%s</text>`, (top+plotHigh-bottom)/2, esc(p.Y))
	used := []float64{}
	for i, l := range p.lines {
		if len(l.points) == 0 {
			continue
		}
		var path strings.Builder
		for j, v := range l.points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], x.at(v.x), y.at(v.y))
		}
		last := l.points[len(l.points)-1]
		if len(l.points) == 1 { // a line of one point would be invisible
			fmt.Fprintf(&path, "h3")
		}
		label := free(y.at(last.y)+4, used)
		used = append(used, label)
		fmt.Fprintf(&b, `<path class="line l%d" d="%s"/><text class="name l%d" x="%g" y="%.1f">%s</text>`, i, path.String(), i, plotWide-right+8, label, esc(l.name))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // numbers and escaped text
}

// free moves a label up until it overlaps no other.
func free(at float64, used []float64) float64 {
	for moved := true; moved; {
		moved = false
		for _, u := range used {
			if math.Abs(u-at) < 14 {
				at, moved = u-14, true
			}
		}
	}
	return at
}
