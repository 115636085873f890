package overlay

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

type deploymentManifest struct {
	APIVersion string   `field:"apiVersion"`
	Kind       string   `field:"kind"`
	Metadata   metadata `field:"metadata,required"`
	Spec       struct {
		Replicas *int `field:"replicas" does:"as many processes, 100 at most"`
		Selector struct {
			MatchLabels      map[string]string `field:"matchLabels,required"`
			MatchExpressions anything          `field:"matchExpressions,refused" why:"use matchLabels"`
		} `field:"selector,required"`
		Strategy struct {
			Type          string `field:"type" does:"RollingUpdate"`
			RollingUpdate struct {
				MaxSurge       intOrString `field:"maxSurge"`
				MaxUnavailable intOrString `field:"maxUnavailable"`
			} `field:"rollingUpdate"`
		} `field:"strategy"`
		Template struct {
			Metadata struct {
				Labels            map[string]string `field:"labels,required"`
				Annotations       map[string]string `field:"annotations" does:"what the downward API reads, and sidecar.istio.io/inject; others of istio.io are named at the start"`
				CreationTimestamp anything          `field:"creationTimestamp"`
			} `field:"metadata,required"`
			Spec podManifest `field:"spec,required"`
		} `field:"template,required"`

		MinReadySeconds         int  `field:"minReadySeconds,accepted"`
		ProgressDeadlineSeconds int  `field:"progressDeadlineSeconds,accepted"`
		RevisionHistoryLimit    int  `field:"revisionHistoryLimit,accepted"`
		Paused                  bool `field:"paused,refused" why:"what is saved goes live"`
	} `field:"spec,required"`
}

// podManifest lists the fields of a pod that the lab supports.
type podManifest struct {
	ServiceAccountName            string              `field:"serviceAccountName" does:"the principal that AuthorizationPolicies see"`
	TerminationGracePeriodSeconds *int                `field:"terminationGracePeriodSeconds"`
	Containers                    []containerManifest `field:"containers,required" does:"exactly one"`
	RestartPolicy                 string              `field:"restartPolicy" does:"Always"`

	AutomountServiceAccountToken bool                 `field:"automountServiceAccountToken,accepted"`
	EnableServiceLinks           bool                 `field:"enableServiceLinks,accepted"`
	SecurityContext              podSecurityManifest  `field:"securityContext,accepted"`
	TopologySpreadConstraints    []spreadManifest     `field:"topologySpreadConstraints,accepted"`
	Affinity                     anything             `field:"affinity,accepted"`
	NodeSelector                 map[string]string    `field:"nodeSelector,accepted"`
	Tolerations                  []tolerationManifest `field:"tolerations,accepted"`
	PriorityClassName            string               `field:"priorityClassName,accepted"`
	ImagePullSecrets             []nameOnly           `field:"imagePullSecrets,accepted"`

	InitContainers        anything `field:"initContainers,refused" why:"a pod is one process"`
	EphemeralContainers   anything `field:"ephemeralContainers,refused" why:"a pod is one process"`
	Volumes               anything `field:"volumes,refused" why:"processes see the machine's files"`
	HostNetwork           anything `field:"hostNetwork,refused" why:"every process gets loopback ports of its own"`
	HostAliases           anything `field:"hostAliases,refused" why:"use a ServiceEntry"`
	DNSPolicy             anything `field:"dnsPolicy,refused" why:"names are the proxy's to find"`
	DNSConfig             anything `field:"dnsConfig,refused" why:"names are the proxy's to find"`
	Hostname              anything `field:"hostname,refused" why:"a process has its pod's name"`
	Subdomain             anything `field:"subdomain,refused" why:"a process has its pod's name"`
	ActiveDeadlineSeconds anything `field:"activeDeadlineSeconds,refused" why:"processes run until the lab stops them"`
	ShareProcessNamespace anything `field:"shareProcessNamespace,refused" why:"a pod is one process"`
}

type containerManifest struct {
	Name  string   `field:"name,required"`
	Image string   `field:"image,required" does:"…/hopline/NAME:TAG runs bin/NAME"`
	Args  []string `field:"args"`
	Env   []struct {
		Name      string `field:"name,required"`
		Value     string `field:"value"`
		ValueFrom *struct {
			FieldRef *struct {
				APIVersion string `field:"apiVersion" does:"v1"`
				FieldPath  string `field:"fieldPath,required" does:"metadata.name, metadata.namespace, metadata.labels['…'], metadata.annotations['…'], spec.serviceAccountName"`
			} `field:"fieldRef"`
			ConfigMapKeyRef *struct {
				Name     string `field:"name,required"`
				Key      string `field:"key,required"`
				Optional bool   `field:"optional"`
			} `field:"configMapKeyRef"`
			SecretKeyRef     anything `field:"secretKeyRef,refused" why:"the lab has no secrets"`
			ResourceFieldRef anything `field:"resourceFieldRef,refused" why:"resources are not enforced"`
			FileKeyRef       anything `field:"fileKeyRef,refused" why:"the lab has no volumes"`
		} `field:"valueFrom"`
	} `field:"env"`
	EnvFrom []struct {
		Prefix       string `field:"prefix"`
		ConfigMapRef *struct {
			Name     string `field:"name,required"`
			Optional bool   `field:"optional"`
		} `field:"configMapRef"`
		SecretRef anything `field:"secretRef,refused" why:"the lab has no secrets"`
	} `field:"envFrom"`
	Ports []struct {
		Name          string   `field:"name"`
		ContainerPort int      `field:"containerPort,required"`
		Protocol      string   `field:"protocol" does:"TCP"`
		HostPort      anything `field:"hostPort,refused" why:"use a Service of type NodePort"`
		HostIP        anything `field:"hostIP,refused" why:"use a Service of type NodePort"`
	} `field:"ports"`
	StartupProbe   *probeManifest `field:"startupProbe"`
	ReadinessProbe *probeManifest `field:"readinessProbe"`
	LivenessProbe  *probeManifest `field:"livenessProbe"`
	Lifecycle      struct {
		PreStop struct {
			Sleep *struct {
				Seconds int `field:"seconds,required"`
			} `field:"sleep"`
			Exec      anything `field:"exec,refused" why:"the lab runs no program but the service; use sleep"`
			HTTPGet   anything `field:"httpGet,refused" why:"use sleep"`
			TCPSocket anything `field:"tcpSocket,refused" why:"use sleep"`
		} `field:"preStop"`
		PostStart  anything `field:"postStart,refused" why:"the lab runs no program but the service"`
		StopSignal anything `field:"stopSignal,refused" why:"processes are stopped by SIGTERM"`
	} `field:"lifecycle"`

	ImagePullPolicy          string                    `field:"imagePullPolicy,accepted"`
	Resources                resourcesManifest         `field:"resources,accepted"`
	SecurityContext          containerSecurityManifest `field:"securityContext,accepted"`
	TerminationMessagePath   string                    `field:"terminationMessagePath,accepted"`
	TerminationMessagePolicy string                    `field:"terminationMessagePolicy,accepted"`

	Command       anything `field:"command,refused" why:"the lab runs the program that the image is named after"`
	WorkingDir    anything `field:"workingDir,refused" why:"processes see the machine's files"`
	VolumeMounts  anything `field:"volumeMounts,refused" why:"processes see the machine's files"`
	VolumeDevices anything `field:"volumeDevices,refused" why:"processes see the machine's files"`
	RestartPolicy anything `field:"restartPolicy,refused" why:"containers restart always"`
	ResizePolicy  anything `field:"resizePolicy,refused" why:"resources are not enforced"`
	Stdin         anything `field:"stdin,refused" why:"processes have no terminal"`
	StdinOnce     anything `field:"stdinOnce,refused" why:"processes have no terminal"`
	TTY           anything `field:"tty,refused" why:"processes have no terminal"`
}

type probeManifest struct {
	HTTPGet *struct {
		Path        string      `field:"path"`
		Port        intOrString `field:"port,required"`
		Scheme      string      `field:"scheme" does:"HTTP"`
		Host        anything    `field:"host,refused" why:"a probe calls the pod itself"`
		HTTPHeaders anything    `field:"httpHeaders,refused" why:"a probe sends none"`
	} `field:"httpGet"`
	InitialDelaySeconds int  `field:"initialDelaySeconds"`
	PeriodSeconds       *int `field:"periodSeconds"`
	TimeoutSeconds      *int `field:"timeoutSeconds"`
	SuccessThreshold    *int `field:"successThreshold"`
	FailureThreshold    *int `field:"failureThreshold"`

	Exec                          anything `field:"exec,refused" why:"use httpGet"`
	TCPSocket                     anything `field:"tcpSocket,refused" why:"use httpGet"`
	GRPC                          anything `field:"grpc,refused" why:"use httpGet"`
	TerminationGracePeriodSeconds anything `field:"terminationGracePeriodSeconds,refused" why:"the pod's holds"`
}

// maxReplicas keeps a typing error from starting more processes than a laptop can run.
const maxReplicas = 100

func addDeployment(d *decoding, m Meta, decoded any) {
	spec := decoded.(*deploymentManifest).Spec
	at := problems{report: d.report, object: m.String()}
	out := Deployment{
		Meta:           m,
		Replicas:       valueOr(spec.Replicas, 1),
		Selector:       spec.Selector.MatchLabels,
		MaxSurge:       cmp.Or(string(spec.Strategy.RollingUpdate.MaxSurge), "25%"),
		MaxUnavailable: cmp.Or(string(spec.Strategy.RollingUpdate.MaxUnavailable), "25%"),
		Pod: PodTemplate{
			Labels:         spec.Template.Metadata.Labels,
			Annotations:    spec.Template.Metadata.Annotations,
			ServiceAccount: cmp.Or(spec.Template.Spec.ServiceAccountName, "default"),
			Grace:          seconds(valueOr(spec.Template.Spec.TerminationGracePeriodSeconds, 30)),
		},
	}
	d.noteIstioKeys(out.Pod.Labels, "label")
	d.noteIstioKeys(out.Pod.Annotations, "annotation")
	if out.Replicas < 0 || out.Replicas > maxReplicas {
		at.add("spec.replicas", "want 0 to %d, for each is a process of this machine, got %d", maxReplicas, out.Replicas)
	}
	checkRollout(at, spec.Strategy.Type, out)
	checkLabels(at, "spec.template.metadata.labels", out.Pod.Labels)
	if len(out.Selector) == 0 {
		at.add("spec.selector.matchLabels", "want at least one label")
	}
	for k, v := range out.Selector {
		if got, ok := out.Pod.Labels[k]; !ok || got != v {
			at.add(join("spec.selector.matchLabels", k), "%s does not select the template's own pods, which have %s", quote(v), quote(got))
		}
	}
	pod := spec.Template.Spec
	if out.Pod.Grace < 0 {
		at.add("spec.template.spec.terminationGracePeriodSeconds", "want 0 or more, got %d", *pod.TerminationGracePeriodSeconds)
	}
	if pod.RestartPolicy != "" && pod.RestartPolicy != "Always" {
		at.add("spec.template.spec.restartPolicy", "want Always, got %s", quote(pod.RestartPolicy))
	}
	if len(pod.Containers) != 1 {
		at.add("spec.template.spec.containers", "the lab runs pods of one container, got %d", len(pod.Containers))
		d.overlay.Deployments = append(d.overlay.Deployments, out)
		return
	}
	c := containerDecoding{at: at, path: "spec.template.spec.containers[0]", from: pod.Containers[0], pod: out.Pod, namespace: m.Namespace, configMaps: d.configMaps, doubts: d.doubts}
	out.Pod.Container = c.container()
	d.overlay.Deployments = append(d.overlay.Deployments, out)
}

// checkRollout checks the rolling update of a Deployment.
func checkRollout(at problems, strategy string, d Deployment) {
	if strategy != "" && strategy != "RollingUpdate" {
		at.add("spec.strategy.type", "want RollingUpdate, the only one that the lab supports, got %s", quote(strategy))
	}
	surge, okSurge := checkShare(at, "spec.strategy.rollingUpdate.maxSurge", d.MaxSurge)
	unavailable, okUnavailable := checkShare(at, "spec.strategy.rollingUpdate.maxUnavailable", d.MaxUnavailable)
	if okSurge && okUnavailable && surge == 0 && unavailable == 0 {
		at.add("spec.strategy.rollingUpdate", "maxSurge and maxUnavailable are both 0, so that nothing could ever be replaced")
	}
}

// checkShare checks a number of pods or a percentage of them.
func checkShare(at problems, path, share string) (n int, ok bool) {
	digits, percent := strings.CutSuffix(share, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || percent && n > 100 {
		at.add(path, "want a number or a percentage up to 100%%, got %s", quote(share))
		return 0, false
	}
	return n, true
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func valueOr(p *int, otherwise int) int {
	if p == nil {
		return otherwise
	}
	return *p
}

// probe decodes a probe with Kubernetes' defaults: period 10 s, timeout 1 s, one success, three failures.
func probe(at problems, path string, from *probeManifest, onlyOneSuccess bool) *Probe {
	if from == nil {
		return nil
	}
	if from.HTTPGet == nil {
		at.add(path+".httpGet", "missing")
		return nil
	}
	checkPortOrName(at, path+".httpGet.port", string(from.HTTPGet.Port))
	if s := from.HTTPGet.Scheme; s != "" && s != "HTTP" {
		at.add(path+".httpGet.scheme", "want HTTP, got %s", quote(s))
	}
	p := &Probe{
		Path:         cmp.Or(from.HTTPGet.Path, "/"),
		Port:         string(from.HTTPGet.Port),
		InitialDelay: seconds(from.InitialDelaySeconds),
		Period:       seconds(valueOr(from.PeriodSeconds, 10)),
		Timeout:      seconds(valueOr(from.TimeoutSeconds, 1)),
		Successes:    valueOr(from.SuccessThreshold, 1),
		Failures:     valueOr(from.FailureThreshold, 3),
	}
	if !strings.HasPrefix(p.Path, "/") {
		p.Path = "/" + p.Path // as the kubelet does
	}
	if from.InitialDelaySeconds < 0 {
		at.add(path+".initialDelaySeconds", "want 0 or more, got %d", from.InitialDelaySeconds)
	}
	for name, n := range map[string]int{
		"periodSeconds": int(p.Period / time.Second), "timeoutSeconds": int(p.Timeout / time.Second),
		"successThreshold": p.Successes, "failureThreshold": p.Failures,
	} {
		if n < 1 {
			at.add(path+"."+name, "want 1 or more, got %d", n)
		}
	}
	if onlyOneSuccess && p.Successes > 1 {
		at.add(path+".successThreshold", "want 1 for this probe, got %d", p.Successes)
	}
	return p
}

// containerDecoding decodes a container's manifest into a Container.
type containerDecoding struct {
	at         problems
	path       string
	from       containerManifest
	pod        PodTemplate
	namespace  string
	configMaps []ConfigMap
	doubts     doubts
}

func (c *containerDecoding) container() Container {
	from := c.from
	out := Container{Name: from.Name, Image: from.Image, Args: from.Args}
	if !isDNSLabel(from.Name) {
		c.at.add(c.path+".name", "want lower-case letters, digits and -, got %s", quote(from.Name))
	}
	if from.Image == "" {
		c.at.add(c.path+".image", "empty, want an image")
	}
	out.Ports = c.ports()
	out.Env = c.env()
	out.Startup = probe(c.at, c.path+".startupProbe", from.StartupProbe, true)
	out.Readiness = probe(c.at, c.path+".readinessProbe", from.ReadinessProbe, false)
	out.Liveness = probe(c.at, c.path+".livenessProbe", from.LivenessProbe, true)
	for path, p := range map[string]*Probe{"startupProbe": out.Startup, "readinessProbe": out.Readiness, "livenessProbe": out.Liveness} {
		if p != nil && !hasPort(out.Ports, p.Port) {
			c.at.add(c.path+"."+path+".httpGet.port", "want a port of the container, got %s", quote(p.Port))
		}
	}
	if sleep := from.Lifecycle.PreStop.Sleep; sleep != nil {
		out.PreStop = seconds(sleep.Seconds)
		if out.PreStop < 0 || out.PreStop > c.pod.Grace {
			c.at.add(c.path+".lifecycle.preStop.sleep.seconds", "want 0 to %d, the grace period, got %d", int(c.pod.Grace.Seconds()), sleep.Seconds)
		}
	}
	return out
}

func (c *containerDecoding) ports() (ports []ContainerPort) {
	for i, p := range c.from.Ports {
		path := fmt.Sprintf("%s.ports[%d]", c.path, i)
		checkPort(c.at, path+".containerPort", p.ContainerPort)
		if p.Name != "" {
			checkPortName(c.at, path+".name", p.Name)
		}
		if p.Protocol != "" && p.Protocol != "TCP" {
			c.at.add(path+".protocol", "want TCP, the only one that the lab supports, got %s", quote(p.Protocol))
		}
		for _, other := range ports {
			if p.Name != "" && other.Name == p.Name {
				c.at.add(path+".name", "%s is there twice", quote(p.Name))
			}
			if other.Number == p.ContainerPort {
				c.at.add(path+".containerPort", "%d is there twice", p.ContainerPort)
			}
		}
		ports = append(ports, ContainerPort{Name: p.Name, Number: p.ContainerPort})
	}
	return ports
}

// hasPort reports whether a reference, by number or name, is to one of the ports. Kubernetes does not require a number to be listed, but
// the lab opens only listed ports.
func hasPort(ports []ContainerPort, ref string) bool {
	for _, p := range ports {
		if p.Name == ref || strconv.Itoa(p.Number) == ref {
			return true
		}
	}
	return false
}
