package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBackoffGrowsAsTheKubeletsDoes(t *testing.T) {
	t.Parallel()
	var b backoff
	now := time.Unix(1000, 0)
	var got []time.Duration
	for range 8 {
		wait := b.next(now)
		got = append(got, wait)
		now = now.Add(wait + time.Second)
	}
	want := []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 5 * time.Minute, 5 * time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits before each restart (-want +got):\n%s", diff)
	}
}

func TestBackoffStartsOverAfterTenMinutesOfRunning(t *testing.T) {
	t.Parallel()
	var b backoff
	now := time.Unix(1000, 0)
	for range 4 {
		now = now.Add(b.next(now) + time.Second)
	}
	if got := b.next(now.Add(10*time.Minute - 2*time.Second)); got == 0 {
		t.Error("a process that ran for less than 10 min was restarted immediately")
	}
	now = b.last.Add(10*time.Minute + time.Second)
	if got := b.next(now); got != 0 {
		t.Errorf("after more than 10 min of running the wait is %v, want none", got)
	}
	if got := b.next(now.Add(time.Second)); got != 10*time.Second {
		t.Errorf("the wait after that is %v, want 10s", got)
	}
}
