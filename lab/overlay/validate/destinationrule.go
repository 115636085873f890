package validate

import (
	"fmt"
	"math/big"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	networking "istio.io/api/networking/v1alpha3"
)

// DestinationRule applies Istio's ValidateDestinationRule.
func DestinationRule(at Report, of Object, spec *networking.DestinationRule) {
	checkHost(at, "spec.host", spec.Host)
	checkTrafficPolicy(at, "spec.trafficPolicy", spec.TrafficPolicy)
	names := map[string]bool{}
	for i, s := range spec.Subsets {
		path := fmt.Sprintf("spec.subsets[%d]", i)
		if !isIstioLabel(s.Name) {
			at(path+".name", "want letters, digits and -, got %s", fieldpath.Quote(s.Name))
		}
		if names[s.Name] {
			at(path+".name", "%s appears twice", fieldpath.Quote(s.Name))
		}
		names[s.Name] = true
		checkTags(at, path+".labels", s.Labels)
		checkTrafficPolicy(at, path+".trafficPolicy", s.TrafficPolicy)
	}
	checkExportTo(at, of.Namespace, spec.ExportTo, false)
	if spec.WorkloadSelector != nil {
		checkSelector(at, "spec.workloadSelector.matchLabels", spec.WorkloadSelector.MatchLabels)
		for i, e := range spec.ExportTo {
			if e != "." && e != of.Namespace {
				at(fmt.Sprintf("spec.exportTo[%d]", i), "with a workloadSelector want only ., got %s", fieldpath.Quote(e))
			}
		}
	}
}

func checkTrafficPolicy(at Report, path string, p *networking.TrafficPolicy) {
	if p == nil {
		return
	}
	if p.OutlierDetection == nil && p.ConnectionPool == nil && p.LoadBalancer == nil && p.Tls == nil && p.PortLevelSettings == nil &&
		p.Tunnel == nil && p.ProxyProtocol == nil && p.RetryBudget == nil {
		at(path, "empty, want at least one field")
	}
	checkOutlier(at, path+".outlierDetection", p.OutlierDetection)
	checkPool(at, path+".connectionPool", p.ConnectionPool)
	checkBalancer(at, path+".loadBalancer", p.LoadBalancer)
	for i, l := range p.PortLevelSettings {
		lp := fmt.Sprintf("%s.portLevelSettings[%d]", path, i)
		if l.Port == nil {
			at(lp+".port", "missing")
		}
		if l.OutlierDetection == nil && l.ConnectionPool == nil && l.LoadBalancer == nil && l.Tls == nil {
			at(lp, "want at least one of outlierDetection, connectionPool, loadBalancer and tls")
		}
		checkOutlier(at, lp+".outlierDetection", l.OutlierDetection)
		checkPool(at, lp+".connectionPool", l.ConnectionPool)
		checkBalancer(at, lp+".loadBalancer", l.LoadBalancer)
	}
}

func checkOutlier(at Report, path string, o *networking.OutlierDetection) {
	if o == nil {
		return
	}
	checkDuration(at, path+".baseEjectionTime", o.BaseEjectionTime)
	checkDuration(at, path+".interval", o.Interval)
	if !o.SplitExternalLocalOriginErrors && o.ConsecutiveLocalOriginFailures.GetValue() > 0 {
		at(path+".consecutiveLocalOriginFailures", "needs splitExternalLocalOriginErrors: true")
	}
	for name, v := range map[string]int32{"maxEjectionPercent": o.MaxEjectionPercent, "minHealthPercent": o.MinHealthPercent} {
		if v < 0 || v > 100 {
			at(path+"."+name, "want 0 to 100, got %d", v)
		}
	}
}

func checkPool(at Report, path string, p *networking.ConnectionPoolSettings) {
	if p == nil {
		return
	}
	if p.Http == nil && p.Tcp == nil {
		at(path, "want http or tcp or both")
	}
	notNegative := func(name string, v int32) {
		if v < 0 {
			at(path+"."+name, "want 0 or more, got %d", v)
		}
	}
	if h := p.Http; h != nil {
		notNegative("http.http1MaxPendingRequests", h.Http1MaxPendingRequests)
		notNegative("http.http2MaxRequests", h.Http2MaxRequests)
		notNegative("http.maxRequestsPerConnection", h.MaxRequestsPerConnection)
		notNegative("http.maxRetries", h.MaxRetries)
		notNegative("http.maxConcurrentStreams", h.MaxConcurrentStreams)
		checkDuration(at, path+".http.idleTimeout", h.IdleTimeout)
		if k := h.Http2KeepAlive; k != nil {
			if k.Interval == nil || k.Timeout == nil {
				at(path+".http.http2KeepAlive", "want interval and timeout")
			}
			checkDuration(at, path+".http.http2KeepAlive.interval", k.Interval)
			checkDuration(at, path+".http.http2KeepAlive.timeout", k.Timeout)
		}
		if h.H2UpgradePolicy == networking.ConnectionPoolSettings_HTTPSettings_UPGRADE && h.UseClientProtocol {
			at(path+".http.useClientProtocol", "not together with h2UpgradePolicy UPGRADE")
		}
	}
	if t := p.Tcp; t != nil {
		notNegative("tcp.maxConnections", t.MaxConnections)
		checkDuration(at, path+".tcp.connectTimeout", t.ConnectTimeout)
		checkDuration(at, path+".tcp.maxConnectionDuration", t.MaxConnectionDuration)
		if t.IdleTimeout.AsDuration().Milliseconds() != 0 { // 0s disables it
			checkDuration(at, path+".tcp.idleTimeout", t.IdleTimeout)
		}
		checkDuration(at, path+".tcp.tcpKeepalive.time", t.GetTcpKeepalive().GetTime())
		checkDuration(at, path+".tcp.tcpKeepalive.interval", t.GetTcpKeepalive().GetInterval())
	}
}

func checkBalancer(at Report, path string, b *networking.LoadBalancerSettings) {
	if b == nil {
		return
	}
	if hash := b.GetConsistentHash(); hash != nil {
		checkHash(at, path+".consistentHash", hash)
	}
	if w := b.Warmup; w != nil {
		if w.Duration == nil {
			at(path+".warmup.duration", "missing")
		}
		checkDuration(at, path+".warmup.duration", w.Duration)
		if v := w.MinimumPercent.GetValue(); v > 100 {
			at(path+".warmup.minimumPercent", "want at most 100, got %v", v)
		}
		if w.Aggression != nil && w.Aggression.Value <= 0 {
			at(path+".warmup.aggression", "want more than 0, got %v", w.Aggression.Value)
		}
	}
}

func checkHash(at Report, path string, h *networking.LoadBalancerSettings_ConsistentHashLB) {
	if c := h.GetHttpCookie(); c != nil {
		if c.Name == "" {
			at(path+".httpCookie.name", "missing")
		} else if !istioHeader.MatchString(c.Name) {
			at(path+".httpCookie.name", "want the name of a cookie, got %s", fieldpath.Quote(c.Name))
		}
		if !cookiePath.MatchString(c.Path) {
			at(path+".httpCookie.path", "want the path of a cookie, got %s", fieldpath.Quote(c.Path))
		}
	}
	//lint:ignore SA1019 deprecated, and still taken by Istio
	if h.MinimumRingSize != 0 && h.HashAlgorithm != nil {
		at(path+".minimumRingSize", "not together with ringHash or maglev")
	}
	if m := h.GetMaglev(); m != nil {
		if m.TableSize >= 5000011 || !new(big.Int).SetUint64(m.TableSize).ProbablyPrime(0) {
			at(path+".maglev.tableSize", "want a prime number below 5000011, got %d", m.TableSize)
		}
	}
}
