package traffic

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

var ingress = mesh.IngressGateway()

// gateway is the caller of the tests' requests.
var gateway = &ingress

// begun is when the Series of the tests begin.
var begun = time.UnixMilli(1_700_000_000_000)

// since returns a Traffic that has begun at that time.
func since() *Traffic {
	t := New()
	t.series.begun = begun
	return t
}

// source returns a workload: "middle-canary".
func source(app, version string) *mesh.Source {
	return &mesh.Source{Namespace: "hopline", Workload: app + "-" + version, Labels: map[string]string{"app": app, "version": version}}
}

// finished returns a request that ends at a time after the beginning.
func finished(by *mesh.Source, end, took time.Duration, status int) *proxy.Access {
	return &proxy.Access{
		Start: begun.Add(end - took), Duration: took, Status: status, By: by, Source: gateway, Traced: true,
		TraceID: fmt.Sprintf("%032x", end.Microseconds()),
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	s := since()
	canary, prod := source("middle", "canary"), source("middle", "prod")
	for i := range 100 {
		s.Access(finished(prod, time.Second+time.Duration(i)*time.Millisecond, time.Duration(i+1)*time.Millisecond, 200))
	}
	s.Access(finished(canary, 6*time.Second, 20*time.Millisecond, 200))
	s.Access(finished(canary, 7*time.Second, 10*time.Millisecond, 404))
	s.Access(finished(canary, 8*time.Second, 90*time.Millisecond, 503))
	s.Access(finished(canary, 9*time.Second, 95*time.Millisecond, 0))
	s.Access(finished(canary, 11*time.Second, time.Millisecond, 200)) // its bucket has not ended

	w := s.series.Read(begun.Add(12*time.Second), time.Time{})
	if w.Begin != begun.UnixMilli() || w.Buckets != 2 || w.Next != 3000 || len(w.Lines) != 2 {
		t.Fatalf("the window is %+v", w)
	}
	want := LineWindow{
		Line:     Line{"hopline", "middle", "canary", "middle-canary"},
		Requests: []uint32{0, 4}, Errors: []uint32{0, 2}, P50: []int64{0, w.Lines[0].P50[1]}, P99: []int64{0, 95_000},
		Examples: []Example{
			{At: begun.UnixMilli() + 6000, Took: 20_000, Status: 200, Trace: fmt.Sprintf("%032x", 6_000_000)},
			{At: begun.UnixMilli() + 8000, Took: 90_000, Status: 503, Failed: true, Trace: fmt.Sprintf("%032x", 8_000_000)},
		},
	}
	if d := cmp.Diff(want, w.Lines[0]); d != "" {
		t.Errorf("canary (-want +got):\n%s", d)
	}
	within(t, "the median of canary", w.Lines[0].P50[1], 20_000)
	within(t, "the median of prod", w.Lines[1].P50[0], 50_000)
	within(t, "the 99th percentile of prod", w.Lines[1].P99[0], 99_000)
	if got := w.Lines[1].Requests; got[0] != 100 || got[1] != 0 {
		t.Errorf("prod has %v requests, want 100 and none", got)
	}

	next := s.series.Read(begun.Add(15*time.Second), begun.Add(10*time.Second))
	if next.Begin != begun.UnixMilli()+10_000 || next.Buckets != 1 || len(next.Lines) != 1 || next.Lines[0].Requests[0] != 1 {
		t.Errorf("the window since the third bucket is %+v", next)
	}
	if none := s.series.Read(begun.Add(16*time.Second), begun.Add(15*time.Second)); none.Buckets != 0 || len(none.Lines) != 0 {
		t.Errorf("no bucket has ended since, and the window is %+v", none)
	}
}

// within checks that a percentile is at most 3.2 % above the exact one.
func within(t *testing.T, what string, got, exact int64) {
	t.Helper()
	if got < exact || float64(got) > 1.032*float64(exact)+1 {
		t.Errorf("%s is %d µs, want %d to 3.2 %% more", what, got, exact)
	}
}

// TestWhoseRequest checks which line the requests without a workload count for.
func TestWhoseRequest(t *testing.T) {
	t.Parallel()
	for want, a := range map[Line]*proxy.Access{
		{"hopline", "core", "prod", "core-prod"}:            {By: source("core", "prod"), Cluster: &mesh.Cluster{Host: "core.hopline.svc.cluster.local"}},
		{"", "alone", "", "alone"}:                          {By: &mesh.Source{Workload: "alone"}},
		{"hopline", "core", "", ""}:                         {Cluster: &mesh.Cluster{Host: "core.hopline.svc.cluster.local", Namespace: "hopline"}},
		{"", "worldtimeapi.org", "", ""}:                    {Cluster: &mesh.Cluster{Host: "worldtimeapi.org"}},
		{gateway.Namespace, "istio-ingressgateway", "", ""}: {},
	} {
		s := since()
		a.Start, a.Source = begun, gateway
		s.Access(a)
		w := s.series.Read(begun.Add(BucketLength), time.Time{})
		if len(w.Lines) != 1 || w.Lines[0].Line != want {
			t.Errorf("the request counts for %+v, want %+v", w.Lines, want)
		}
	}
}

// TestSeriesForgets checks that figures leave the window after 15 minutes, and that workloads without requests are dropped.
func TestSeriesForgets(t *testing.T) {
	t.Parallel()
	s := since()
	s.Access(finished(source("middle", "old"), time.Second, time.Millisecond, 200))
	s.Access(finished(source("middle", "prod"), 900*time.Second, time.Millisecond, 200))
	if w := s.series.Read(begun.Add(902*time.Second), time.Time{}); len(w.Lines) != 1 || w.Buckets != Buckets || w.Lines[0].Version != "old" {
		t.Errorf("after 15 minutes the window has %d buckets of %d lines, want %d of old", w.Buckets, len(w.Lines), Buckets)
	}
	if w := s.series.Read(begun.Add(905*time.Second), time.Time{}); len(w.Lines) != 1 || w.Buckets != Buckets || w.Lines[0].Version != "prod" {
		t.Errorf("five seconds later it has %d buckets of %d lines, want %d of prod", w.Buckets, len(w.Lines), Buckets)
	}
	s.series.forget(begun.Add(906 * time.Second))
	if len(s.series.lines) != 1 {
		t.Errorf("%d lines are kept, want 1", len(s.series.lines))
	}
}

// TestTooManyLines checks that the number of lines is bounded, and that the window counts the others.
func TestTooManyLines(t *testing.T) {
	t.Parallel()
	s := since()
	for range 2 {
		for i := range maxLines + 7 {
			s.Access(finished(source("middle", fmt.Sprint(i)), time.Second, time.Millisecond, 200))
		}
	}
	if w := s.series.Read(begun.Add(BucketLength), time.Time{}); len(w.Lines) != maxLines || w.LeftOut != 7 || w.Lines[0].Requests[0] != 2 {
		t.Errorf("%d lines, %d left out; want %d and 7", len(w.Lines), w.LeftOut, maxLines)
	}
}

// TestUntraced checks that a request without a span is not an example: there is no trace to open.
func TestUntraced(t *testing.T) {
	t.Parallel()
	s := since()
	a := finished(source("middle", "prod"), time.Second, time.Millisecond, 500)
	a.Traced = false
	s.Access(a)
	if w := s.series.Read(begun.Add(BucketLength), time.Time{}); len(w.Lines[0].Examples) != 0 || w.Lines[0].Errors[0] != 1 {
		t.Errorf("%+v, want one error without an example", w.Lines[0])
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	s := since()
	for i := range 2 * maxMarks {
		s.series.mark(Mark{At: begun.UnixMilli() + int64(i), Kind: Restarted, Service: "core", Text: fmt.Sprint(i)})
	}
	marks := s.series.Read(begun.Add(time.Second), time.Time{}).Marks
	if len(marks) != maxMarks || marks[0].Text != fmt.Sprint(maxMarks) || marks[maxMarks-1].Text != fmt.Sprint(2*maxMarks-1) {
		t.Errorf("%d marks from %s, want the last %d", len(marks), marks[0].Text, maxMarks)
	}
	if got := s.series.Read(begun.Add(time.Hour), time.Time{}).Marks; len(got) != 0 {
		t.Errorf("an hour later %d marks are shown, want none", len(got))
	}
	s.series.Mark(RulesSaved, "", "middle.yaml")
	got := s.series.Read(time.Now(), time.Time{}).Marks
	if len(got) != 1 || time.Since(time.UnixMilli(got[0].At)) > time.Minute {
		t.Errorf("the marks are %v, want the one of just now", got)
	}
}

// TestHourIsFlat sends an hour of 50 requests a second through a Series of a whole suite: from the moment when its buckets are full, its
// memory does not grow.
func TestHourIsFlat(t *testing.T) {
	const perSecond = 50
	var workloads []*mesh.Source
	for _, app := range []string{"front", "middle", "core", "clock"} {
		for _, version := range []string{"prod", "canary", "dev"} {
			workloads = append(workloads, source(app, version))
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	s := since()
	feed := func(from, to time.Duration) {
		for at := from; at < to; at += time.Second / perSecond {
			status := 200
			if random.IntN(100) == 0 {
				status = 503
			}
			// Header values of a request may be parts of a longer text, which an example must not keep.
			a := finished(workloads[random.IntN(len(workloads))], at, time.Duration(random.ExpFloat64()*float64(50*time.Millisecond)), status)
			a.TraceID = (a.TraceID + strings.Repeat("x", 1000))[:32]
			s.Access(a)
			if at%BucketLength == 0 {
				s.series.Read(begun.Add(at), begun.Add(at-BucketLength))
			}
		}
	}
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	feed(0, 16*time.Minute)
	full := used()
	feed(16*time.Minute, time.Hour)
	after := used()
	t.Logf("the heap has %d kB before, %d kB more after 16 minutes and %d kB more after an hour", before>>10, (full-before)>>10, (int64(after)-int64(before))>>10)
	if after > full+100<<10 {
		t.Errorf("the heap grew by %d kB between minute 16 and 60, want at most 100", (after-full)>>10)
	}
	if full > before+2<<20 {
		t.Errorf("12 workloads need %d kB, want at most 2048", (full-before)>>10)
	}
	runtime.KeepAlive(s)
}

// BenchmarkSeries measures what Series adds to the cost of a request: of 12 workloads, on all CPUs.
func BenchmarkSeries(b *testing.B) {
	s := newSeries(time.Now())
	var lines []*line
	for i := range 12 {
		lines = append(lines, s.find(Line{Service: fmt.Sprint(i)}))
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		a := proxy.Access{Status: 200, Traced: true, TraceID: strings.Repeat("a", 32), Start: time.Now()}
		for i := 0; pb.Next(); i++ {
			a.Start, a.Duration = a.Start.Add(100*time.Microsecond), time.Duration(i%100)*time.Millisecond
			lines[i%len(lines)].add(&a)
		}
	})
}
