package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// VirtualService applies Istio's ValidateVirtualService.
func VirtualService(at Report, of Object, spec *networking.VirtualService) {
	onlyGateways := len(spec.Gateways) > 0 && !slices.Contains(spec.Gateways, istio.MeshGateway)
	if len(spec.Hosts) == 0 {
		checkDelegate(at, spec)
	}
	sound := true
	for i, host := range spec.Hosts {
		path := fmt.Sprintf("spec.hosts[%d]", i)
		switch {
		case istio.IsAddress(host):
		case !checkHost(at, path, host):
			sound = false
		case host == "*" && !onlyGateways:
			at(path, "* is for gateways: want the names of Services, or gateways without mesh")
			sound = false
		}
	}
	for i := range spec.Hosts {
		for j := range i {
			if sound && istio.Overlap(spec.Hosts[i], spec.Hosts[j]) {
				at(fmt.Sprintf("spec.hosts[%d]", i), "%s and %s have names in common", fieldpath.Quote(spec.Hosts[j]), fieldpath.Quote(spec.Hosts[i]))
			}
		}
	}
	for i, g := range spec.Gateways {
		checkGatewayName(at, fmt.Sprintf("spec.gateways[%d]", i), g)
	}
	if len(spec.Http)+len(spec.Tls)+len(spec.Tcp) == 0 {
		at("spec.http", "missing: want at least one rule")
	}
	for i, r := range spec.Http {
		checkHTTPRoute(at, fmt.Sprintf("spec.http[%d]", i), r)
	}
	checkExportTo(at, of.Namespace, spec.ExportTo, false)
}

// checkDelegate checks a VirtualService without hosts: others delegate to it.
func checkDelegate(at Report, spec *networking.VirtualService) {
	if len(spec.Gateways) > 0 {
		at("spec.gateways", "not without hosts: a VirtualService that others delegate to has theirs")
	}
	if len(spec.Tls) > 0 {
		at("spec.tls", "not without hosts")
	}
	if len(spec.Tcp) > 0 {
		at("spec.tcp", "not without hosts")
	}
	for i, r := range spec.Http {
		if r.Delegate != nil {
			at(fmt.Sprintf("spec.http[%d].delegate", i), "not without hosts: a delegate cannot delegate again")
		}
	}
}

// checkGatewayName checks a reference to a Gateway: a name, namespace/name, or mesh.
func checkGatewayName(at Report, path, gateway string) {
	namespace, name, qualified := strings.Cut(gateway, "/")
	switch {
	case qualified && (!isIstioLabel(namespace) || !isIstioLabel(name)):
		at(path, "want namespace/name, got %s", fieldpath.Quote(gateway))
	case !qualified && !isFQDN(gateway):
		at(path, "want a Gateway's name, got %s", fieldpath.Quote(gateway))
	}
}

func checkHTTPRoute(at Report, path string, r *networking.HTTPRoute) {
	checkOneAction(at, path, r)
	for i, m := range r.Match {
		checkMatchRequest(at, fmt.Sprintf("%s.match[%d]", path, i), m)
	}
	checkHeaders(at, path+".headers", r.Headers)
	checkCORS(at, path+".corsPolicy", r.CorsPolicy)
	checkFault(at, path+".fault", r.Fault)
	checkDestination(at, path+".mirror", r.Mirror)
	if r.Mirror != nil && len(r.Mirrors) > 0 {
		at(path, "want mirror or mirrors, got both")
	}
	checkShareOfRequests(at, path+".mirrorPercentage.value", r.MirrorPercentage)
	//lint:ignore SA1019 deprecated, and still taken by Istio
	if v := r.MirrorPercent.GetValue(); v > 100 {
		at(path+".mirrorPercent", "want 0 to 100, got %d", v)
	}
	for i, m := range r.Mirrors {
		at2 := fmt.Sprintf("%s.mirrors[%d]", path, i)
		if m.Destination == nil {
			at(at2+".destination", "missing")
		}
		checkDestination(at, at2+".destination", m.Destination)
		checkShareOfRequests(at, at2+".percentage.value", m.Percentage)
	}
	checkRedirect(at, path+".redirect", r)
	checkDirectResponse(at, path+".directResponse", r.DirectResponse)
	checkRetries(at, path+".retries", r.Retries)
	checkRewrite(at, path+".rewrite", r)
	checkRoute(at, path+".route", r.Route)
	checkDuration(at, path+".timeout", r.Timeout)
}

// checkOneAction checks that a rule has exactly one action: route, redirect or direct response.
func checkOneAction(at Report, path string, r *networking.HTTPRoute) {
	var actions []string
	if len(r.Route) > 0 {
		actions = append(actions, "route")
	}
	if r.Redirect != nil {
		actions = append(actions, "redirect")
	}
	if r.DirectResponse != nil {
		actions = append(actions, "directResponse")
	}
	switch {
	case r.Delegate != nil:
		if r.Redirect != nil {
			at(path+".redirect", "not together with delegate")
		}
		if r.Route != nil {
			at(path+".route", "not together with delegate")
		}
	case len(actions) == 0:
		at(path, "want one of route, redirect and directResponse, got none")
	case len(actions) > 1:
		at(path, "want one of route, redirect and directResponse, got %s", strings.Join(actions, " and "))
	case actions[0] != "route":
		if r.Fault != nil {
			at(path+".fault", "not together with %s", actions[0])
		}
		if r.Rewrite != nil {
			at(path+".rewrite", "not together with %s", actions[0])
		}
	}
}

func checkShareOfRequests(at Report, path string, p *networking.Percent) {
	if v := p.GetValue(); v < 0 || v > 100 {
		at(path, "want 0 to 100, got %v", v)
	}
}

func checkMatchRequest(at Report, path string, m *networking.HTTPMatchRequest) {
	checkMatch(at, path+".uri", m.Uri, true)
	checkMatch(at, path+".scheme", m.Scheme, false)
	checkMatch(at, path+".method", m.Method, false)
	checkMatch(at, path+".authority", m.Authority, false)
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		if why := matchedHeader(name); why != "" {
			at(fieldpath.Join(path+".headers", name), "%s", why)
		}
		checkMatch(at, fieldpath.Join(path+".headers", name), m.Headers[name], false)
	}
	for _, name := range slices.Sorted(maps.Keys(m.WithoutHeaders)) {
		if why := matchedHeader(name); why != "" {
			at(fieldpath.Join(path+".withoutHeaders", name), "%s", why)
		}
		if m.WithoutHeaders[name].GetRegex() != "*" { // in Istio this value matches any header that is present
			checkMatch(at, fieldpath.Join(path+".withoutHeaders", name), m.WithoutHeaders[name], false)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.QueryParams)) {
		checkMatch(at, fieldpath.Join(path+".queryParams", name), m.QueryParams[name], false)
	}
	if m.Port > 65535 {
		checkPort(at, path+".port", m.Port)
	}
	checkTags(at, path+".sourceLabels", m.SourceLabels)
	for i, g := range m.Gateways {
		checkGatewayName(at, fmt.Sprintf("%s.gateways[%d]", path, i), g)
	}
	if m.SourceNamespace != "" && !isIstioLabel(m.SourceNamespace) {
		at(path+".sourceNamespace", "want a namespace, got %s", fieldpath.Quote(m.SourceNamespace))
	}
}

func checkFault(at Report, path string, f *networking.HTTPFaultInjection) {
	if f == nil {
		return
	}
	if f.Abort == nil && f.Delay == nil {
		at(path, "want abort or delay or both")
	}
	if f.Abort != nil {
		checkPercentage(at, path+".abort.percentage", f.Abort.Percentage)
		if status, ok := f.Abort.ErrorType.(*networking.HTTPFaultInjection_Abort_HttpStatus); ok {
			checkStatus(at, path+".abort.httpStatus", int(status.HttpStatus))
		}
	}
	if f.Delay != nil {
		checkPercentage(at, path+".delay.percentage", f.Delay.Percentage)
		checkDuration(at, path+".delay.fixedDelay", f.Delay.GetFixedDelay())
	}
}

func checkDestination(at Report, path string, d *networking.Destination) {
	if d == nil {
		return
	}
	if d.Host == "*" {
		at(path+".host", "want the name of a Service, got *")
	} else {
		checkHost(at, path+".host", d.Host)
	}
	if d.Subset != "" && !isIstioLabel(d.Subset) {
		at(path+".subset", "want letters, digits and -, got %s", fieldpath.Quote(d.Subset))
	}
	if d.Port != nil {
		checkPort(at, path+".port.number", d.Port.Number)
	}
}

// checkRoute checks weighted destinations. The weights need not add up to 100: Envoy uses each as its share of their sum, which must not be
// 0 if there is more than one destination.
func checkRoute(at Report, path string, route []*networking.HTTPRouteDestination) {
	var total int64
	for i, d := range route {
		p := fmt.Sprintf("%s[%d]", path, i)
		if d.Destination == nil {
			at(p+".destination", "missing")
		}
		checkDestination(at, p+".destination", d.Destination)
		checkHeaders(at, p+".headers", d.Headers)
		if d.Weight < 0 {
			at(p+".weight", "want 0 or more, got %d", d.Weight)
		}
		total += int64(d.Weight)
	}
	switch {
	case len(route) > 1 && total == 0:
		at(path, "the weights add up to 0: with more than one destination at least one needs a weight")
	case total > 1<<32-1:
		at(path, "the weights add up to %d, want at most %d, as Envoy does", total, uint32(1<<32-1))
	}
}

func checkRetries(at Report, path string, r *networking.HTTPRetry) {
	if r == nil {
		return
	}
	if r.Attempts < 0 {
		at(path+".attempts", "want 0 or more, got %d", r.Attempts)
	}
	if r.Attempts == 0 && (r.PerTryTimeout != nil || r.RetryOn != "" || r.RetryRemoteLocalities != nil) {
		at(path+".attempts", "0 switches retries off; then perTryTimeout, retryOn and retryRemoteLocalities have no meaning")
	}
	checkDuration(at, path+".perTryTimeout", r.PerTryTimeout)
	checkDuration(at, path+".backoff", r.Backoff)
	if r.RetryOn == "" {
		return
	}
	for _, word := range strings.Split(r.RetryOn, ",") {
		if istio.IsRetryCondition(word) {
			continue
		}
		if n := nearest.Name(word, istio.RetryConditions()); n != "" {
			at(path+".retryOn", "unknown condition %s; did you mean %s?", fieldpath.Quote(word), n)
		} else {
			at(path+".retryOn", "unknown condition %s: want status codes or %s, separated by commas without spaces", fieldpath.Quote(word), strings.Join(istio.RetryConditions(), ", "))
		}
	}
}

func checkRedirect(at Report, path string, route *networking.HTTPRoute) {
	r := route.Redirect
	if r == nil {
		return
	}
	if r.Uri != "" && r.PrefixRewrite != "" {
		at(path, "want uri or prefixRewrite, got both")
	}
	if r.PrefixRewrite != "" {
		for _, m := range route.Match {
			if _, prefix := m.GetUri().GetMatchType().(*networking.StringMatch_Prefix); m.GetUri() != nil && !prefix {
				at(path+".prefixRewrite", "every match of a uri must be by prefix")
				break
			}
		}
	}
	if r.Uri == "" && r.PrefixRewrite == "" && r.Authority == "" && r.RedirectPort == nil && r.Scheme == "" {
		at(path, "want uri, prefixRewrite, authority, scheme or a port")
	}
	if r.RedirectCode != 0 && (r.RedirectCode < 300 || r.RedirectCode > 399) {
		at(path+".redirectCode", "want 300 to 399, got %d", r.RedirectCode)
	}
	if r.Scheme != "" && r.Scheme != "http" && r.Scheme != "https" {
		at(path+".scheme", "want http or https, got %s", fieldpath.Quote(r.Scheme))
	}
	if r.GetPort() > 65535 {
		checkPort(at, path+".port", r.GetPort())
	}
	checkAuthority(at, path+".authority", r.Authority)
	WireText(at, path+".uri", r.Uri)
	WireText(at, path+".prefixRewrite", r.PrefixRewrite)
}

func checkDirectResponse(at Report, path string, r *networking.HTTPDirectResponse) {
	if r == nil {
		return
	}
	checkStatus(at, path+".status", int(r.Status))
	if size := len(r.GetBody().GetString_()) + len(r.GetBody().GetBytes()); size > 1<<20 {
		at(path+".body", "want at most 1 MiB, got %d bytes", size)
	}
}

func checkRewrite(at Report, path string, route *networking.HTTPRoute) {
	r := route.Rewrite
	if r == nil {
		return
	}
	regex := r.UriRegexRewrite
	switch {
	case r.Uri != "" && regex != nil:
		at(path, "want uri or uriRegexRewrite, got both")
	case r.Uri == "" && regex == nil && r.Authority == "":
		at(path, "want uri, uriRegexRewrite or authority")
	}
	if regex != nil {
		Regex(at, path+".uriRegexRewrite.match", regex.Match)
		if regex.Rewrite == "" {
			at(path+".uriRegexRewrite.rewrite", "missing")
		}
	}
	WireText(at, path+".uri", r.Uri)
	WireText(at, path+".uriRegexRewrite.rewrite", regex.GetRewrite())
	checkAuthority(at, path+".authority", r.Authority)
	// Istio sets the authority in only one place.
	times := 0
	if r.Authority != "" {
		times++
	}
	for _, names := range []map[string]string{route.Headers.GetRequest().GetSet(), route.Headers.GetRequest().GetAdd()} {
		for name, value := range names {
			if istio.IsAuthority(name) && (value != "" || times > 0) {
				times++
			}
		}
	}
	if times > 1 {
		at(path+".authority", "the authority is set in several places")
	}
}
