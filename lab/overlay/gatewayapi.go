package overlay

import (
	"cmp"

	"github.com/hopline/hopline/lab/istio"
)

// The types below hold the objects of Kubernetes' Gateway API (gateway.networking.k8s.io/v1, of version 1.6) with the API server's defaults
// filled in. Their tags are the lists of supported fields, as in the other manifests.
// (https://gateway-api.sigs.k8s.io/reference/spec/)

// GatewayAPI is the group of the Gateway API.
const GatewayAPI = "gateway.networking.k8s.io"

// KubernetesGateway is a Gateway of the Gateway API. Istio's own kind of that name is in Overlay.Gateways.
type KubernetesGateway struct {
	Meta
	Spec KubernetesGatewaySpec
}

// HTTPRoute holds rules for requests at a Gateway or to a Service.
type HTTPRoute struct {
	Meta
	Spec HTTPRouteSpec
}

// ReferenceGrant allows routes of other namespaces to refer to Services of its own.
type ReferenceGrant struct {
	Meta
	Spec ReferenceGrantSpec
}

// KubernetesGatewaySpec is the specification of a KubernetesGateway.
type KubernetesGatewaySpec struct {
	GatewayClassName string           `field:"gatewayClassName,required" does:"istio"`
	Addresses        []GatewayAddress `field:"addresses" does:"one of type Hostname: the Service of the gateway, in the Gateway's namespace"`
	Listeners        []Listener       `field:"listeners,required"`

	Infrastructure   anything `field:"infrastructure,refused" why:"the lab deploys no gateway"`
	AllowedListeners anything `field:"allowedListeners,refused" why:"the lab has no ListenerSets"`
	TLS              anything `field:"tls,refused" why:"the lab has no certificates"`
	DefaultScope     anything `field:"defaultScope,refused" why:"Istio does not read it"`
}

// GatewayAddress names the Service behind a gateway.
type GatewayAddress struct {
	Type  string `field:"type" does:"Hostname"` // default IPAddress
	Value string `field:"value"`
}

// Listener is one port of a gateway for some host names.
type Listener struct {
	Name          string         `field:"name,required"`
	Hostname      string         `field:"hostname"` // empty: every host
	Port          int            `field:"port,required"`
	Protocol      string         `field:"protocol,required" does:"HTTP"`
	AllowedRoutes *AllowedRoutes `field:"allowedRoutes"`
	TLS           anything       `field:"tls,refused" why:"the lab has no certificates"`
}

// AllowedRoutes selects the routes that may attach to a listener.
type AllowedRoutes struct {
	Namespaces *RouteNamespaces `field:"namespaces"`
	Kinds      []RouteKind      `field:"kinds"`
}

// RouteNamespaces selects the namespaces of routes.
type RouteNamespaces struct {
	From     string             `field:"from" does:"All, Same or Selector"` // default Same
	Selector *NamespaceSelector `field:"selector"`
}

// NamespaceSelector selects namespaces by their labels.
type NamespaceSelector struct {
	MatchLabels      map[string]string `field:"matchLabels"`
	MatchExpressions []LabelExpression `field:"matchExpressions"`
}

// LabelExpression is a condition on one label.
type LabelExpression struct {
	Key      string   `field:"key,required"`
	Operator string   `field:"operator,required" does:"In, NotIn, Exists or DoesNotExist"`
	Values   []string `field:"values"`
}

// RouteKind names a kind of route.
type RouteKind struct {
	Group *string `field:"group"` // default GatewayAPI
	Kind  string  `field:"kind,required"`
}

// HTTPRouteSpec is the specification of an HTTPRoute.
type HTTPRouteSpec struct {
	ParentRefs         []ParentRef     `field:"parentRefs"`
	Hostnames          []string        `field:"hostnames"`
	Rules              []HTTPRouteRule `field:"rules"`
	UseDefaultGateways anything        `field:"useDefaultGateways,refused" why:"Istio does not read it"`
}

// ParentRef names what a route attaches to.
type ParentRef struct {
	Group       *string `field:"group" does:"of a Gateway, of a Service (empty), or networking.istio.io"` // default GatewayAPI
	Kind        string  `field:"kind" does:"Gateway, Service or ServiceEntry"`                            // default Gateway
	Namespace   string  `field:"namespace"`                                                               // default the route's
	Name        string  `field:"name,required"`
	SectionName string  `field:"sectionName"` // of a Gateway: the listener; empty: all
	Port        int     `field:"port"`        // 0: all
}

// HTTPRouteRule is one rule of an HTTPRoute.
type HTTPRouteRule struct {
	Name               string             `field:"name"`
	Matches            []HTTPRouteMatch   `field:"matches"` // one of them is enough
	Filters            []HTTPRouteFilter  `field:"filters"`
	BackendRefs        []HTTPBackendRef   `field:"backendRefs"`
	Timeouts           *HTTPRouteTimeouts `field:"timeouts"`
	Retry              *HTTPRouteRetry    `field:"retry"`
	SessionPersistence anything           `field:"sessionPersistence,refused" why:"Istio does not read it; use a DestinationRule with consistentHash"`
}

// HTTPRouteMatch holds conditions on a request, all of which must hold.
type HTTPRouteMatch struct {
	Path        *HTTPPathMatch `field:"path"`
	Headers     []HTTPMatch    `field:"headers"`
	QueryParams []HTTPMatch    `field:"queryParams"`
	Method      string         `field:"method"`
}

// HTTPPathMatch is a condition on the path.
type HTTPPathMatch struct {
	Type  string  `field:"type" does:"PathPrefix, by segments; Exact or RegularExpression"` // default PathPrefix
	Value *string `field:"value"`                                                           // default "/"
}

// HTTPMatch is a condition on a header or a query parameter.
type HTTPMatch struct {
	Type  string `field:"type" does:"Exact or RegularExpression"` // default Exact
	Name  string `field:"name,required"`
	Value string `field:"value,required"`
}

// HTTPRouteFilter changes requests or responses, or responds itself. Type names the one other field that is set.
type HTTPRouteFilter struct {
	Type                   string           `field:"type,required"`
	RequestHeaderModifier  *HeaderModifier  `field:"requestHeaderModifier"`
	ResponseHeaderModifier *HeaderModifier  `field:"responseHeaderModifier"`
	RequestMirror          *RequestMirror   `field:"requestMirror"`
	RequestRedirect        *RequestRedirect `field:"requestRedirect"`
	URLRewrite             *URLRewrite      `field:"urlRewrite"`
	CORS                   *CORS            `field:"cors"`
	ExtensionRef           anything         `field:"extensionRef,refused" why:"Istio drops a whole route with such a filter"`
	ExternalAuth           anything         `field:"externalAuth,refused" why:"Istio drops a whole route with such a filter"`
}

// CORS lets pages of other origins read responses.
type CORS struct {
	AllowOrigins     []string `field:"allowOrigins"`
	AllowCredentials bool     `field:"allowCredentials"`
	AllowMethods     []string `field:"allowMethods"`
	AllowHeaders     []string `field:"allowHeaders"`
	ExposeHeaders    []string `field:"exposeHeaders"`
	MaxAge           *int     `field:"maxAge"` // in seconds; default 5
}

// HeaderModifier changes headers.
type HeaderModifier struct {
	Set    []HTTPHeader `field:"set"`
	Add    []HTTPHeader `field:"add"`
	Remove []string     `field:"remove"`
}

// HTTPHeader is one header.
type HTTPHeader struct {
	Name  string `field:"name,required"`
	Value string `field:"value,required"`
}

// RequestMirror sends copies of requests to another destination. Without Percent and Fraction it copies all.
type RequestMirror struct {
	BackendRef BackendRef `field:"backendRef,required"`
	Percent    *int       `field:"percent"`
	Fraction   *Fraction  `field:"fraction"`
}

// Fraction is a part of requests.
type Fraction struct {
	Numerator   int  `field:"numerator,required"`
	Denominator *int `field:"denominator"` // default 100
}

// RequestRedirect responds with a redirect.
type RequestRedirect struct {
	Scheme     string        `field:"scheme" does:"http or https"`
	Hostname   string        `field:"hostname"`
	Path       *PathModifier `field:"path"`
	Port       int           `field:"port"`                                        // 0: see gatewayapi
	StatusCode int           `field:"statusCode" does:"301, 302, 303, 307 or 308"` // default 302
}

// URLRewrite changes the host or the path of requests.
type URLRewrite struct {
	Hostname string        `field:"hostname"`
	Path     *PathModifier `field:"path"`
}

// PathModifier changes a path. Type names the one other field that is set.
type PathModifier struct {
	Type               string  `field:"type,required" does:"ReplaceFullPath or ReplacePrefixMatch"`
	ReplaceFullPath    *string `field:"replaceFullPath"`
	ReplacePrefixMatch *string `field:"replacePrefixMatch"`
}

// BackendRef names a destination.
type BackendRef struct {
	Group     string `field:"group" does:"of a Service (empty), or networking.istio.io"`
	Kind      string `field:"kind" does:"Service or Hostname"` // default Service
	Namespace string `field:"namespace"`                       // default the route's
	Name      string `field:"name,required"`
	Port      int    `field:"port"`
}

// HTTPBackendRef names one of the weighted destinations of a rule.
type HTTPBackendRef struct {
	BackendRef
	Weight  *int              `field:"weight" does:"0: no requests"` // default 1
	Filters []HTTPRouteFilter `field:"filters"`
}

// Host returns the full host name of the destination, for a route of a namespace; it may have no kind yet.
func (b BackendRef) Host(namespace string) string {
	if b.Group == "networking.istio.io" && b.Kind == "Hostname" {
		return b.Name
	}
	return istio.ServiceHost(b.Name, cmp.Or(b.Namespace, namespace))
}

// backends returns the destinations of a route, mirrors included.
func (r *HTTPRoute) backends() (list []BackendRef) {
	for i := range r.Spec.Rules {
		rule := &r.Spec.Rules[i]
		for j := range rule.BackendRefs {
			list = append(list, rule.BackendRefs[j].BackendRef)
		}
		for _, f := range rule.Filters {
			if f.RequestMirror != nil {
				list = append(list, f.RequestMirror.BackendRef)
			}
		}
	}
	return list
}

// HTTPRouteTimeouts bounds the duration of a request, and of each try.
type HTTPRouteTimeouts struct {
	Request        string `field:"request" does:"0s: none"`
	BackendRequest string `field:"backendRequest"`
}

// HTTPRouteRetry configures further tries.
type HTTPRouteRetry struct {
	Codes    []int  `field:"codes"`
	Attempts *int   `field:"attempts"` // default 2, as Istio's
	Backoff  string `field:"backoff"`
}

// ReferenceGrantSpec is the specification of a ReferenceGrant.
type ReferenceGrantSpec struct {
	From []GrantFrom `field:"from,required"`
	To   []GrantTo   `field:"to,required"`
}

// GrantFrom names the objects that may refer.
type GrantFrom struct {
	Group     *string `field:"group,required"`
	Kind      string  `field:"kind,required"`
	Namespace string  `field:"namespace,required"`
}

// GrantTo names the objects that may be referred to.
type GrantTo struct {
	Group *string `field:"group,required"`
	Kind  string  `field:"kind,required"`
	Name  string  `field:"name"` // empty: all
}

// GroupOf returns a group that defaults to that of the Gateway API.
func GroupOf(group *string) string {
	if group == nil {
		return GatewayAPI
	}
	return *group
}

type kubernetesGatewayManifest struct {
	objectManifest
	Spec   KubernetesGatewaySpec `field:"spec,required"`
	Status anything              `field:"status" does:"ignored, as by the API server"`
}

type httpRouteManifest struct {
	objectManifest
	Spec   HTTPRouteSpec `field:"spec,required"`
	Status anything      `field:"status" does:"ignored, as by the API server"`
}

type referenceGrantManifest struct {
	objectManifest
	Spec ReferenceGrantSpec `field:"spec,required"`
}

func addKubernetesGateway(d *decoding, m Meta, decoded any) {
	g := KubernetesGateway{Meta: m, Spec: decoded.(*kubernetesGatewayManifest).Spec}
	d.noteIstioKeys(m.Annotations, "annotation")
	checkKubernetesGateway(problems{report: d.report, object: m.String()}, &g.Spec)
	d.overlay.KubernetesGateways = append(d.overlay.KubernetesGateways, g)
}

func addHTTPRoute(d *decoding, m Meta, decoded any) {
	r := HTTPRoute{Meta: m, Spec: decoded.(*httpRouteManifest).Spec}
	r.Spec.complete()
	checkGatewayRoute(problems{report: d.report, object: m.String()}, &r.Spec)
	d.overlay.HTTPRoutes = append(d.overlay.HTTPRoutes, r)
}

func addReferenceGrant(d *decoding, m Meta, decoded any) {
	g := ReferenceGrant{Meta: m, Spec: decoded.(*referenceGrantManifest).Spec}
	checkReferenceGrant(problems{report: d.report, object: m.String()}, &g.Spec)
	d.overlay.ReferenceGrants = append(d.overlay.ReferenceGrants, g)
}

// complete fills in the defaults of the API server.
func (s *HTTPRouteSpec) complete() {
	for i := range s.ParentRefs {
		setDefault(&s.ParentRefs[i].Kind, "Gateway")
	}
	if s.Rules == nil {
		s.Rules = []HTTPRouteRule{{}}
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.Matches == nil {
			r.Matches = []HTTPRouteMatch{{}}
		}
		for j := range r.Matches {
			r.Matches[j].complete()
		}
		completeFilters(r.Filters)
		for j := range r.BackendRefs {
			b := &r.BackendRefs[j]
			setDefault(&b.Kind, "Service")
			if b.Weight == nil {
				b.Weight = new(1)
			}
			completeFilters(b.Filters)
		}
	}
}

func (m *HTTPRouteMatch) complete() {
	if m.Path == nil {
		m.Path = &HTTPPathMatch{}
	}
	setDefault(&m.Path.Type, "PathPrefix")
	if m.Path.Value == nil {
		m.Path.Value = new("/")
	}
	for i := range m.Headers {
		setDefault(&m.Headers[i].Type, "Exact")
	}
	for i := range m.QueryParams {
		setDefault(&m.QueryParams[i].Type, "Exact")
	}
}

func completeFilters(filters []HTTPRouteFilter) {
	for i := range filters {
		if m := filters[i].RequestMirror; m != nil {
			setDefault(&m.BackendRef.Kind, "Service")
			if m.Fraction != nil && m.Fraction.Denominator == nil {
				m.Fraction.Denominator = new(100)
			}
		}
		if r := filters[i].RequestRedirect; r != nil && r.StatusCode == 0 {
			r.StatusCode = 302
		}
		if c := filters[i].CORS; c != nil && c.MaxAge == nil {
			c.MaxAge = new(5)
		}
	}
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
