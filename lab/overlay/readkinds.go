package overlay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/istio"
)

// readKind returns the kind by which Read decodes an object. ok is false for a kind that it does not decode.
func readKind(m Meta) (k kind, ok bool) {
	for _, k := range readKinds() {
		if k.name == m.Kind && slices.Contains(k.apiVersions, m.APIVersion) {
			return k, true
		}
	}
	return kind{}, false
}

// readKinds returns the kinds that Read decodes: Istio's enforced ones as Load does, and of Kubernetes' only what routing depends on.
func readKinds() []kind {
	list := []kind{
		{name: "Namespace", apiVersions: []string{"v1"}, clusterWide: true, manifest: &objectManifest{}, add: addNamespace},
		{name: "Service", apiVersions: []string{"v1"}, manifest: &anyServiceManifest{}, add: addAnyService},
		{name: "Pod", apiVersions: []string{"v1"}, manifest: &podObjectManifest{}, add: addPodObject},
	}
	for name, version := range map[string]string{"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1",
		"ReplicationController": "v1", "Job": "batch/v1", "Rollout": "argoproj.io/v1alpha1"} {
		list = append(list, kind{name: name, apiVersions: []string{version}, manifest: &workloadManifest{}, add: addWorkload})
	}
	for _, k := range kinds() {
		if k.name == "VirtualService" {
			list = append(list, kind{name: "WorkloadEntry", apiVersions: k.apiVersions, manifest: &workloadEntryManifest{}, add: addWorkloadEntry})
		}
		if k.routes() {
			list = append(list, k)
		}
	}
	return list
}

// anyServiceManifest lists the fields of a Service that routing depends on.
type anyServiceManifest struct {
	objectManifest
	Spec struct {
		Selector map[string]string `field:"selector"`
		Ports    []struct {
			Name        string      `field:"name"`
			Protocol    string      `field:"protocol"`
			AppProtocol string      `field:"appProtocol"`
			Port        int         `field:"port,required"`
			TargetPort  intOrString `field:"targetPort"`
		} `field:"ports"`
	} `field:"spec,required"`
}

// addAnyService adds a Service. The endpoints of one without a selector are assumed to exist: others maintain them.
func addAnyService(d *decoding, m Meta, decoded any) {
	spec := decoded.(*anyServiceManifest).Spec
	at := problems{report: d.report, object: m.String()}
	s := Service{Meta: m, Type: "ClusterIP", Selector: spec.Selector, Given: len(spec.Selector) == 0}
	for i, p := range spec.Ports {
		if p.Protocol != "" && p.Protocol != "TCP" {
			continue // Istio's HTTP rules do not apply to UDP and SCTP
		}
		checkPort(at, fmt.Sprintf("spec.ports[%d].port", i), p.Port)
		target := cmp.Or(string(p.TargetPort), fmt.Sprint(p.Port))
		if target == "0" { // of a headless Service
			target = fmt.Sprint(p.Port)
		}
		s.Ports = append(s.Ports, ServicePort{Index: i, Name: p.Name, AppProtocol: p.AppProtocol, Port: p.Port, Target: target})
	}
	d.overlay.Services = append(d.overlay.Services, s)
}

// workloadManifest lists the fields of a workload that routing depends on.
type workloadManifest struct {
	objectManifest
	Spec struct {
		Replicas *int `field:"replicas"`
		Template *struct {
			Metadata templateMetadata `field:"metadata"`
			Spec     anyPodManifest   `field:"spec"`
		} `field:"template"`
	} `field:"spec,required"`
}

// templateMetadata lists the fields of a pod template's metadata.
type templateMetadata struct {
	Labels      map[string]string `field:"labels"`
	Annotations map[string]string `field:"annotations"`
}

// podObjectManifest lists the fields of a single pod that routing depends on.
type podObjectManifest struct {
	objectManifest
	Spec anyPodManifest `field:"spec,required"`
}

type anyPodManifest struct {
	ServiceAccountName string `field:"serviceAccountName"`
	HostNetwork        bool   `field:"hostNetwork"`
	Containers         []struct {
		Name  string `field:"name"`
		Ports []struct {
			Name          string `field:"name"`
			ContainerPort int    `field:"containerPort,required"`
		} `field:"ports"`
	} `field:"containers"`
}

// addWorkload adds a workload of any kind as a Deployment.
func addWorkload(d *decoding, m Meta, decoded any) {
	spec := decoded.(*workloadManifest).Spec
	if spec.Template == nil { // such as a Rollout that refers to a Deployment
		return
	}
	d.addPods(m, valueOr(spec.Replicas, 1), spec.Template.Metadata.Labels, spec.Template.Metadata.Annotations, &spec.Template.Spec)
}

// addPodObject adds a single pod as a Deployment of one replica.
func addPodObject(d *decoding, m Meta, decoded any) {
	d.addPods(m, 1, m.Labels, m.Annotations, &decoded.(*podObjectManifest).Spec)
}

func (d *decoding) addPods(m Meta, replicas int, labels, annotations map[string]string, spec *anyPodManifest) {
	pod := PodTemplate{Labels: labels, Annotations: annotations, ServiceAccount: cmp.Or(spec.ServiceAccountName, "default"), AnyPort: true}
	if spec.HostNetwork { // Istio's injector skips such pods
		pod.Annotations = map[string]string{istio.InjectLabel: "false"}
		pod.Labels = maps.Clone(labels)
		delete(pod.Labels, istio.InjectLabel)
	}
	for _, c := range spec.Containers {
		container := Container{Name: c.Name}
		for _, p := range c.Ports {
			container.Ports = append(container.Ports, ContainerPort{Name: p.Name, Number: p.ContainerPort})
		}
		pod.Containers = append(pod.Containers, container)
	}
	if pod.Containers == nil { // of a machine outside the cluster
		pod.Containers = []Container{{}}
	}
	d.overlay.Deployments = append(d.overlay.Deployments, Deployment{Meta: m, Replicas: max(0, replicas), Pod: pod})
}

// workloadEntryManifest lists the fields of a WorkloadEntry that routing depends on.
type workloadEntryManifest struct {
	objectManifest
	Spec struct {
		Labels         map[string]string `field:"labels"`
		ServiceAccount string            `field:"serviceAccount"`
	} `field:"spec,required"`
}

// addWorkloadEntry adds a machine outside the cluster as a Deployment of one replica: selectors select it like a pod.
func addWorkloadEntry(d *decoding, m Meta, decoded any) {
	spec := decoded.(*workloadEntryManifest).Spec
	d.addPods(m, 1, spec.Labels, nil, &anyPodManifest{ServiceAccountName: spec.ServiceAccount})
}
