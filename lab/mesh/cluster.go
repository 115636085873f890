package mesh

import (
	"fmt"
	"maps"
	"time"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/destinationrule"
	networking "istio.io/api/networking/v1alpha3"
)

// clusters creates each destination once for one caller.
type clusters struct {
	namespace string
	labels    map[string]string
	services  map[string]*service // by host
	all       map[string]*service // Kubernetes Services by host, visible to the caller or not: what cluster DNS resolves
	rules     *destinationrule.Rules
	noMesh    bool
	made      map[string]*Cluster
}

// get returns the destination of a host, port and subset, known or not.
func (c *clusters) get(host string, port int, subset string) *Cluster {
	name := fmt.Sprintf("outbound|%d|%s|%s", port, subset, host)
	if made := c.made[name]; made != nil {
		return made
	}
	out := &Cluster{Name: name, Host: host, Port: port, Subset: subset}
	c.fill(out)
	c.made[name] = out
	return out
}

func (c *clusters) fill(out *Cluster) {
	s := c.services[out.Host]
	if s == nil {
		return
	}
	port, ok := s.port(out.Port)
	if !ok {
		return
	}
	rule := c.rules.Find(out.Host, s.namespace, c.namespace, c.labels)
	of := rule.Subset(out.Subset)
	if of == nil && out.Subset != "" {
		return
	}
	out.Known, out.Namespace = true, s.namespace
	if port.protocol.HTTP2() && !port.http {
		out.NotCarried = s.uncarried(port, s.host)
	}
	c.back(out, s, port, of.GetLabels())
	policy := rule.Policy(of, out.Port)
	out.Balancer = newBalancer(policy.Balancer)
	out.Pool = newPool(policy.Pool)
	out.Outlier = newOutlier(policy.Outlier)
	if c.noMesh {
		out.Balancer = Random // kube-proxy picks at random
	}
}

// back sets the endpoints of a cluster.
func (c *clusters) back(out *Cluster, s *service, port servicePort, labels map[string]string) {
	out.Target, out.TargetName, out.Given = port.target, port.targetName, s.given
	switch {
	case s.gateway != "":
		if istio.HasLabels(s.labels, labels) {
			out.Gateway, out.GatewayPort = s.gateway, port.number
		}
	case s.entry == nil || s.selector != nil:
		out.Selector = bothLabels(s.selector, labels)
		if s.entry != nil {
			out.External = s.entry.GetLocation() == networking.ServiceEntry_MESH_EXTERNAL
		}
	default:
		c.backByEntry(out, s, port, labels)
	}
}

// bothLabels returns the labels that pods need to match both a Service and a subset. It returns nil if no pod can match both.
func bothLabels(selector, labels map[string]string) map[string]string {
	if len(selector) == 0 {
		return nil
	}
	both := maps.Clone(selector)
	for k, v := range labels {
		if have, ok := both[k]; ok && have != v {
			return nil
		}
		both[k] = v
	}
	return both
}

// backByEntry finds the endpoints of a ServiceEntry. If cluster DNS resolves the name of an endpoint, it routes to the pods of that
// Service, as the Service's cluster address does.
func (c *clusters) backByEntry(out *Cluster, s *service, port servicePort, labels map[string]string) {
	entry := s.entry
	out.External = entry.GetLocation() == networking.ServiceEntry_MESH_EXTERNAL
	if entry.GetResolution() == networking.ServiceEntry_NONE {
		out.Original = true
		return
	}
	out.DNS = entry.GetResolution() != networking.ServiceEntry_STATIC
	endpoints := entry.GetEndpoints()
	if len(endpoints) == 0 && out.DNS && !istio.IsWildcard(s.host) {
		endpoints = []*networking.WorkloadEntry{{Address: s.host}}
	}
	for _, e := range endpoints {
		if !istio.HasLabels(e.GetLabels(), labels) {
			continue
		}
		number := endpointPort(e, port)
		if target := c.kubernetesService(e.GetAddress()); out.DNS && target != nil {
			out.Namespace, out.Selector = target.namespace, nil
			if p, ok := target.port(number); ok {
				out.Selector, out.Target, out.TargetName = bothLabels(target.selector, nil), p.target, p.targetName
			}
			out.DNS = false
			return
		}
		out.Addresses = append(out.Addresses, hostPort(e.GetAddress(), number))
	}
}

func (c *clusters) kubernetesService(address string) *service {
	name, namespace, ok := istio.ServiceOf(address)
	if !ok {
		return nil
	}
	return c.all[istio.ServiceHost(name, namespace)]
}

// newBalancer returns the balancer of a policy. The default is Istio's, least request.
// (https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-SimpleLB)
func newBalancer(lb *networking.LoadBalancerSettings) Balancer {
	switch {
	case lb.GetConsistentHash() != nil:
		return ConsistentHash
	case lb.GetSimple() == networking.LoadBalancerSettings_ROUND_ROBIN:
		return RoundRobin
	case lb.GetSimple() == networking.LoadBalancerSettings_RANDOM:
		return Random
	}
	return LeastRequest
}

func newPool(p *networking.ConnectionPoolSettings) Pool {
	tcp, http := p.GetTcp(), p.GetHttp()
	pool := Pool{
		MaxConnections:           int(max(0, tcp.GetMaxConnections())),
		MaxPending:               int(max(0, http.GetHttp1MaxPendingRequests())),
		MaxRequests:              int(max(0, http.GetHttp2MaxRequests())),
		MaxRequestsPerConnection: int(max(0, http.GetMaxRequestsPerConnection())),
		MaxRetries:               int(max(0, http.GetMaxRetries())),
		ConnectTimeout:           10 * time.Second, // MeshConfig.connectTimeout
	}
	if tcp.GetConnectTimeout() != nil {
		pool.ConnectTimeout = tcp.GetConnectTimeout().AsDuration()
	}
	if idle := http.GetIdleTimeout(); idle != nil {
		pool.IdleTimeout = idle.AsDuration()
	} else if idle := tcp.GetIdleTimeout(); idle != nil {
		pool.IdleTimeout = idle.AsDuration()
	}
	return pool
}

// newOutlier fills in the defaults of Istio and Envoy: five consecutive 5xx, an interval of 10 s, an ejection time of 30 s, and at most a
// tenth of the endpoints ejected (but always one). Gateway errors count separately only if they are configured.
// (https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection,
// https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto)
func newOutlier(o *networking.OutlierDetection) *Outlier {
	if o == nil {
		return nil
	}
	out := &Outlier{Consecutive5xx: 5, SplitLocal: o.GetSplitExternalLocalOriginErrors(), Interval: 10 * time.Second,
		BaseEjection: 30 * time.Second, MaxEjectionPercent: 10, MinHealthPercent: int(o.GetMinHealthPercent())}
	if n := o.GetConsecutive_5XxErrors(); n != nil {
		out.Consecutive5xx = int(n.GetValue())
	}
	out.ConsecutiveGateway = int(o.GetConsecutiveGatewayErrors().GetValue())
	if out.SplitLocal {
		out.ConsecutiveLocal = 5
		if n := o.GetConsecutiveLocalOriginFailures().GetValue(); n > 0 {
			out.ConsecutiveLocal = int(n)
		}
	}
	if o.GetInterval() != nil {
		out.Interval = o.GetInterval().AsDuration()
	}
	if o.GetBaseEjectionTime() != nil {
		out.BaseEjection = o.GetBaseEjectionTime().AsDuration()
	}
	if n := o.GetMaxEjectionPercent(); n > 0 {
		out.MaxEjectionPercent = int(n)
	}
	return out
}
