package gatewayapi

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// pods holds the pods of all Deployments.
type pods struct {
	t *testing.T

	mu   sync.Mutex
	all  map[string]*pod // by name, which is unique
	made int             // how many pods there have been
}

// pod is an echo server.
type pod struct {
	namespace, name, deployment string
	ip                          string
	ports                       map[int]string // container port → address
	log                         log
}

func newPods(t *testing.T) *pods { return &pods{t: t, all: map[string]*pod{}} }

// of starts the pods of new Deployments, and removes those of deleted Deployments.
func (p *pods) of(deployments []appsv1.Deployment) (created []*corev1.Pod, ended []types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	present := map[string]bool{}
	for i := range deployments {
		d := &deployments[i]
		key := d.Namespace + "/" + d.Name
		present[key] = true
		if !slices.ContainsFunc(slices.Collect(maps.Values(p.all)), func(o *pod) bool { return o.namespace+"/"+o.deployment == key }) {
			for range *replicas(d) {
				created = append(created, p.start(d))
			}
		}
	}
	for name, o := range p.all {
		if !present[o.namespace+"/"+o.deployment] {
			delete(p.all, name)
			ended = append(ended, types.NamespacedName{Namespace: o.namespace, Name: name})
		}
	}
	return created, ended
}

func replicas(d *appsv1.Deployment) *int32 {
	if d.Spec.Replicas == nil {
		return new(int32(1))
	}
	return d.Spec.Replicas
}

// start starts a pod of a Deployment. Its name ends in two parts beside that of the Deployment, as in a cluster. The two images of the suite listen on different ports: echo-basic on 3000, echo-advanced on 8080.
func (p *pods) start(d *appsv1.Deployment) *corev1.Pod {
	p.made++
	o := &pod{namespace: d.Namespace, name: fmt.Sprintf("%s-lab-%d", d.Name, p.made), deployment: d.Name, ip: fmt.Sprintf("10.0.%d.%d", p.made/250, 1+p.made%250), ports: map[int]string{}}
	port := 3000
	if strings.Contains(d.Spec.Template.Spec.Containers[0].Image, "echo-advanced") {
		port = 8080
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	s := &http.Server{Handler: newEcho(o, port), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	p.t.Cleanup(func() { _ = s.Close() })
	o.ports[port] = l.Addr().String()
	p.all[o.name] = o
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: o.name, Labels: d.Spec.Template.Labels},
		Spec:       d.Spec.Template.Spec,
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: o.ip, PodIPs: []corev1.PodIP{{IP: o.ip}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
}

// find returns a pod; nil if there is none.
func (p *pods) find(name string) *pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[name]
}

// mesh returns the pods for the proxy.
func (p *pods) mesh(o *overlay.Overlay) (out []mesh.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range o.Deployments {
		source := mesh.SourceOf(o, d)
		for _, e := range p.all {
			if e.namespace == d.Namespace && e.deployment == d.Name {
				out = append(out, mesh.Pod{Name: e.name, Source: source, Ready: true, Ports: e.ports})
			}
		}
	}
	return out
}
