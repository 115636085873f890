package fidelity

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	corev1 "k8s.io/api/core/v1"
)

// lab is the laptop engine: the packages of `hopline up`, with the same echo servers.
type lab struct {
	w       *world
	dir     string // an overlay whose rules are rewritten
	proxy   *proxy.Proxy
	table   *mesh.Table
	source  mesh.Pod
	entries map[string]string // the addresses of "ingress" and "sidecar"
	servers []*http.Server
	client  *http.Client
}

func newLab(w *world) (*lab, error) {
	dir, err := os.MkdirTemp("", "fidelity-overlay-")
	if err != nil {
		return nil, err
	}
	e := &lab{w: w, dir: dir, entries: map[string]string{}, proxy: proxy.New(proxy.Options{}), client: &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	var pods []mesh.Pod
	for _, p := range w.pods {
		pods = append(pods, meshPod(p))
	}
	e.proxy.SetPods(pods)
	for name, handler := range map[string]http.Handler{"ingress": e.proxy.Gateway(mesh.IngressGateway(), 80), "sidecar": e.proxy.Sidecar()} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		s := proxy.NewServer(handler)
		e.servers = append(e.servers, s)
		e.entries[name] = l.Addr().String()
		go s.Serve(l)
	}
	return e, nil
}

func meshPod(p *corev1.Pod) mesh.Pod {
	account := p.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	m := mesh.Pod{Name: p.Name, Ready: true, Ports: map[int]string{}, Names: map[string]int{}, Source: mesh.Source{
		Workload: p.Annotations[workloadKey], Namespace: p.Namespace, Labels: p.Labels,
		Principal: "cluster.local/ns/" + p.Namespace + "/sa/" + account}}
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			m.Ports[int(port.ContainerPort)] = net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(port.ContainerPort)))
			m.Names[port.Name] = int(port.ContainerPort)
		}
	}
	return m
}

// load reads the rules as the lab reads an overlay: rendered, decoded strictly, compiled.
func (e *lab) load(docs []string) (*mesh.Table, error) {
	rendered := ""
	for _, doc := range documents(e.w.raw) {
		if !isRule(doc) {
			rendered += "---\n" + doc + "\n"
		}
	}
	for _, doc := range docs {
		rendered += "---\n" + doc + "\n"
	}
	files := map[string]string{"all.yaml": rendered,
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [all.yaml]\n"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	o, err := e.read(docs)
	if err != nil {
		return nil, err
	}
	return mesh.Compile(o)
}

// read decodes the overlay strictly, or if it has objects of the Gateway API leniently: what their status reports, such as a destination that
// does not exist, is an error only of a strict overlay.
func (e *lab) read(docs []string) (*overlay.Overlay, error) {
	if !slices.ContainsFunc(docs, isGatewayAPI) {
		return overlay.Load(e.dir)
	}
	o, rest, err := overlay.Read([]string{e.dir}, nil)
	if err == nil && len(rest.Limits) > 0 {
		err = rest.Limits[0]
	}
	return o, err
}

func (e *lab) apply(docs []string) error {
	table, err := e.load(docs)
	if err != nil {
		return err
	}
	e.table = table
	e.proxy.Swap(table)
	return nil
}

// from makes a workload the caller.
func (e *lab) from(workload string) error {
	pod, err := e.w.first(workload)
	if err != nil {
		return err
	}
	e.source = meshPod(pod)
	return nil
}

func (e *lab) send(r request) answer {
	if r.from == ingress {
		return r.do(e.client, e.entries["ingress"], false)
	}
	credentials := e.proxy.Credentials(e.source.Name)
	password, _ := credentials.Password()
	authorized := http.Request{Header: http.Header{}}
	authorized.SetBasicAuth(credentials.Username(), password)
	return r.with("Proxy-Authorization", authorized.Header.Get("Authorization")).do(e.client, e.entries["sidecar"], true)
}

func (e *lab) close() error {
	for _, s := range e.servers {
		s.Close()
	}
	e.client.CloseIdleConnections()
	e.proxy.Close()
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("removing the overlay: %w", err)
	}
	return nil
}

func isRule(doc string) bool {
	return rulePattern.MatchString(doc)
}

var rulePattern = regexp.MustCompile(`(?m)^apiVersion: *(networking\.istio\.io|gateway\.networking\.k8s\.io)/`)
