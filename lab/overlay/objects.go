// Package overlay turns a kustomize overlay into typed objects, strictly: what the lab does not know, it refuses by name.
package overlay

import (
	"slices"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// Overlay is what one rendering of an overlay directory holds. It is not changed once loaded.
type Overlay struct {
	Dir   string   // as given, absolute
	Files []string // every file that the rendering read, absolute, sorted: what a watcher watches

	Namespaces            []Meta
	ServiceAccounts       []Meta
	Deployments           []Deployment
	Services              []Service
	ConfigMaps            []ConfigMap
	VirtualServices       []Istio[*networking.VirtualService]
	DestinationRules      []Istio[*networking.DestinationRule]
	Gateways              []Istio[*networking.Gateway]
	ServiceEntries        []Istio[*networking.ServiceEntry]
	Sidecars              []Istio[*networking.Sidecar]
	AuthorizationPolicies []Istio[*security.AuthorizationPolicy]
	NotEnforced           []Meta // accepted, and named at the start: mutual TLS, pod security, network policies, disruption budgets

	NotEnforcedFields []string // accepted fields that occur, sorted: "Deployment resources", "Service trafficDistribution"

	EmptyFiles []string // files of resources that hold no object, from where the user stands

	places *places
	holes  map[string]holes // by object: where it could not be read or has a problem; nil when all objects are sound

	broken *Overlay       // the objects that have problems, as far as they could be read; nil when there are none
	sums   map[string]sum // of Files and of the links on the way to them, for a Watcher to compare with
}

// append adds the objects of another overlay.
func (o *Overlay) append(other *Overlay) {
	o.Namespaces = append(o.Namespaces, other.Namespaces...)
	o.ServiceAccounts = append(o.ServiceAccounts, other.ServiceAccounts...)
	o.Deployments = append(o.Deployments, other.Deployments...)
	o.Services = append(o.Services, other.Services...)
	o.ConfigMaps = append(o.ConfigMaps, other.ConfigMaps...)
	o.VirtualServices = append(o.VirtualServices, other.VirtualServices...)
	o.DestinationRules = append(o.DestinationRules, other.DestinationRules...)
	o.Gateways = append(o.Gateways, other.Gateways...)
	o.ServiceEntries = append(o.ServiceEntries, other.ServiceEntries...)
	o.Sidecars = append(o.Sidecars, other.Sidecars...)
	o.AuthorizationPolicies = append(o.AuthorizationPolicies, other.AuthorizationPolicies...)
	o.NotEnforced = append(o.NotEnforced, other.NotEnforced...)
}

// Whole says whether the objects are sound. Load hands the others to a Check in an overlay of their own.
func (o *Overlay) Whole() bool { return o.holes == nil }

// soundly drops the problems of fields of broken objects that have a problem already, or were not read.
func (o *Overlay) soundly(problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool { return o.holes[p.Object].touch(p.Path) })
}

// Meta says which object it is.
type Meta struct {
	APIVersion, Kind, Namespace, Name string
	Labels, Annotations               map[string]string
}

// String is the object's name in messages: "VirtualService hopline/middle", "Namespace hopline".
func (m Meta) String() string {
	if m.Namespace == "" {
		return m.Kind + " " + m.Name
	}
	return m.Kind + " " + m.Namespace + "/" + m.Name
}

// Istio is an object of Istio's API with its specification.
type Istio[T any] struct {
	Meta
	Spec T
}

// Deployment is a workload: so many copies of one container.
type Deployment struct {
	Meta
	Replicas       int               // 1 where the manifest is silent
	Selector       map[string]string // matchLabels
	MaxSurge       string            // of the rolling update: a number or a percentage; "25%" where silent
	MaxUnavailable string            // likewise
	Pod            PodTemplate
}

// PodTemplate is what every copy of a Deployment is made from.
type PodTemplate struct {
	Labels, Annotations map[string]string
	ServiceAccount      string        // "default" where silent
	Grace               time.Duration // terminationGracePeriodSeconds; 30 s where silent
	Container           Container     // the lab runs pods of one container
}

// Container is the process of a pod.
type Container struct {
	Name  string
	Image string // "localhost:5001/hopline/front:dev": the lab runs bin/front
	Args  []string
	Env   []EnvVar
	Ports []ContainerPort

	Startup, Readiness, Liveness *Probe
	PreStop                      time.Duration // lifecycle.preStop.sleep
}

// EnvVar is one variable: a literal value, or a field of the pod by the downward API.
type EnvVar struct {
	Name, Value string
	Field       string // "metadata.name", "metadata.labels['version']" …; empty for a literal
}

// ContainerPort is a port that the process listens on.
type ContainerPort struct {
	Name   string
	Number int
}

// Probe asks a process over HTTP whether it is well. Durations are filled with Kubernetes' defaults.
type Probe struct {
	Path                string
	Port                string // a number or the name of a container port
	InitialDelay        time.Duration
	Period, Timeout     time.Duration
	Successes, Failures int
}

// Service is a name for the pods that its selector finds.
type Service struct {
	Meta
	Type     string // ClusterIP where silent, or NodePort
	Selector map[string]string
	Ports    []ServicePort
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name        string
	AppProtocol string
	Port        int
	Target      string // a number or the name of a container port
	NodePort    int    // 0: none
}

// ConfigMap is data for containers' environment.
type ConfigMap struct {
	Meta
	Data map[string]string
}

// HasLabels says whether labels hold all that a selector wants.
func HasLabels(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}
