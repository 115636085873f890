package collector

import (
	"testing"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/zipkin"
)

func TestSubscription(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	sub := c.Subscribe(5)
	c.Add(hop(0, 0))
	var got []*zipkin.Span
	await.That(t, "the span", func() bool { got = sub.Take(); return len(got) > 0 })
	if len(got) != 1 || got[0].ID != "0000000000000001" {
		t.Errorf("took %v", got)
	}
	for n := range 9 {
		c.accept([]*zipkin.Span{hop(1, n)})
	}
	if got := sub.Take(); len(got) != 5 || sub.Dropped() != 4 {
		t.Errorf("took %d and dropped %d of 9 with room for 5", len(got), sub.Dropped())
	}
	sub.Close()
	sub.Close()
	c.accept([]*zipkin.Span{hop(2, 0)})
	if got := sub.Take(); len(got) != 0 {
		t.Errorf("a closed subscription got %v", got)
	}
}

func TestCloseStoresAndEndsSubscriptions(t *testing.T) {
	t.Parallel()
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	sub := c.Subscribe(10)
	c.Add(hop(0, 0))
	c.Close()
	<-sub.Done()
	if got := sub.Take(); len(got) != 1 {
		t.Errorf("the last span is missing: %v", got)
	}
	sub.Close()
}
