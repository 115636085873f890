package up

import (
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
)

func TestNodePortsAreThoseOfTheOverlay(t *testing.T) {
	t.Parallel()
	o, err := overlay.Load(shipped.Overlay(t, "plain"))
	if err != nil {
		t.Fatal(err)
	}
	want := []nodePort{{namespace: "hopline", service: "front", port: 80, node: 30100}}
	if diff := cmp.Diff(want, nodePortsOf(o), cmp.AllowUnexported(nodePort{})); diff != "" {
		t.Errorf("node ports (-want +got):\n%s", diff)
	}
}

func TestNodePortsOpenAllOrChangeNothing(t *testing.T) {
	t.Parallel()
	p := proxy.New(proxy.Options{})
	defer func() { _ = p.Close() }()
	n := &nodePorts{host: "127.0.0.1", proxy: p, open: map[nodePort]net.Listener{}}
	defer n.serve.Wait()
	defer n.close()

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first := nodePort{"hopline", "front", 80, 0}
	if err := n.set([]nodePort{first}); err != nil {
		t.Fatal(err)
	}
	address := n.open[first].Addr().String()
	err = n.set([]nodePort{
		{"hopline", "back", 80, 0},
		{"hopline", "side", 80, taken.Addr().(*net.TCPAddr).Port},
	})
	if err == nil || !strings.Contains(err.Error(), "Service hopline/side") || !strings.Contains(err.Error(), "nodePort") {
		t.Errorf("error %v, want it to name the Service", err)
	}
	if diff := cmp.Diff([]nodePort{first}, n.list(), cmp.AllowUnexported(nodePort{})); diff != "" {
		t.Errorf("open after an error (-want +got):\n%s", diff)
	}
	if err := n.set(nil); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("a port that is no longer wanted is still open")
	}
}
