package fidelity

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"
	meshconfig "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	istiolog "istio.io/istio/pkg/log"
)

// istio is Istio itself: its discovery server, and stock Envoys that it configures, one as the sidecar of a workload, one as the ingress
// gateway. The sidecar runs in interception mode NONE, with a listener on loopback for every Service port, which has the same routes as
// behind iptables. Mutual TLS, authorization and telemetry are left out: only a cluster can test them.
type istio struct {
	w          *world
	envoy      string
	discovery  int
	server     *xds.FakeDiscoveryServer
	gateway    int // the port in place of a Gateway's port 80
	sidecar    *envoy
	ingress    *envoy
	applied    []config.Config
	gatewayAPI gatewayObjects
	client     *http.Client
	cleanups   []func()
}

// gatewayPort replaces a Gateway's port 80. In its own network namespace nothing else uses it, because it is not in the kernel's ephemeral
// range.
const gatewayPort = 15080

// newIstio starts the discovery server and the gateway. binary is Envoy's path.
func newIstio(w *world, binary string) (*istio, error) {
	quiet := istiolog.DefaultOptions()
	quiet.SetDefaultOutputLevel(istiolog.OverrideScopeName, istiolog.NoneLevel)
	if err := istiolog.Configure(quiet); err != nil {
		return nil, err
	}
	log.SetOutput(os.Stderr) // Istio's logger has replaced the standard one
	e := &istio{w: w, envoy: binary, gateway: gatewayPort, client: &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	mc := mesh.DefaultMeshConfig()
	mc.EnableAutoMtls = wrapperspb.Bool(false)
	mc.OutboundTrafficPolicy = &meshconfig.MeshConfig_OutboundTrafficPolicy{Mode: meshconfig.MeshConfig_OutboundTrafficPolicy_REGISTRY_ONLY} // as always in the lab
	mc.DefaultProviders = &meshconfig.MeshConfig_DefaultProviders{}
	permanent, err := parseRules([]string{noCertificates})
	if err != nil {
		return nil, err
	}
	if e.gatewayAPI.validator, err = newValidator(); err != nil {
		return nil, err
	}
	e.server = xds.NewFakeDiscoveryServer(e, xds.FakeOptions{
		Configs: permanent, KubernetesObjects: w.kubernetes(e.gateway), MeshConfig: mc,
		DebounceTime: 10 * time.Millisecond, // one push for a set of rules, not one for each object
		ListenerBuilder: func() (net.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				e.discovery = l.Addr().(*net.TCPAddr).Port
			}
			return l, err
		},
	})
	return e, nil
}

// noCertificates keeps the sidecar from waiting for its certificate before it opens a port.
const noCertificates = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
`

// parseRules parses Istio's objects.
func parseRules(docs []string) ([]config.Config, error) {
	configs, _, err := crd.ParseInputs(strings.Join(docs, "\n---\n"))
	if err != nil {
		return nil, err
	}
	for i := range configs {
		configs[i].Domain = "cluster.local" // without it short host names do not resolve
		// all have the same age, as if one command had applied them: of two rules for one host, the first by name applies
		configs[i].CreationTimestamp = time.Unix(1_700_000_000, 0)
	}
	return configs, nil
}

func clearTLS(rule *networking.DestinationRule) {
	policies := []*networking.TrafficPolicy{rule.TrafficPolicy}
	for _, s := range rule.Subsets {
		policies = append(policies, s.TrafficPolicy)
	}
	for _, p := range policies {
		if p == nil {
			continue
		}
		p.Tls = nil
		for _, q := range p.PortLevelSettings {
			q.Tls = nil
		}
	}
}

// validate runs Istio's own validation of the rules, as its webhook does.
func validate(configs []config.Config) error {
	for _, c := range configs {
		schema, ok := collections.Pilot.FindByGroupVersionKind(c.GroupVersionKind)
		if !ok {
			return fmt.Errorf("%s is not a kind of Istio", c.GroupVersionKind)
		}
		if _, err := schema.ValidateConfig(c); err != nil {
			return fmt.Errorf("%s %s/%s: %w", c.GroupVersionKind.Kind, c.Namespace, c.Name, err)
		}
	}
	return nil
}

// onLoopback removes what only a cluster has: TLS, and DNS, which it replaces with the pods of the stand-ins.
func (e *istio) onLoopback(configs []config.Config) {
	for _, c := range configs {
		switch spec := c.Spec.(type) {
		case *networking.DestinationRule:
			clearTLS(spec)
		case *networking.ServiceEntry:
			if spec.Resolution == networking.ServiceEntry_DNS {
				spec.Resolution, spec.Endpoints = networking.ServiceEntry_STATIC, e.standIns(spec)
			}
		}
	}
}

// standIns returns the pods behind the Services that a ServiceEntry's endpoints name.
func (e *istio) standIns(entry *networking.ServiceEntry) (found []*networking.WorkloadEntry) {
	for _, endpoint := range entry.Endpoints {
		for _, s := range e.w.services {
			pods := e.w.behind(s)
			if endpoint.Address != s.Name+"."+s.Namespace+".svc.cluster.local" || len(pods) == 0 {
				continue
			}
			ports := map[string]uint32{}
			for _, p := range entry.Ports {
				for _, q := range s.Spec.Ports {
					if q.Port == int32(p.Number) {
						ports[p.Name] = uint32(targetPort(q, pods[0]))
					}
				}
			}
			for _, p := range pods {
				found = append(found, &networking.WorkloadEntry{Address: p.Status.PodIP, Ports: ports, Labels: endpoint.Labels})
			}
		}
	}
	return found
}

// apply replaces the rules and waits until both Envoys have the new ones.
func (e *istio) apply(docs []string, generation int) error {
	var routes []string
	docs = slices.DeleteFunc(slices.Clone(docs), func(doc string) bool {
		if isGatewayAPI(doc) {
			routes = append(routes, doc)
		}
		return isGatewayAPI(doc)
	})
	if err := e.applyGatewayAPI(routes, generation); err != nil {
		return err
	}
	configs, err := parseRules(append(slices.Clone(docs), markers(generation)...))
	if err != nil {
		return err
	}
	if err := validate(configs); err != nil {
		return err
	}
	e.onLoopback(configs)
	store := e.server.Store()
	for _, c := range e.applied {
		if err := store.Delete(c.GroupVersionKind, c.Name, c.Namespace, nil); err != nil {
			return err
		}
	}
	e.applied = nil
	for _, c := range configs {
		if _, err := store.Create(c); err != nil {
			return fmt.Errorf("%s %s/%s: %w", c.GroupVersionKind.Kind, c.Namespace, c.Name, err)
		}
		e.applied = append(e.applied, c)
	}
	if e.ingress == nil {
		if e.ingress, err = e.start(envoyNode{id: "router~127.0.0.1~" + gatewayName + "-1.istio-system~istio-system.svc.cluster.local",
			metadata: map[string]any{"NAMESPACE": "istio-system", "LABELS": gatewayLabels, "UNPRIVILEGED_POD": "true"}}); err != nil {
			return err
		}
	}
	return e.settled(generation)
}

// from starts the sidecar of a workload in place of the current one. Only one runs at a time: all of them would listen on the same ports.
func (e *istio) from(workload string, generation int) error {
	pod, err := e.w.first(workload)
	if err != nil {
		return err
	}
	if e.sidecar != nil {
		e.sidecar.stop()
	}
	e.sidecar, err = e.start(envoyNode{id: "sidecar~" + pod.Status.PodIP + "~" + pod.Name + "." + pod.Namespace + "~" + pod.Namespace + ".svc.cluster.local",
		metadata: map[string]any{"NAMESPACE": pod.Namespace, "LABELS": pod.Labels, "INTERCEPTION_MODE": "NONE"}})
	if err != nil {
		return err
	}
	return e.settled(generation)
}

// markerHost responds with the generation of the rules that an Envoy has. The discovery server sends routes last, so an Envoy that has the
// marker has the rest too.
const markerHost = "generation.fidelity.test"

func markers(generation int) []string {
	marker := `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: fidelity-%s, namespace: istio-system}
spec:
  hosts: [` + markerHost + `]
  gateways: [%s]
  http: [{directResponse: {status: 200, body: {string: "%d"}}}]
`
	return []string{fmt.Sprintf(marker, "mesh", "mesh", generation), fmt.Sprintf(marker, "ingress", "istio-system/fidelity", generation), `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: fidelity, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {name: http, number: 80, protocol: HTTP}, hosts: [` + markerHost + `]}]
`}
}

func (e *istio) settled(generation int) error {
	want := strconv.Itoa(generation)
	ports := []int{e.gateway}
	if e.sidecar != nil {
		ports = append(ports, 80)
	}
	for _, port := range ports {
		last := ""
		end := time.Now().Add(20 * time.Second)
		for last != want {
			if time.Now().After(end) {
				return fmt.Errorf("the Envoy on port %d did not accept the rules: its generation is %q, wanted %s", port, last, want)
			}
			a := e.ask(port, request{method: "GET", authority: markerHost, path: "/"})
			if last = a.body; last != want {
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	e.client.CloseIdleConnections() // those that are open stay with the listener that they came to, policies and all
	return nil
}

// send sends a request to the engine and returns the response.
func (e *istio) send(r request) answer {
	if r.from == ingress {
		return e.ask(e.gateway, r)
	}
	return e.ask(r.port(), r)
}

func (e *istio) ask(port int, r request) answer {
	return r.do(e.client, fmt.Sprintf("127.0.0.1:%d", port), false)
}

func (e *istio) close() {
	for _, v := range []*envoy{e.sidecar, e.ingress} {
		if v != nil {
			v.stop()
		}
	}
	e.client.CloseIdleConnections()
	for i := len(e.cleanups) - 1; i >= 0; i-- {
		e.cleanups[i]()
	}
}

// envoy is a running Envoy.
type envoy struct{ *exec.Cmd }

type envoyNode struct {
	id       string
	metadata map[string]any
}

func (e *istio) start(n envoyNode) (*envoy, error) {
	type object = map[string]any
	n.metadata["ISTIO_VERSION"] = "1.31.0"
	ads := object{"ads": object{}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
	bootstrap, err := json.Marshal(object{
		"node": object{"id": n.id, "cluster": "fidelity", "metadata": n.metadata},
		"dynamic_resources": object{
			"ads_config": object{"api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
				"grpc_services": []any{object{"envoy_grpc": object{"cluster_name": "xds-grpc"}}}},
			"lds_config": ads, "cds_config": ads,
		},
		"static_resources": object{"clusters": []any{object{
			"name": "xds-grpc", "type": "STATIC", "connect_timeout": "1s",
			"typed_extension_protocol_options": object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
				"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
				"explicit_http_config": object{"http2_protocol_options": object{}}}},
			"load_assignment": object{"cluster_name": "xds-grpc", "endpoints": []any{object{"lb_endpoints": []any{
				object{"endpoint": object{"address": object{"socket_address": object{"address": "127.0.0.1", "port_value": e.discovery}}}}}}}},
		}}},
	})
	if err != nil {
		return nil, err
	}
	c := exec.Command(e.envoy, "--config-yaml", string(bootstrap), "-l", "error", "--concurrency", "1", "--use-dynamic-base-id")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return &envoy{c}, c.Start()
}

func (v *envoy) stop() {
	v.Process.Kill()
	v.Wait()
}

// The methods that Istio's test server needs from a testing.T: the engine outlives single tests, so it implements them itself.

// Fail ends the process.
func (e *istio) Fail() { os.Exit(1) }

// FailNow ends the process.
func (e *istio) FailNow() { os.Exit(1) }

// Fatal ends the process with a message.
func (e *istio) Fatal(a ...any) { log.Fatal(a...) }

// Fatalf ends the process with a message.
func (e *istio) Fatalf(format string, a ...any) { log.Fatalf(format, a...) }

// Log prints a message.
func (e *istio) Log(a ...any) { log.Print(a...) }

// Logf prints a message.
func (e *istio) Logf(format string, a ...any) { log.Printf(format, a...) }

// Helper does nothing.
func (e *istio) Helper() {}

// Skip prints: the server never calls it.
func (e *istio) Skip(a ...any) { log.Print(a...) }

// Cleanup registers f for close, which calls the last one first.
func (e *istio) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

// TempDir returns a directory that close removes.
func (e *istio) TempDir() string {
	dir, err := os.MkdirTemp("", "fidelity-")
	if err != nil {
		log.Fatal(err)
	}
	e.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
