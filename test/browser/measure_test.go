package browser

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// What TestManyTabs measures.
const (
	measuredTabs      = 10
	measuredWorkloads = 200
	measuredRate      = 200 // requests a second
)

// TestManyTabs measures what open tabs of the console cost: the lab's processor time for a request with and without them, the frames of a
// page, and whether memory grows. MEASURE sets for how long memory is watched; without it the test is skipped. TABLE names a file for the
// result, as Markdown. The figures mean something only on a machine that does nothing else.
func TestManyTabs(t *testing.T) {
	if os.Getenv("MEASURE") == "" {
		t.Skip("a measurement: MEASURE=1h runs it")
	}
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	soak, err := time.ParseDuration(os.Getenv("MEASURE"))
	if err != nil || soak < 20*time.Second {
		t.Fatalf("MEASURE: want a duration of 20s or more, got %q", os.Getenv("MEASURE"))
	}
	each := min(soak/4, 2*time.Minute)
	l := runLab(t, "", manyEchoes(t, measuredWorkloads))
	l.load(each / 2) // heaps reach their size
	var without, with, frames, work, rss, heap []float64
	for round := range 2 { // in turn, so that what changes with time affects both alike
		without = append(without, l.load(each))
		t.Run("tabs", func(t *testing.T) {
			l := l.in(t)
			first := l.openTabs(measuredTabs, soak+each+5*time.Minute)
			before := first.mainThread()
			with = append(with, l.load(each))
			work = append(work, 1000*(first.mainThread()-before)/each.Seconds())
			frames = append(frames, eval[[]float64](first, `frames_.splice(0)`)...)
			if round == 1 {
				rss, heap = l.watchMemory(first, soak)
			}
		})
	}
	if len(frames) == 0 || len(rss) < 4 {
		t.Fatalf("%d frames and %d samples of memory were taken", len(frames), len(rss))
	}
	tell(t, soak, mean(without), mean(with), mean(work), frames, rss, heap)
}

// openTabs opens tabs with the graph, and returns the first of them, which records the time from frame to frame.
func (l *lab) openTabs(count int, timeout time.Duration) *tab {
	l.t.Helper()
	var first *tab
	for range count {
		p := openFor(l.t, strings.TrimSuffix(l.console, "/"), timeout)
		p.size(1440, 900)
		p.visit(l.console)
		p.until(`document.querySelectorAll("#graph .unit").length > 0 && document.querySelector("#live").textContent === "Live"`)
		first = cmp.Or(first, p)
	}
	eval[any](first, `(() => { window.frames_ = []; let last = performance.now(); const next = (now) => { if (frames_.length < 200000) frames_.push(now - last); last = now; requestAnimationFrame(next); }; requestAnimationFrame(next); })()`)
	return first
}

// mainThread returns the processor time that the page's main thread has used so far, in seconds.
func (p *tab) mainThread() float64 {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, performance.Enable, performance.EnableParams{}); err != nil {
		p.t.Fatal(err)
	}
	result, err := chromedp.Call(p.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	at := slices.IndexFunc(result.Metrics, func(m *performance.Metric) bool { return m.Name == "ThreadTime" })
	if at < 0 {
		p.t.Fatal("Chromium reports no ThreadTime")
	}
	return result.Metrics[at].Value
}

// tell writes the table.
func tell(t *testing.T, soak time.Duration, without, with, work float64, frames, rss, heap []float64) {
	t.Helper()
	slices.Sort(frames)
	quarter := func(values []float64) (second, last float64) {
		n := len(values) / 4
		return mean(values[n : 2*n]), mean(values[len(values)-n:])
	}
	rssSecond, rssLast := quarter(rss)
	heapSecond, heapLast := quarter(heap)
	var b strings.Builder
	fmt.Fprintf(&b, "| | before | after | change | wanted |\n|---|--:|--:|--:|---|\n")
	row := func(name, format string, before, after float64, wanted string) {
		fmt.Fprintf(&b, "| %s | "+format+" | "+format+" | %+.1f %% | %s |\n", name, before, after, 100*(after/before-1), wanted)
	}
	row(fmt.Sprintf("hopline's processor time for a request: without and with %d tabs", measuredTabs), "%.0f µs", without, with, "less than +10 %")
	row(fmt.Sprintf("hopline's memory (RSS): second and last quarter of %v", soak), "%.1f MB", rssSecond, rssLast, "flat")
	row("a page's heap: the same", "%.1f MB", heapSecond, heapLast, "flat")
	fmt.Fprintf(&b, "\n%d workloads, %d requests a second, %d tabs. The state arrives at a page once a second at most. A page's main thread uses %.0f ms of processor time per second "+
		"for it. From one frame of a page to the next: %.1f ms at the median, of %d frames; 16.7 ms is the screen's own rate, which a page keeps while its work takes less.\n",
		measuredWorkloads, measuredRate, measuredTabs, work, frames[len(frames)/2], len(frames))
	t.Log("\n" + b.String())
	if file := os.Getenv("TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// load sends requests with hopline load for a time, and returns the lab's processor time for one of them in microseconds.
func (l *lab) load(duration time.Duration) float64 {
	l.t.Helper()
	before := l.cpu()
	out, err := exec.Command(filepath.Join(bin, "hopline"), "load", "--json", "--rate", strconv.Itoa(measuredRate), "--duration", duration.String(), l.page).Output()
	if err != nil {
		l.t.Fatalf("hopline load: %v\n%s", err, out)
	}
	used := l.cpu() - before
	var report struct{ Planned, Errors int }
	if err := json.Unmarshal(out, &report); err != nil || report.Planned == 0 || report.Errors*100 > report.Planned {
		l.t.Fatalf("%d of %d requests failed, %v; want at most one of a hundred", report.Errors, report.Planned, err)
	}
	if report.Errors > 0 {
		l.t.Logf("%d of %d requests failed: the machine is too busy for figures that mean something", report.Errors, report.Planned)
	}
	return float64(used.Microseconds()) / float64(report.Planned)
}

// watchMemory sends requests for a time, and samples the lab's resident memory and the heap of a page, in MB.
func (l *lab) watchMemory(p *tab, duration time.Duration) (rss, heap []float64) {
	l.t.Helper()
	command := exec.Command(filepath.Join(bin, "hopline"), "load", "--rate", strconv.Itoa(measuredRate), "--duration", duration.String(), l.page)
	if err := command.Start(); err != nil {
		l.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	tick := time.NewTicker(max(duration/240, time.Second))
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				l.t.Fatalf("hopline load: %v", err)
			}
			return rss, heap
		case <-tick.C:
			rss = append(rss, float64(l.number("status", "VmRSS:", 1))/1024)
			heap = append(heap, eval[float64](p, `performance.memory.usedJSHeapSize / 1048576`))
		}
	}
}

// cpu returns the processor time that the lab's own process has used so far.
func (l *lab) cpu() time.Duration {
	l.t.Helper()
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all architectures of Go
	return time.Duration(l.number("stat", ")", 12)+l.number("stat", ")", 13)) * tick
}

// number returns a number from a file of the lab's process in /proc: the field of that place after a word.
func (l *lab) number(file, after string, place int) int64 {
	l.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", l.command.Process.Pid, file))
	if err != nil {
		l.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), after)
	fields := strings.Fields(rest)
	if len(fields) < place {
		l.t.Fatalf("%s has no field %d after %s", file, place, after)
	}
	n, err := strconv.ParseInt(fields[place-1], 10, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// manyEchoes writes an overlay with workloads of one process each, among which the gateway shares the requests.
func manyEchoes(t *testing.T, count int) string {
	t.Helper()
	var text, route strings.Builder
	text.WriteString("apiVersion: v1\nkind: Namespace\nmetadata: {name: many, labels: {istio-injection: enabled}}\n---\n")
	for i := range count {
		name := fmt.Sprint("echo-", i)
		fmt.Fprintf(&text, `apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: many}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: many}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s, version: v1}}
    spec: {containers: [{name: app, image: bounced, ports: [{name: http, containerPort: 8080}, {name: http-admin, containerPort: 8081}]}]}
---
`, name)
		fmt.Fprintf(&route, "        - {destination: {host: %s, port: {number: 80}}, weight: 1}\n", name)
	}
	text.WriteString(`apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry, namespace: many}
spec: {selector: {istio: ingressgateway}, servers: [{port: {name: http, number: 80, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: entry, namespace: many}
spec:
  hosts: ["*"]
  gateways: [entry]
  http:
    - name: entry
      route:
` + route.String())
	dir := t.TempDir()
	for name, content := range map[string]string{"kustomization.yaml": "resources: [all.yaml]\n", "all.yaml": text.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
