package consensus

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// chart is a plot of lines.
type chart struct {
	Title, X, Y              string
	Left, Right, Bottom, Top float64
	Log                      bool      // the Y axis is logarithmic
	Ticks                    []float64 // of the Y axis; the X axis has five
	Level                    []float64 // dashed horizontal lines
	Marks                    []mark
	Lines                    []line
}

// mark is a dashed vertical line with a word on it.
type mark struct {
	X    float64
	Text string
}

// line is a series of points; Colour is one of the style sheet's.
type line struct {
	Name   string
	Colour int
	Points [][2]float64
}

// fromOne numbers values from 1.
func fromOne(ys []float64) [][2]float64 {
	points := make([][2]float64, len(ys))
	for i, y := range ys {
		points[i] = [2]float64{float64(i + 1), y}
	}
	return points
}

// plot writes a chart where CHEESE_PLOTS says, if it does.
func plot(t *testing.T, name string, c chart) {
	if dir := os.Getenv("CHEESE_PLOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), []byte(c.svg()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The picture brings its own ground, so that it can be read on any page; it follows the reader's choice of light or
// dark.
const chartStyle = `<style>
.g{fill:#fff}.t{fill:#1f2328;font:13px system-ui,sans-serif}.b{font-weight:600;font-size:15px}
.a{stroke:#8b949e;stroke-width:1}.f{stroke:#8b949e;stroke-opacity:.3}.d{stroke:#8b949e;stroke-dasharray:5 4}
.l{fill:none;stroke-width:2;stroke-linejoin:round}
.s0{stroke:#0969da}.s1{stroke:#d4a72c}.s2{stroke:#cf222e}.s3{stroke:#1a7f37}.s4{stroke:#8250df}.s5{stroke:#bc4c00}
.p0{fill:#0969da}.p1{fill:#d4a72c}.p2{fill:#cf222e}.p3{fill:#1a7f37}.p4{fill:#8250df}.p5{fill:#bc4c00}
@media (prefers-color-scheme:dark){.g{fill:#0d1117}.t{fill:#e6edf3}
.s0{stroke:#58a6ff}.s1{stroke:#e3b341}.s2{stroke:#ff7b72}.s3{stroke:#56d364}.s4{stroke:#d2a8ff}.s5{stroke:#ffa657}
.p0{fill:#58a6ff}.p1{fill:#e3b341}.p2{fill:#ff7b72}.p3{fill:#56d364}.p4{fill:#d2a8ff}.p5{fill:#ffa657}}
</style>
`

const (
	chartWidth, chartHeight               = 760.0, 400.0
	plotLeft, plotRight, plotTop, plotEnd = 64.0, 740.0, 44.0, 346.0
)

func (c chart) x(x float64) float64 {
	return plotLeft + (plotRight-plotLeft)*(x-c.Left)/(c.Right-c.Left)
}

func (c chart) y(y float64) float64 {
	bottom, top := c.Bottom, c.Top
	y = min(max(y, bottom), top)
	if c.Log {
		y, bottom, top = math.Log(y), math.Log(bottom), math.Log(top)
	}
	return plotEnd - (plotEnd-plotTop)*(y-bottom)/(top-bottom)
}

// svg draws the chart.
func (c chart) svg() string {
	var b strings.Builder
	text := func(x, y float64, class, anchor, s string) {
		fmt.Fprintf(&b, `<text class="%s" x="%.0f" y="%.0f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, s)
	}
	stroke := func(class string, x1, y1, x2, y2 float64) {
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", class, x1, y1, x2, y2)
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img"><title>%s</title>`+"\n", chartWidth, chartHeight, c.Title)
	b.WriteString(chartStyle)
	fmt.Fprintf(&b, `<rect class="g" width="%.0f" height="%.0f"/>`+"\n", chartWidth, chartHeight)
	text(plotLeft, 24, "t b", "start", c.Title)
	for _, y := range c.Ticks {
		stroke("f", plotLeft, c.y(y), plotRight, c.y(y))
		text(plotLeft-8, c.y(y)+4, "t", "end", fmt.Sprintf("%g", y))
	}
	for i := range 6 {
		x := c.Left + (c.Right-c.Left)*float64(i)/5
		stroke("a", c.x(x), plotEnd, c.x(x), plotEnd+5)
		text(c.x(x), plotEnd+20, "t", "middle", fmt.Sprintf("%.4g", x))
	}
	stroke("a", plotLeft, plotEnd, plotRight, plotEnd)
	stroke("a", plotLeft, plotTop, plotLeft, plotEnd)
	text((plotLeft+plotRight)/2, chartHeight-12, "t", "middle", c.X)
	fmt.Fprintf(&b, `<text class="t" transform="translate(18 %.0f) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (plotTop+plotEnd)/2, c.Y)
	for _, y := range c.Level {
		stroke("d", plotLeft, c.y(y), plotRight, c.y(y))
	}
	for _, m := range c.Marks {
		stroke("d", c.x(m.X), plotTop, c.x(m.X), plotEnd)
		text(c.x(m.X)-6, plotTop+16, "t", "end", m.Text)
	}
	for i, l := range c.Lines {
		c.draw(&b, l)
		x, y := plotRight-150, plotTop-24+float64(16*i)
		fmt.Fprintf(&b, `<rect class="p%d" x="%.0f" y="%.0f" width="12" height="4"/>`+"\n", l.Colour, x, y)
		text(x+18, y+6, "t", "start", l.Name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (c chart) draw(b *strings.Builder, l line) {
	fmt.Fprintf(b, `<polyline class="l s%d" points="`, l.Colour)
	for _, p := range l.Points {
		fmt.Fprintf(b, "%.1f,%.1f ", c.x(p[0]), c.y(p[1]))
	}
	b.WriteString(`"/>` + "\n")
}
