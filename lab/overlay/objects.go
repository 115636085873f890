package overlay

import (
	"cmp"
	"slices"
	"time"

	"github.com/hopline/hopline/lab/overlay/snapshot"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// Overlay holds the objects of one rendering of an overlay directory. It is not changed once loaded.
type Overlay struct {
	Dir   string   // as given, absolute
	Files []string // every file that was read for the rendering, absolute, sorted: the files to watch

	Namespaces            []Meta
	ServiceAccounts       []Meta
	Deployments           []Deployment
	Services              []Service
	ConfigMaps            []Data
	Secrets               []Data
	VirtualServices       []Istio[*networking.VirtualService]
	DestinationRules      []Istio[*networking.DestinationRule]
	Gateways              []Istio[*networking.Gateway]
	ServiceEntries        []Istio[*networking.ServiceEntry]
	Sidecars              []Istio[*networking.Sidecar]
	AuthorizationPolicies []Istio[*security.AuthorizationPolicy]
	KubernetesGateways    []KubernetesGateway
	HTTPRoutes            []HTTPRoute
	ReferenceGrants       []ReferenceGrant
	NotEnforced           []Meta // accepted, and listed at the start: mutual TLS, pod security, network policies, disruption budgets

	NotEnforcedFields []string // accepted fields that occur, sorted: "Deployment resources", "Service trafficDistribution"

	EmptyFiles []string // files of resources that hold no object, as the user would write them

	// Lenient is set by Read and LoadLenient: the objects may be of any project, and are read only for their routing. Services may have
	// ports of any protocol.
	Lenient bool
	// Complete is set by ReadCluster: these are all objects, so that Assume adds nothing.
	Complete bool
	// Closed lists namespaces that have no Service beside these, so that Assume adds none.
	Closed []string
	// Lenience is what LoadLenient did to run the objects; nil for an overlay of Load or Read.
	Lenience *Lenience

	rendered []map[string]any // the objects as JSON values, which are not changed; see With
	places   *places
	holes    map[string]holes // by object: paths that could not be read or have a problem; nil if all objects are valid

	broken *Overlay      // the objects that have problems, as far as they could be read; nil if there are none
	sums   snapshot.Sums // see Sums
}

// Sums returns the checksums of Files, and of the symbolic links on the way to them, for a snapshot.Watcher.
func (o *Overlay) Sums() snapshot.Sums { return o.sums }

// append adds the objects of another overlay.
func (o *Overlay) append(other *Overlay) {
	o.Namespaces = append(o.Namespaces, other.Namespaces...)
	o.ServiceAccounts = append(o.ServiceAccounts, other.ServiceAccounts...)
	o.Deployments = append(o.Deployments, other.Deployments...)
	o.Services = append(o.Services, other.Services...)
	o.ConfigMaps = append(o.ConfigMaps, other.ConfigMaps...)
	o.Secrets = append(o.Secrets, other.Secrets...)
	o.VirtualServices = append(o.VirtualServices, other.VirtualServices...)
	o.DestinationRules = append(o.DestinationRules, other.DestinationRules...)
	o.Gateways = append(o.Gateways, other.Gateways...)
	o.ServiceEntries = append(o.ServiceEntries, other.ServiceEntries...)
	o.Sidecars = append(o.Sidecars, other.Sidecars...)
	o.AuthorizationPolicies = append(o.AuthorizationPolicies, other.AuthorizationPolicies...)
	o.KubernetesGateways = append(o.KubernetesGateways, other.KubernetesGateways...)
	o.HTTPRoutes = append(o.HTTPRoutes, other.HTTPRoutes...)
	o.ReferenceGrants = append(o.ReferenceGrants, other.ReferenceGrants...)
	o.NotEnforced = append(o.NotEnforced, other.NotEnforced...)
}

// Objects returns the identities of all objects of an overlay, except Secrets.
func (o *Overlay) Objects() []Meta {
	return slices.Concat(o.Namespaces, o.ServiceAccounts, o.NotEnforced, metasOf(o.Deployments), metasOf(o.Services), metasOf(o.ConfigMaps),
		metasOf(o.VirtualServices), metasOf(o.DestinationRules), metasOf(o.Gateways), metasOf(o.KubernetesGateways), metasOf(o.HTTPRoutes),
		metasOf(o.ReferenceGrants), metasOf(o.ServiceEntries), metasOf(o.Sidecars), metasOf(o.AuthorizationPolicies))
}

func metasOf[T interface{ identity() Meta }](objects []T) []Meta {
	metas := make([]Meta, len(objects))
	for i, x := range objects {
		metas[i] = x.identity()
	}
	return metas
}

// Whole reports whether the objects are valid. Load passes the broken objects to a Check in a separate overlay.
func (o *Overlay) Whole() bool { return o.holes == nil }

// withoutRepeats returns the problems of broken objects, except those of fields that already have a problem or were not read.
func (o *Overlay) withoutRepeats(problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool { return o.holes[p.Object].touch(p.Path) })
}

// Meta identifies an object.
type Meta struct {
	APIVersion, Kind, Namespace, Name string
	Labels, Annotations               map[string]string
	// Created is the time at which a cluster created the object. Only Read sets it; it is zero for an object that comes from no cluster.
	Created time.Time
}

func (m Meta) identity() Meta { return m }

// CompareAge orders objects as Istio orders those of one kind: the older first, then by name and namespace. An object without a time is
// younger than any other: no cluster has created it yet.
// (pilot/pkg/model/config.go of Istio 1.31, configCompareByCreationTime)
func (m Meta) CompareAge(other Meta) int {
	switch {
	case m.Created.Equal(other.Created):
	case m.Created.IsZero():
		return 1
	case other.Created.IsZero():
		return -1
	default:
		return m.Created.Compare(other.Created)
	}
	return cmp.Or(cmp.Compare(m.Name, other.Name), cmp.Compare(m.Namespace, other.Namespace))
}

// String returns the object's name for messages: "VirtualService hopline/middle", "Namespace hopline". Istio and the Gateway API both have
// a kind Gateway: that of the Gateway API has its group, "Gateway.gateway.networking.k8s.io hopline/front".
func (m Meta) String() string {
	kind := m.Kind
	if kind == "Gateway" && group(m.APIVersion) == GatewayAPI {
		kind += "." + GatewayAPI
	}
	if m.Namespace == "" {
		return kind + " " + m.Name
	}
	return kind + " " + m.Namespace + "/" + m.Name
}

// Istio is an object of Istio's API with its specification.
type Istio[T any] struct {
	Meta
	Spec T
}

// Deployment is a workload: a number of replicas of one pod.
type Deployment struct {
	Meta
	Replicas       int               // default 1
	Selector       map[string]string // matchLabels
	MaxSurge       string            // of the rolling update: a number or a percentage; default "25%"
	MaxUnavailable string            // likewise
	Pod            PodTemplate
}

// PodTemplate is the template of a Deployment's pods.
type PodTemplate struct {
	Labels, Annotations map[string]string
	ServiceAccount      string        // default "default"
	Grace               time.Duration // terminationGracePeriodSeconds; default 30 s
	Init                []Container   // initContainers: each runs to its end before the next
	Containers          []Container   // side by side, at least one; Read reads only their names and ports
	Volumes             []Volume      // directories that the containers share
	AnyPort             bool          // whether ports that no container lists are open as well, as in a cluster; Load sets it for no pod
	Played              bool          // by LoadLenient: a stand-in plays the pod, and only labels, annotations, account and ports are known
}

// Ports returns the ports of all containers.
func (p *PodTemplate) Ports() (ports []ContainerPort) {
	for i := range p.Containers {
		ports = append(ports, p.Containers[i].Ports...)
	}
	return ports
}

// Container is a process of a pod.
type Container struct {
	Name       string
	Image      string   // "localhost:5001/hopline/front:dev": the lab runs bin/front
	Command    []string // replaces the image's entry point
	Args       []string
	WorkingDir string
	Env        []EnvVar
	Ports      []ContainerPort
	Mounts     []Mount

	Startup, Readiness, Liveness *Probe
	PreStop                      time.Duration // lifecycle.preStop.sleep
}

// EnvVar is one variable: a literal value, or a field of the pod from the downward API.
type EnvVar struct {
	Name, Value string
	Field       string // "metadata.name", "metadata.labels['version']" …; empty for a literal
	Secret      bool   // the value is of a Secret, and is shown nowhere
}

// ContainerPort is a port that the process listens on.
type ContainerPort struct {
	Name   string
	Number int
}

// Probe holds a probe of a process: a command, a connection or an HTTP request. Durations have Kubernetes' defaults.
type Probe struct {
	Exec                []string // the command of an exec probe; empty for the others
	TCP                 bool     // a tcpSocket probe
	Path                string   // of an HTTP probe
	Port                string   // of an HTTP or TCP probe: a number or the name of a container port
	InitialDelay        time.Duration
	Period, Timeout     time.Duration
	Successes, Failures int
}

// Service is a name for the pods that its selector matches.
type Service struct {
	Meta
	Type     string // ClusterIP (default) or NodePort
	Selector map[string]string
	Ports    []ServicePort
	// Given is set if the endpoints are assumed to exist, because the files do not have them: see Assume.
	Given bool
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Index       int // in spec.ports
	Name        string
	AppProtocol string
	Port        int
	Target      string // a number or the name of a container port
	NodePort    int    // 0: none
}

// Data is a ConfigMap or a Secret: data for the environment and the files of containers.
type Data struct {
	Meta
	Values map[string][]byte
	Binary map[string][]byte // only for files
}
