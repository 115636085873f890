package trace

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/zipkin"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spans []*zipkin.Span
		want  []Link
	}{
		{"nothing", nil, nil},
		{"the root's client is unknown", spans("a SERVER front"), nil},
		{"the root's client is known", spans("a SERVER front to:browser"), []Link{{"browser", "front", 1, 0}}},
		{"a client and its server count once, under the server's name", spans("a SERVER front", "b <a CLIENT front to:mid", "c <b SERVER middle"), []Link{{"front", "middle", 1, 0}}},
		{"a shared span too", spans("a SERVER front", "b <a CLIENT front", "b <a SERVER middle shared"), []Link{{"front", "middle", 1, 0}}},
		{"work that does not say where it ran is its client's", spans("b CLIENT front", "b SERVER middle shared", "c <b", "d <c SERVER core"), []Link{{"front", "middle", 1, 0}, {"front", "core", 1, 0}}},
		{"a client whose server says nothing", spans("a SERVER front", "b <a CLIENT front to:db"), []Link{{"front", "db", 1, 0}}},
		{"a server behind local work", spans("a SERVER front", "b <a front", "c <b CLIENT front", "d <c SERVER middle"), []Link{{"front", "middle", 1, 0}}},
		{"work of two known sides is a call", spans("a front to:cache"), []Link{{"front", "cache", 1, 0}}},
		{"failed by the server's word", spans("b CLIENT front", "c <b SERVER middle !error"), []Link{{"front", "middle", 1, 1}}},
		{"failed by the client's word", spans("b CLIENT front !error", "c <b SERVER middle"), []Link{{"front", "middle", 1, 1}}},
		{"a hop that sent nothing itself", spans("a SERVER front", "b <a CLIENT middle to:core"), []Link{{"front", "middle", 1, 0}, {"middle", "core", 1, 0}}},
		{"a broker", spans("a PRODUCER front to:kafka", "b <a CONSUMER middle to:kafka", "c <a CONSUMER core"), []Link{{"front", "kafka", 1, 0}, {"kafka", "middle", 1, 0}}},
		{"twice", spans("a SERVER front", "b <a CLIENT front to:db", "c <a CLIENT front to:db !error"), []Link{{"front", "db", 2, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var linker Linker
			linker.Add(test.spans)
			if diff := cmp.Diff(test.want, linker.Links()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinksAddUpOverTraces(t *testing.T) {
	t.Parallel()
	var linker Linker
	for range 3 {
		linker.Add(spans("b CLIENT front", "c <b SERVER middle"))
		linker.Add(spans("b CLIENT front to:db !error"))
	}
	if diff := cmp.Diff([]Link{{"front", "middle", 3, 0}, {"front", "db", 3, 3}}, linker.Links()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
