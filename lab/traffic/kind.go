package traffic

import (
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// kind identifies requests that are counted together. It is the key of the fast lookup: comparing pointers is ten times faster than comparing the names behind them.
type kind struct {
	source  *mesh.Source
	from    *mesh.Source
	route   *mesh.Route
	cluster *mesh.Cluster
	by      *mesh.Source
	code    int
	reached bool // an endpoint was tried
	copy    bool
	flags   string
}

func kindOf(a *proxy.Access) kind {
	return kind{a.Source, a.From, a.Route, a.Cluster, a.By, a.Status, a.Upstream != "", a.Copy, a.Flags}
}

// counters holds the counters of one kind of requests, and the values that they share. It shares no memory with the proxy's state,
// which would otherwise be kept longer than its pods and tables exist.
type counters struct {
	flow *flow // nil: there are too many
	edge *edge // nil: there are too many
	line *line // nil: there are too many

	key      EdgeKey
	source   *mesh.Source
	from     *mesh.Source
	injected bool
}

func newCounters(a *proxy.Access) *counters {
	return &counters{key: edgeKeyOf(a), source: cloneSource(a.Source), from: cloneSource(a.From), injected: injected(a.Flags)}
}

func cloneSource(s *mesh.Source) *mesh.Source {
	if s == nil {
		return nil
	}
	own := *s
	return &own
}

// injected reports whether a rule's fault delayed or aborted a request, by Envoy's response flags.
func injected(flags string) bool {
	for flag := range strings.SplitSeq(flags, ",") {
		if flag == "DI" || flag == "FI" {
			return true
		}
	}
	return false
}
