package up

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/drive"
	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/lesson"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"github.com/hopline/hopline/lab/send"
	"github.com/hopline/hopline/lab/traffic"
	"github.com/hopline/hopline/lab/zipkin"
	"github.com/hopline/hopline/pkg/guard"
)

// loopback is the address of the processes and the sidecars, independent of Options.Host.
const loopback = "127.0.0.1"

// gatewayPort is the port of Gateway objects that the ingress port maps to.
const gatewayPort = 80

// Bounds of a graceful end: for requests from outside that are in flight, and for the processes.
const (
	drainTime = 15 * time.Second
	stopTime  = 60 * time.Second
)

// Options holds the user's options. Port 0 means any free port.
type Options struct {
	Overlay      string   // directory; with Anybody the name of all inputs for messages
	Anybody      *Anybody // if set, its files are run, and Overlay is not read
	Host         string   // address on which the user's ports are opened
	AllowDriving bool     // also other machines may change the lab, if Host is reached by them
	AllowHosts   []string // names other than localhost under which the console may be reached
	IngressPort  int
	ConsolePort  int
	ZipkinPort   int
	OTLPPort     int
	Forward      string           // base URL of a Zipkin or Jaeger that also receives every span; empty: none
	Logs         Logs             // which output of the processes is shown
	Programs     []workload.Given // for images that are not the suite's
	Bin          string           // directory of the programs; empty: those of the checkout, those in this program's directory, or those that it carries
	Build        Build
	Screen       tty.Screen
}

// lab holds the running suite.
type lab struct {
	options   Options
	dir       string // absolute path of the overlay
	terminal  *terminal
	builder   builder
	listeners listeners
	servers   servers

	traffic   *traffic.Traffic
	registry  *prometheus.Registry
	traces    *collector.Collector
	proxy     *proxy.Proxy
	workloads *workload.Supervisor
	nodePorts *nodePorts
	sender    *send.Sender
	console   *console.Console
	drive     *drive.Drive
	guide     *lesson.Guide
	watcher   *snapshot.Watcher
	running   context.Context    // ends when the user stops the lab
	forget    func()             // removes the token of this run
	changed   chan struct{}      // a pod's status has changed
	saved     chan chan struct{} // a request to apply the saved files; its channel is closed once they are applied
	bypasses  []string           // warnings of programs that ignore their proxy, printed so far
	warned    []string           // the warnings of the edition before, which are not repeated

	mu      sync.Mutex
	active  edition // what runs; Switch reads it without mu, because only drive changes it
	edition console.Edition
}

// listeners holds the listeners of the addresses that are shown to the user, and of the sidecars.
type listeners struct{ ingress, console, zipkin, otlp, sidecar net.Listener }

// Run runs the lab until ctx ends, and then stops everything in order, or immediately once now ends as well. It returns nil after such an
// end, and otherwise the error that kept the lab from running. Nothing is left running in any case.
func Run(ctx, now context.Context, o Options) error {
	begun := time.Now()
	l := &lab{
		options: o, terminal: newTerminal(o.Screen, o.Logs), traffic: traffic.New(), registry: prometheus.NewRegistry(),
		changed: make(chan struct{}, 1), saved: make(chan chan struct{}), running: ctx,
	}
	defer l.terminal.close()
	if err := o.check(); err != nil {
		return err
	}
	var inUse error
	l.listeners, inUse = openListeners(o)
	defer l.listeners.close()
	first, err := l.first(ctx)
	if err == nil && inUse == nil {
		err = l.builder.build(ctx, first.needs())
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := errors.Join(err, inUse); err != nil {
		return err
	}
	if err := l.assemble(); err != nil {
		return err
	}
	defer l.stop(now)
	if err := l.apply(first); err != nil {
		return current.CannotRun(bundle.Shown(o.Overlay), err)
	}
	l.drive.Begin(first.overlay, first.table)
	if err := l.watch(first); err != nil {
		return err
	}
	defer func() { _ = l.watcher.Close() }()
	l.serve()
	return l.follow(ctx, first, begun)
}

func openListeners(o Options) (listeners, error) {
	opened, err := open(o.Host, []listenPort{
		{what: "the ingress gateway", port: o.IngressPort, remedy: "--ingress-port sets another one"},
		{what: "the console", port: o.ConsolePort, remedy: "--console-port sets another one", console: true},
		{what: "Zipkin's API", port: o.ZipkinPort, remedy: "--zipkin-port sets another one"},
		{what: "OTLP", port: o.OTLPPort, remedy: "--otlp-port sets another one"},
	})
	if err != nil {
		return listeners{}, err
	}
	d := listeners{ingress: opened[0], console: opened[1], zipkin: opened[2], otlp: opened[3]}
	if opened, err = open(loopback, []listenPort{{what: "the sidecars", remedy: "the lab needs a free port"}}); err != nil {
		d.close()
		return listeners{}, err
	}
	d.sidecar = opened[0]
	return d, nil
}

// close closes the listeners that no server has closed.
func (d listeners) close() {
	for _, l := range []net.Listener{d.ingress, d.console, d.zipkin, d.otlp, d.sidecar} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// first renders the overlay for the first time and checks it. Its programs are not built yet.
func (l *lab) first(ctx context.Context) (edition, error) {
	var err error
	if l.dir, err = filepath.Abs(l.options.home()); err != nil {
		return edition{}, err
	}
	var root string
	if l.options.Bin, root, err = programs(ctx, l.options.Bin, l.dir, l.terminal.note); err != nil {
		return edition{}, err
	}
	l.builder = builder{root: root, bin: l.options.Bin, when: l.options.Build, say: l.terminal.note}
	if err := l.options.Anybody.readStdin(); err != nil {
		return edition{}, err
	}
	first, err := l.load(l.dir)
	if err != nil {
		return first, usage.Error(current.CannotRun(bundle.Shown(l.options.Overlay), err))
	}
	if err := l.options.Logs.check(first.overlay); err != nil {
		return first, err
	}
	return first, usage.Error(l.programs().Unused(first.overlay))
}

// assemble creates the parts of the lab and connects them. Nothing runs yet.
func (l *lab) assemble() error {
	l.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var err error
	consoleURL := localURL(l.options.Host, l.listeners.console) + "/"
	if l.traces, err = collector.New(collector.Options{Forward: l.options.Forward, Console: consoleURL, Registry: l.registry}); err != nil {
		return err
	}
	l.proxy = proxy.New(proxy.Options{Registry: l.registry, Span: func(s *zipkin.Span) { l.traces.Add(s) }, Access: l.traffic.Access, Ejected: l.ejected})
	l.drive = drive.New(driven{l})
	l.nodePorts = &nodePorts{host: l.options.Host, proxy: l.proxy, open: map[nodePort]net.Listener{}}
	l.workloads, err = workload.New(workload.Options{
		Programs: l.programs(), Host: loopback,
		Zipkin: localURL(loopback, l.listeners.zipkin) + "/api/v2/spans",
		OTLP:   localURL(loopback, l.listeners.otlp),
		UI:     consoleURL + "trace/{traceID}",
		Proxy: func(pod *mesh.Pod) string {
			u := url.URL{Scheme: "http", Host: l.listeners.sidecar.Addr().String(), User: l.proxy.Credentials(pod.Name)}
			return u.String()
		},
		Pods:    l.proxy.SetPods,
		Changed: l.podChanged,
		Line:    l.terminal.follow,
		Restart: l.restarting,
	})
	if err != nil {
		l.traces.Close()
		return errors.Join(err, l.proxy.Close())
	}
	l.sender = send.New(send.Sender{
		Ingress: dialable(l.listeners.ingress), Sidecar: l.listeners.sidecar.Addr().String(), Credentials: l.proxy.Credentials, Pods: l.workloads.Status,
		Span: func(s *zipkin.Span) { l.traces.Add(s) }, Console: consoleURL,
	})
	if l.guide, err = l.newGuide(); err != nil {
		return err
	}
	driving := l.driving()
	l.console = console.New(source{l}, l.traces, driving, l.hosts()...)
	l.forget = l.writeToken(driving)
	return nil
}

// serve starts the servers on the listeners.
func (l *lab) serve() {
	l.servers.start(proxy.NewServer(l.proxy.Entry(gatewayPort)), l.listeners.ingress)
	l.servers.start(proxy.NewServer(l.proxy.Sidecar()), l.listeners.sidecar)
	l.servers.start(newServer(l.consoleHandler()), l.listeners.console)
	l.servers.start(newServer(l.guarded(l.traces.Zipkin())), l.listeners.zipkin)
	l.servers.start(newServer(l.guarded(l.traces.OTLP())), l.listeners.otlp)
}

// consoleHandler returns the handler of the console's port.
func (l *lab) consoleHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", l.console)
	mux.Handle("GET /sd", l.guarded(discovery(l.workloads.Status)))
	mux.Handle("GET /pods", l.guarded(pods(l.current)))
	mux.Handle("GET /pods/{pod}/metrics", l.guarded(podMetrics(l.workloads.Status)))
	mux.Handle("GET /metrics", l.guarded(promhttp.HandlerFor(l.registry, promhttp.HandlerOpts{Registry: l.registry, EnableOpenMetrics: true})))
	return mux
}

// current returns the state of the lab for other commands.
func (l *lab) current() current.Lab {
	return current.Lab{Overlay: l.drive.Dir(), Anybody: absolute(l.inputs(l.drive.Dir())), Edits: l.drive.Edits(), Pods: l.workloads.Status(), Ejections: l.proxy.Ejections()}
}

// guarded serves h, except to web pages of other origins.
func (l *lab) guarded(h http.Handler) http.Handler { return guard.Handler(h, l.hosts()...) }

// hosts returns the names other than localhost under which the console may be reached.
func (l *lab) hosts() []string { return append([]string{l.options.Host}, l.options.AllowHosts...) }

// stop ends everything: first the requests from outside, then the processes, then what the processes use until their end. When now ends, it
// stops immediately.
func (l *lab) stop(now context.Context) {
	drain, cancel := context.WithTimeout(now, drainTime)
	defer cancel()
	l.forget()
	if err := l.guide.Close(); err != nil {
		l.terminal.warn("the end of a lesson: %v", err)
	}
	l.drive.Close()
	l.nodePorts.close()
	l.servers.shutdown(drain, l.listeners.ingress)
	end, cancel := context.WithTimeout(now, stopTime)
	defer cancel()
	l.workloads.Close(end)
	l.servers.close()
	_ = l.proxy.Close()
	l.nodePorts.serve.Wait()
	l.traces.Close()
}
