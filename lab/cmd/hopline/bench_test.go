package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/shipped"
)

// BenchmarkUp starts the suite as `make run` does, with built programs, and measures what a user notices: the time from the start of the
// process until every process is ready and until the first page has loaded (ms), the memory of all processes ten pages later (MB; pss
// counts shared pages once), the time from a saved weight to the new rules, and the time of a graceful end.
func BenchmarkUp(b *testing.B) {
	bin, err := programs()
	if err != nil {
		b.Fatal(err)
	}
	sums := map[string]float64{}
	runs := 0.0
	for b.Loop() {
		for unit, value := range oneRun(b, bin) {
			sums[unit] += value
		}
		runs++
	}
	for unit, sum := range sums {
		b.ReportMetric(sum/runs, unit)
	}
	b.ReportMetric(0, "ns/op") // the time of the whole run has no meaning
}

// oneRun starts and stops the suite once and returns the figures.
func oneRun(b *testing.B, bin string) map[string]float64 {
	b.Helper()
	deploy := shipped.Deploy(b)
	measured := map[string]float64{}
	since := func(begun time.Time) float64 { return float64(time.Since(begun).Microseconds()) / 1000 }

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	begun := time.Now()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "hopline"), append([]string{"up", "--bin", bin, "--build=never", filepath.Join(deploy, "overlays/canary")}, anyPorts...)...)
	screen := newScreenful()
	cmd.Stdout, cmd.Stderr = screen, screen
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	until(b, screen, func() bool { return strings.Contains(screen.String(), "Ctrl-C stops everything") })
	measured["ms-ready"] = since(begun)
	urls := addresses(screen.String())
	page(b, urls["Page"]+"/")
	measured["ms-first-page"] = since(begun)
	for range 10 {
		page(b, urls["Page"]+"/hops")
	}
	rss, pss := memory(cmd.Process.Pid)
	measured["rss-MB"], measured["pss-MB"] = rss, pss

	middle := filepath.Join(deploy, "overlays/canary/middle.yaml")
	text, err := os.ReadFile(middle)
	if err != nil {
		b.Fatal(err)
	}
	changed := strings.NewReplacer("weight: 80", "weight: 70", "weight: 20", "weight: 30").Replace(string(text))
	saved := time.Now()
	if err := os.WriteFile(middle, []byte(changed), 0o644); err != nil {
		b.Fatal(err)
	}
	until(b, screen, func() bool { return strings.Contains(page(b, urls["Console"]+"/api/state"), `"revision":2`) })
	measured["ms-live"] = since(saved)

	stopped := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		b.Skip("there is no way here to send one process a Ctrl-C")
	}
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%v\n%s", err, screen)
	}
	measured["ms-stop"] = since(stopped)
	return measured
}

func until(b *testing.B, screen *screenful, done func() bool) {
	b.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			b.Fatalf("waited 30 s; hopline said:\n%s", screen)
		}
		<-tick.C
	}
}

func page(b *testing.B, url string) string {
	b.Helper()
	response, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %v, %s", url, err, response.Status)
	}
	return string(body)
}

// memory returns the resident memory of a process and its children in MB, from /proc: with shared pages counted for each process, and
// counted once.
func memory(process int) (rss, pss float64) {
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		dir := filepath.Dir(file)
		if dir != "/proc/"+strconv.Itoa(process) && kilobytes(string(status), "PPid:") != float64(process) {
			continue
		}
		rss += kilobytes(string(status), "VmRSS:") / 1024
		rollup, _ := os.ReadFile(dir + "/smaps_rollup")
		pss += kilobytes(string(rollup), "Pss:") / 1024
	}
	return rss, pss
}

// kilobytes returns the number after a name in a file of /proc.
func kilobytes(text, name string) float64 {
	m := regexp.MustCompile(`(?m)^` + name + `\s+(\d+)`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n
}
