// Command labproxy is only the lab's ingress, with any number of rules, before one upstream: bench compares it with Envoy. For each request
// it does what Envoy does beside it: a span to a Zipkin, Istio's metrics, a line in a file.
package main

import (
	"bufio"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime/trace"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/zipkin"
	"github.com/prometheus/client_golang/prometheus"
	networking "istio.io/api/networking/v1alpha3"
)

func main() {
	rules := flag.Int("rules", 10, "VirtualServices, a host each")
	port := flag.String("port", "", "port of the ingress")
	upstream := flag.String("upstream", "", "port of the upstream")
	forward := flag.String("zipkin", "", "a Zipkin that gets the spans")
	file := flag.String("log", "", "file of the access log")
	traced := flag.String("trace", "", "file of an execution trace, for go tool trace; none when empty")
	flag.Parse()
	if *traced != "" {
		stop, err := startTrace(*traced)
		if err != nil {
			log.Fatal("labproxy: ", err)
		}
		defer stop()
	}
	if err := run(*rules, *port, *upstream, *forward, *file); err != nil {
		log.Fatal("labproxy: ", err)
	}
}

// startTrace writes a trace of running and waiting goroutines to a file until stop is called.
func startTrace(file string) (stop func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := trace.Start(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { trace.Stop(); f.Close() }, nil
}

func run(rules int, port, upstream, forward, file string) error {
	table, err := mesh.Compile(configuration(rules))
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	lines := &accessLog{w: bufio.NewWriterSize(f, 64<<10)} // Envoy's buffer
	// It forwards spans, as Envoy does. The traces that the lab also keeps for its console are not compared here.
	spans, err := collector.New(collector.Options{Forward: forward, Limits: collector.Limits{Spans: 1_000}})
	if err != nil {
		return err
	}
	defer spans.Close()
	p := proxy.New(proxy.Options{Registry: prometheus.NewRegistry(), Span: func(s *zipkin.Span) { spans.Add(s) }, Access: lines.add})
	defer p.Close()
	p.Swap(table)
	p.SetPods([]mesh.Pod{{Name: "upstream-1", Ready: true, Ports: map[int]string{8080: "127.0.0.1:" + upstream}, Names: map[string]int{"http": 8080},
		Source: mesh.Source{Workload: "upstream", Namespace: "bench", Labels: map[string]string{"app": "upstream"}, Principal: "cluster.local/ns/bench/sa/default"}}})
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	server := proxy.NewServer(p.Gateway(mesh.IngressGateway(), 80))
	go server.Serve(l)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	return errors.Join(server.Close(), lines.flush(), f.Close())
}

// configuration returns n VirtualServices of one host each, at a gateway, before one Service.
func configuration(n int) *overlay.Overlay {
	meta := func(kind, name string) overlay.Meta {
		return overlay.Meta{APIVersion: "v1", Kind: kind, Namespace: "bench", Name: name}
	}
	labels := map[string]string{"app": "upstream"}
	o := &overlay.Overlay{
		Namespaces: []overlay.Meta{{APIVersion: "v1", Kind: "Namespace", Name: "bench"}},
		Services:   []overlay.Service{{Meta: meta("Service", "upstream"), Selector: labels, Ports: []overlay.ServicePort{{Name: "http", Port: 80, Target: "http"}}}},
		Gateways: []overlay.Istio[*networking.Gateway]{{Meta: meta("Gateway", "gateway"), Spec: &networking.Gateway{
			Selector: map[string]string{"istio": "ingressgateway"},
			Servers:  []*networking.Server{{Port: &networking.Port{Number: 80, Name: "http", Protocol: "HTTP"}, Hosts: []string{"*"}}}}}},
	}
	for i := range n {
		host := "service-" + strconv.Itoa(i) + ".bench"
		o.VirtualServices = append(o.VirtualServices, overlay.Istio[*networking.VirtualService]{Meta: meta("VirtualService", host), Spec: &networking.VirtualService{
			Hosts: []string{host}, Gateways: []string{"gateway"},
			Http: []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "upstream"}}}}}}})
	}
	return o
}

// accessLog writes a line for a request in Istio's default format.
type accessLog struct {
	mu   sync.Mutex
	w    *bufio.Writer
	line []byte
}

func (l *accessLog) add(a *proxy.Access) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := append(l.line[:0], '[')
	b = a.Start.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(append(append(append(b, `] "`...), a.Method...), ' '), a.Path...)
	b = append(b, ` HTTP/1.1" `...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(append(b, ' '), a.Flags...)
	for _, n := range [...]int64{a.Received, a.Sent, a.Duration.Milliseconds()} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	for _, text := range [...]string{a.RequestID, a.Authority, a.Upstream} {
		b = append(append(append(b, ` "`...), text...), '"')
	}
	b = append(b, '\n')
	l.line = b
	l.w.Write(b)
}

// flush writes the buffered lines.
func (l *accessLog) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Flush()
}
