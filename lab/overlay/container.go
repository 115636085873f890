package overlay

import (
	"fmt"
	"path"
	"slices"
	"strconv"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// containerManifest lists the fields of a container that the lab supports.
type containerManifest struct {
	Name       string        `field:"name,required"`
	Image      string        `field:"image,required" does:"…/hopline/NAME:TAG runs bin/NAME; --program runs any other"`
	Command    []string      `field:"command" does:"the first element is the program of the image; the others are its first arguments"`
	Args       []string      `field:"args"`
	WorkingDir string        `field:"workingDir" does:"named at the start if it is a directory of the image"`
	Env        []envManifest `field:"env"`
	EnvFrom    []struct {
		Prefix       string             `field:"prefix"`
		ConfigMapRef *sourceRefManifest `field:"configMapRef"`
		SecretRef    *sourceRefManifest `field:"secretRef"`
	} `field:"envFrom"`
	VolumeMounts []mountManifest `field:"volumeMounts"`
	Ports        []struct {
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

	VolumeDevices anything `field:"volumeDevices,refused" why:"processes use the files of this machine"`
	RestartPolicy anything `field:"restartPolicy,refused" why:"containers restart always"`
	ResizePolicy  anything `field:"resizePolicy,refused" why:"resources are not enforced"`
	Stdin         anything `field:"stdin,refused" why:"processes have no terminal"`
	StdinOnce     anything `field:"stdinOnce,refused" why:"processes have no terminal"`
	TTY           anything `field:"tty,refused" why:"processes have no terminal"`
}

// envManifest lists the fields of an environment variable that the lab supports.
type envManifest struct {
	Name      string `field:"name,required"`
	Value     string `field:"value"`
	ValueFrom *struct {
		FieldRef *struct {
			APIVersion string `field:"apiVersion" does:"v1"`
			FieldPath  string `field:"fieldPath,required" does:"metadata.name, metadata.namespace, metadata.labels['…'], metadata.annotations['…'], spec.serviceAccountName"`
		} `field:"fieldRef"`
		ConfigMapKeyRef  *keyRefManifest `field:"configMapKeyRef"`
		SecretKeyRef     *keyRefManifest `field:"secretKeyRef"`
		ResourceFieldRef anything        `field:"resourceFieldRef,refused" why:"resources are not enforced"`
		FileKeyRef       anything        `field:"fileKeyRef,refused" why:"use a ConfigMap or a Secret"`
	} `field:"valueFrom"`
}

// keyRefManifest refers to a key of a ConfigMap or a Secret.
type keyRefManifest struct {
	Name     string `field:"name,required"`
	Key      string `field:"key,required"`
	Optional bool   `field:"optional"`
}

// sourceRefManifest refers to a whole ConfigMap or Secret.
type sourceRefManifest struct {
	Name     string `field:"name,required"`
	Optional bool   `field:"optional"`
}

// decodeContainers decodes the containers of a pod into a Deployment's template, and checks them against each other: they share one address,
// so that a port, and the name of a port, belongs to one of them.
func decodeContainers(d *decoding, at problems, from *podManifest, out *Deployment) {
	if len(from.Containers) == 0 {
		at.add("spec.template.spec.containers", "empty, want at least one")
	}
	decode := func(field string, manifests []containerManifest, init bool) (list []Container) {
		for i, manifest := range manifests {
			c := containerDecoding{decoding: d, at: at, path: fmt.Sprintf("spec.template.spec.%s[%d]", field, i), from: manifest, pod: out.Pod, init: init,
				namespace: out.Namespace}
			list = append(list, c.container())
		}
		return list
	}
	out.Pod.Containers = decode("containers", from.Containers, false)
	out.Pod.Init = decode("initContainers", from.InitContainers, true)
	names := map[string]bool{}
	for i, c := range slices.Concat(out.Pod.Containers, out.Pod.Init) {
		field, index := "containers", i
		if i >= len(out.Pod.Containers) {
			field, index = "initContainers", i-len(out.Pod.Containers)
		}
		if names[c.Name] {
			at.add(fmt.Sprintf("spec.template.spec.%s[%d].name", field, index), "%s appears twice", fieldpath.Quote(c.Name))
		}
		names[c.Name] = true
	}
	checkSharedPorts(at, out.Pod.Containers)
}

// checkSharedPorts reports ports that two containers of a pod have. Duplicates within one container are reported when it is decoded.
func checkSharedPorts(at problems, containers []Container) {
	for i, c := range containers {
		for j, p := range c.Ports {
			for _, before := range containers[:i] {
				path := fmt.Sprintf("spec.template.spec.containers[%d].ports[%d]", i, j)
				for _, other := range before.Ports {
					if other.Number == p.Number {
						at.add(path+".containerPort", "%d is also a port of container %s: only one process of a pod can listen on it", p.Number, before.Name)
					}
					if p.Name != "" && other.Name == p.Name {
						at.add(path+".name", "%s is also a port of container %s", fieldpath.Quote(p.Name), before.Name)
					}
				}
			}
		}
	}
}

// containerDecoding decodes a container's manifest into a Container.
type containerDecoding struct {
	*decoding
	at        problems
	path      string
	from      containerManifest
	pod       PodTemplate
	init      bool
	namespace string
}

func (c *containerDecoding) container() Container {
	from := c.from
	out := Container{Name: from.Name, Image: from.Image, Command: from.Command, Args: from.Args, WorkingDir: from.WorkingDir}
	if !isDNSLabel(from.Name) {
		c.at.add(c.path+".name", "want lower-case letters, digits and -, got %s", fieldpath.Quote(from.Name))
	}
	if from.Image == "" {
		c.at.add(c.path+".image", "empty, want an image")
	}
	if len(from.Command) > 0 && from.Command[0] == "" {
		c.at.add(c.path+".command[0]", "empty, want a program")
	}
	if from.WorkingDir != "" && !path.IsAbs(from.WorkingDir) {
		c.at.add(c.path+".workingDir", "want an absolute path, got %s", fieldpath.Quote(from.WorkingDir))
	}
	out.Ports = c.ports()
	out.Env = c.env()
	out.Mounts = c.mounts()
	c.probes(&out)
	if sleep := from.Lifecycle.PreStop.Sleep; sleep != nil {
		out.PreStop = seconds(sleep.Seconds)
		if out.PreStop < 0 || out.PreStop > c.pod.Grace {
			c.at.add(c.path+".lifecycle.preStop.sleep.seconds", "want 0 to %d, the grace period, got %d", int(c.pod.Grace.Seconds()), sleep.Seconds)
		}
	}
	return out
}

// probes decodes the probes of the container.
func (c *containerDecoding) probes(out *Container) {
	for _, p := range []struct {
		name           string
		from           *probeManifest
		onlyOneSuccess bool
		into           **Probe
	}{
		{"startupProbe", c.from.StartupProbe, true, &out.Startup},
		{"readinessProbe", c.from.ReadinessProbe, false, &out.Readiness},
		{"livenessProbe", c.from.LivenessProbe, true, &out.Liveness},
	} {
		path := c.path + "." + p.name
		*p.into = probe(c.at, path, p.from, p.onlyOneSuccess)
		if made := *p.into; made != nil && made.Exec == nil && !hasPort(out.Ports, made.Port) {
			c.at.add(path+"."+made.kind()+".port", "want a port of the container, got %s", fieldpath.Quote(made.Port))
		}
		if c.init && p.from != nil {
			c.at.add(path, "an init container has no probes: it has succeeded when it ends")
		}
	}
}

func (c *containerDecoding) ports() (ports []ContainerPort) {
	for i, p := range c.from.Ports {
		path := fmt.Sprintf("%s.ports[%d]", c.path, i)
		checkPort(c.at, path+".containerPort", p.ContainerPort)
		if p.Name != "" {
			checkPortName(c.at, path+".name", p.Name)
		}
		if p.Protocol != "" && p.Protocol != "TCP" {
			c.at.add(path+".protocol", "want TCP, the only one that the lab supports, got %s", fieldpath.Quote(p.Protocol))
		}
		for _, other := range ports {
			if p.Name != "" && other.Name == p.Name {
				c.at.add(path+".name", "%s appears twice", fieldpath.Quote(p.Name))
			}
			if other.Number == p.ContainerPort {
				c.at.add(path+".containerPort", "%d appears twice", p.ContainerPort)
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
