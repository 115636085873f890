package overlay

import (
	"cmp"
	"fmt"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

type serviceManifest struct {
	objectManifest
	Spec struct {
		Type     string            `field:"type" does:"ClusterIP or NodePort"`
		Selector map[string]string `field:"selector,required"`
		Ports    []struct {
			Name        string      `field:"name" does:"its prefix is the protocol, as in Istio; without one it is detected"`
			Protocol    string      `field:"protocol" does:"TCP"`
			AppProtocol string      `field:"appProtocol" does:"HTTP; a port of another protocol is reported as not carried"`
			Port        int         `field:"port,required"`
			TargetPort  intOrString `field:"targetPort"`
			NodePort    int         `field:"nodePort" does:"opened on loopback"`
		} `field:"ports,required"`

		InternalTrafficPolicy string   `field:"internalTrafficPolicy,accepted"`
		ExternalTrafficPolicy string   `field:"externalTrafficPolicy,accepted"`
		TrafficDistribution   string   `field:"trafficDistribution,accepted"`
		IPFamilies            []string `field:"ipFamilies,accepted"`
		IPFamilyPolicy        string   `field:"ipFamilyPolicy,accepted"`

		ClusterIP                anything `field:"clusterIP,refused" why:"names are resolved by the proxy, which has no addresses"`
		ClusterIPs               anything `field:"clusterIPs,refused" why:"names are resolved by the proxy, which has no addresses"`
		ExternalIPs              anything `field:"externalIPs,refused" why:"the lab listens on loopback"`
		ExternalName             anything `field:"externalName,refused" why:"use a ServiceEntry"`
		LoadBalancerIP           anything `field:"loadBalancerIP,refused" why:"the lab has no load balancers outside"`
		LoadBalancerClass        anything `field:"loadBalancerClass,refused" why:"the lab has no load balancers outside"`
		SessionAffinity          anything `field:"sessionAffinity,refused" why:"use a DestinationRule with consistentHash"`
		SessionAffinityConfig    anything `field:"sessionAffinityConfig,refused" why:"use a DestinationRule with consistentHash"`
		PublishNotReadyAddresses anything `field:"publishNotReadyAddresses,refused" why:"only ready pods get requests"`
	} `field:"spec,required"`
}

func addService(d *decoding, m Meta, decoded any) {
	spec := decoded.(*serviceManifest).Spec
	at := problems{report: d.report, object: m.String()}
	d.noteIstioKeys(m.Labels, "label")
	d.noteIstioKeys(m.Annotations, "annotation")
	s := Service{Meta: m, Type: cmp.Or(spec.Type, "ClusterIP"), Selector: spec.Selector}
	if s.Type != "ClusterIP" && s.Type != "NodePort" {
		at.add("spec.type", "want ClusterIP or NodePort, got %s", fieldpath.Quote(s.Type))
	}
	if !isDNSLabel(m.Name) {
		at.add("metadata.name", "want lower-case letters, digits and -, at most 63, got %s", fieldpath.Quote(m.Name))
	}
	if len(s.Selector) == 0 {
		at.add("spec.selector", "want the labels of the pods that get the requests, got none")
	}
	if len(spec.Ports) == 0 {
		at.add("spec.ports", "want at least one port")
	}
	names, numbers := map[string]bool{}, map[int]bool{}
	for i, p := range spec.Ports {
		path := fmt.Sprintf("spec.ports[%d]", i)
		if p.Protocol != "" && p.Protocol != "TCP" {
			at.add(path+".protocol", "want TCP, the only one that the lab supports, got %s", fieldpath.Quote(p.Protocol))
		}
		checkPort(at, path+".port", p.Port)
		if p.TargetPort == "" {
			p.TargetPort = intOrString(fmt.Sprint(p.Port))
		}
		checkPortOrName(at, path+".targetPort", string(p.TargetPort))
		switch {
		case p.NodePort == 0:
		case s.Type != "NodePort":
			at.add(path+".nodePort", "a Service of type %s has none; want type NodePort", s.Type)
		case p.NodePort < 30000 || p.NodePort > 32767:
			at.add(path+".nodePort", "want 30000 to 32767, got %d", p.NodePort)
		}
		if p.Name == "" && len(spec.Ports) > 1 {
			at.add(path+".name", "missing: a Service of several ports names each")
		}
		if p.Name != "" && !isDNSLabel(p.Name) {
			at.add(path+".name", "want lower-case letters, digits and -, got %s", fieldpath.Quote(p.Name))
		}
		if p.Name != "" && names[p.Name] {
			at.add(path+".name", "%s appears twice", fieldpath.Quote(p.Name))
		}
		if numbers[p.Port] {
			at.add(path+".port", "%d appears twice", p.Port)
		}
		names[p.Name], numbers[p.Port] = true, true
		s.Ports = append(s.Ports, ServicePort{Index: i, Name: p.Name, AppProtocol: p.AppProtocol, Port: p.Port, Target: string(p.TargetPort), NodePort: p.NodePort})
	}
	d.overlay.Services = append(d.overlay.Services, s)
}
