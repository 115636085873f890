package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A chart is an SVG with the requested content. Thin lines without a name have no legend.
func TestDraw(t *testing.T) {
	b := bench{plots: t.TempDir()}
	first, second, thin := line{name: "first"}, line{name: "second"}, line{thin: true}
	for _, x := range []float64{1, 10, 10_000} {
		first.add(x, 3*x)
		second.add(x, 2)
		thin.add(x, 1)
	}
	for _, logarithmic := range []bool{false, true} {
		if err := b.draw(chart{file: "c", title: "A title", x: "routes", y: "ms", logX: logarithmic, logY: logarithmic, lines: []line{first, second, thin}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(b.plots, "c.svg"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"A title", "first", "second", "routes", "ms", "#0072B2", "#D55E00"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %q in the plot", want)
			}
		}
		d := xml.NewDecoder(strings.NewReader(string(text)))
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("not XML: %v", err)
		}
	}
}

// A line without points is an error.
func TestDrawNothing(t *testing.T) {
	b := bench{plots: t.TempDir()}
	if err := b.draw(chart{file: "c", lines: []line{{name: "empty"}}}); err == nil {
		t.Error("want an error for a line without points")
	}
}
