package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// line is one curve of a chart.
type line struct {
	name string // in the legend; none when empty
	thin bool   // one of many, in grey
	xys  plotter.XYs
}

func (l *line) add(x, y float64) { l.xys = append(l.xys, plotter.XY{X: x, Y: y}) }

// chart is a plot. draw writes it as an SVG under its file name.
type chart struct {
	file, title, x, y string
	logX, logY        bool
	lines             []line
}

// palette returns the colours of Okabe and Ito, which people with any colour vision can distinguish; lines also differ in their dashes.
func palette() []color.Color {
	return []color.Color{
		color.RGBA{0x00, 0x72, 0xb2, 0xff}, // blue
		color.RGBA{0xd5, 0x5e, 0x00, 0xff}, // vermilion
		color.RGBA{0x00, 0x9e, 0x73, 0xff}, // bluish green
		color.RGBA{0xcc, 0x79, 0xa7, 0xff}, // reddish purple
	}
}

// dashes returns the dashes of the curves, in the palette's order.
func dashes() [][]vg.Length {
	return [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)}, {vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)}}
}

// draw writes charts into the folder of plots.
func (b *bench) draw(charts ...chart) error {
	if err := os.MkdirAll(b.plots, 0o755); err != nil {
		return err
	}
	for _, c := range charts {
		if err := c.save(filepath.Join(b.plots, c.file+".svg")); err != nil {
			return fmt.Errorf("plot %s: %w", c.file, err)
		}
	}
	return nil
}

func (c chart) save(path string) error {
	p := plot.New() // on white, for light and dark pages
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	for _, style := range []*plot.Axis{&p.X, &p.Y} {
		style.Label.TextStyle.Font.Variant, style.Tick.Label.Font.Variant = "Sans", "Sans"
	}
	p.Title.TextStyle.Font.Variant, p.Legend.TextStyle.Font.Variant = "Sans", "Sans"
	p.Title.TextStyle.Font.Size = 12
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xe4}, color.Gray{0xe4}
	p.Add(grid)
	coloured := 0
	for _, l := range c.lines {
		if len(l.xys) == 0 {
			return fmt.Errorf("%s has no points", l.name)
		}
		curve, points, err := plotter.NewLinePoints(l.xys)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		switch {
		case l.thin:
			curve.Color, curve.Width = color.Gray{0xa0}, vg.Points(0.7)
		default:
			curve.Color, curve.Width = palette()[coloured%len(palette())], vg.Points(1.6)
			curve.Dashes = dashes()[coloured%len(dashes())]
			coloured++
		}
		p.Add(curve)
		if len(l.xys) <= 12 { // few enough to tell apart
			points.Color, points.Radius = curve.Color, vg.Points(2.4)
			p.Add(points)
		}
		if l.name != "" {
			p.Legend.Add(l.name, curve)
		}
	}
	if c.logX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	} else {
		p.X.Min = 0
	}
	if c.logY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Max *= 20 // room for the legend
	} else {
		p.Y.Min, p.Y.Max = 0, p.Y.Max*1.35 // from 0, with room for the legend
	}
	return write(p, path)
}

// write draws a plot, with a margin for the labels of its outermost ticks.
func write(p *plot.Plot, path string) error {
	canvas := vgsvg.New(12.5*vg.Centimeter, 7.5*vg.Centimeter)
	whole := draw.New(canvas)
	whole.FillPolygon(p.BackgroundColor, []vg.Point{whole.Min, {X: whole.Max.X, Y: whole.Min.Y}, whole.Max, {X: whole.Min.X, Y: whole.Max.Y}})
	const margin = 4 * vg.Millimeter
	p.Draw(draw.Crop(whole, margin, -margin, margin, -margin))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(f)
	return errors.Join(err, f.Close())
}
