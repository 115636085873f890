package fidelity

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// world is a rendered overlay in the form for both engines: Kubernetes' objects, the resulting pods, and Istio's objects as text.
type world struct {
	raw      string // everything, as rendered
	services []*corev1.Service
	pods     []*corev1.Pod // one for each replica, each with its own loopback address
	rules    []string      // documents of networking.istio.io
	ports    []int         // of Services: the listener ports of a sidecar in interception mode NONE
}

// The ingress gateway's pod and Service, as `istioctl install` makes them.
const gatewayName = "istio-ingressgateway"

var gatewayLabels = map[string]string{"istio": "ingressgateway", "app": gatewayName}

// documents returns the YAML documents of a text, except empty ones.
func documents(text string) []string {
	var all []string
	for d := range strings.SplitSeq("\n"+text, "\n---") {
		if strings.TrimSpace(d) != "" {
			all = append(all, d)
		}
	}
	return all
}

// parse parses a rendered overlay.
func parse(rendered string) (*world, error) {
	w := &world{raw: rendered}
	for _, doc := range documents(rendered) {
		var head metav1.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
			return nil, fmt.Errorf("%w in %s", err, doc)
		}
		switch {
		case strings.HasPrefix(head.APIVersion, "networking.istio.io/"), isGatewayAPI(doc):
			w.rules = append(w.rules, doc)
		case head.Kind == "Service":
			s := &corev1.Service{}
			if err := yaml.UnmarshalStrict([]byte(doc), s); err != nil {
				return nil, fmt.Errorf("reading Service %s: %w", head.Name, err)
			}
			w.addService(s)
		case head.Kind == "Deployment":
			d := &appsv1.Deployment{}
			if err := yaml.UnmarshalStrict([]byte(doc), d); err != nil {
				return nil, fmt.Errorf("reading Deployment %s: %w", head.Name, err)
			}
			w.addPods(d)
		}
	}
	return w, nil
}

func (w *world) addService(s *corev1.Service) {
	s.Spec.ClusterIP = fmt.Sprintf("10.96.%d.%d", len(w.services)/200, 10+len(w.services)%200)
	w.services = append(w.services, s)
	for _, p := range s.Spec.Ports {
		if !slices.Contains(w.ports, int(p.Port)) {
			w.ports = append(w.ports, int(p.Port))
		}
	}
}

func (w *world) addPods(d *appsv1.Deployment) {
	replicas := 1
	if d.Spec.Replicas != nil {
		replicas = int(*d.Spec.Replicas)
	}
	for i := range replicas {
		ip := fmt.Sprintf("127.9.%d.%d", len(w.pods)/250, len(w.pods)%250+1)
		p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: d.Spec.Template.Spec}
		p.Name, p.Namespace = fmt.Sprintf("%s-%d", d.Name, i+1), d.Namespace
		p.Annotations = map[string]string{workloadKey: d.Name}
		p.Status = corev1.PodStatus{PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
		w.pods = append(w.pods, p)
	}
}

// workloadKey is the annotation with a pod's Deployment.
const workloadKey = "fidelity/workload"

// first returns a pod of the workload.
func (w *world) first(workload string) (*corev1.Pod, error) {
	for _, p := range w.pods {
		if p.Annotations[workloadKey] == workload {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no pod of a Deployment %s", workload)
}

// behind returns the pods that a Service's selector matches.
func (w *world) behind(s *corev1.Service) []*corev1.Pod {
	var found []*corev1.Pod
	for _, p := range w.pods {
		if len(s.Spec.Selector) > 0 && p.Namespace == s.Namespace && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels)) {
			found = append(found, p)
		}
	}
	return found
}

// kubernetes returns the world in the form of the discovery server's Kubernetes registry, gateway included.
func (w *world) kubernetes(gatewayPort int) []runtime.Object {
	gateway := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: gatewayName + "-1", Namespace: "istio-system", Labels: gatewayLabels},
		Status: corev1.PodStatus{PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}}, Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	// the gateway's own Service gives Istio the pod's port for a Gateway's port 80
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: gatewayName, Namespace: "istio-system"}, Spec: corev1.ServiceSpec{
		ClusterIP: "10.96.255.2", Selector: gatewayLabels, Ports: []corev1.ServicePort{
			{Name: "http2", Port: 80, TargetPort: intstr.FromInt32(int32(gatewayPort)), Protocol: corev1.ProtocolTCP}}}}
	namespaces := map[string]bool{"istio-system": true}
	objects := []runtime.Object{gateway, service}
	for _, p := range w.pods {
		namespaces[p.Namespace] = true
		objects = append(objects, p)
	}
	for _, s := range w.services {
		namespaces[s.Namespace] = true
		objects = append(objects, s)
		if slice := endpoints(s, w.behind(s)); slice != nil {
			objects = append(objects, slice)
		}
	}
	objects = append(objects, endpoints(service, []*corev1.Pod{gateway}))
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}})
	}
	return objects
}

func endpoints(s *corev1.Service, pods []*corev1.Pod) *discoveryv1.EndpointSlice {
	if len(pods) == 0 {
		return nil
	}
	yes := true
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: s.Name + "-1", Namespace: s.Namespace,
		Labels: map[string]string{discoveryv1.LabelServiceName: s.Name}}, AddressType: discoveryv1.AddressTypeIPv4}
	for _, p := range pods {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{p.Status.PodIP},
			Conditions: discoveryv1.EndpointConditions{Ready: &yes}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: p.Name, Namespace: p.Namespace}})
	}
	for _, p := range s.Spec.Ports {
		n := targetPort(p, pods[0])
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &p.Name, Port: &n, Protocol: &p.Protocol})
	}
	return slice
}

func targetPort(p corev1.ServicePort, pod *corev1.Pod) int32 {
	for _, c := range pod.Spec.Containers {
		for _, q := range c.Ports {
			if p.TargetPort.StrVal != "" && q.Name == p.TargetPort.StrVal {
				return q.ContainerPort
			}
		}
	}
	if p.TargetPort.IntVal != 0 {
		return p.TargetPort.IntVal
	}
	return p.Port
}
