package deploy

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1alpha3"
	telemetry "istio.io/api/telemetry/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// addons decodes the dashboards strictly. It decodes kinds that no overlay has itself, all others as an overlay's.
func addons(t *testing.T, objects []object) (*system, map[string]*corev1.ConfigMap) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, rbacv1.AddToScheme, appsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	kube := kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme, scheme, kubejson.SerializerOptions{Strict: true})
	var rest []object
	files, sets := map[string]*corev1.ConfigMap{}, map[string]*appsv1.DaemonSet{}
	for _, o := range objects {
		switch o.Kind {
		case "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap", "DaemonSet":
			typed, _, err := kube.Decode(o.raw, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", o, err)
			}
			switch x := typed.(type) {
			case *corev1.ConfigMap:
				files[x.Name] = x
			case *appsv1.DaemonSet:
				sets[x.Namespace+"/"+x.Name] = x
			}
		case "Telemetry":
			var all struct {
				Spec json.RawMessage `json:"spec"`
			}
			if err := json.Unmarshal(o.raw, &all); err != nil {
				t.Fatal(err)
			}
			if err := protojson.Unmarshal(all.Spec, &telemetry.Telemetry{}); err != nil {
				t.Fatalf("%s: %v", o, err)
			}
		default:
			rest = append(rest, o)
		}
	}
	s := decode(t, rest)
	s.daemonSets = sets
	return s, files
}

// pods returns the pod templates of Deployments and DaemonSets.
func (s *system) pods() map[string]corev1.PodTemplateSpec {
	all := map[string]corev1.PodTemplateSpec{}
	for key, d := range s.deployments {
		all[key] = d.Spec.Template
	}
	for key, d := range s.daemonSets {
		all[key] = d.Spec.Template
	}
	return all
}

// beyondRestricted are the add-ons that Pod Security "restricted" does not allow, with all of its reasons: the collector of log lines reads
// files of the node.
var beyondRestricted = map[string][]string{"istio-system/collector": {"restricted volume types"}}

func TestAddons(t *testing.T) {
	t.Parallel()
	s, files := addons(t, render(t, filepath.Join(root, "addons")))
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, pod := range s.pods() {
		testAddonPod(t, key, pod, files, evaluator)
	}
	for key, svc := range s.services {
		found := false
		for _, d := range s.deployments {
			found = found || d.Namespace == svc.Namespace && contains(d.Spec.Template.Labels, svc.Spec.Selector)
		}
		if !found {
			t.Errorf("Service %s selects nothing: %v", key, svc.Spec.Selector)
		}
	}
	for name, port := range map[string]int32{"kiali": 30200, "grafana": 30300} {
		if got := s.services["istio-system/"+name].Spec.Ports[0].NodePort; got != port {
			t.Errorf("node port of %s is %d, want %d", name, got, port)
		}
	}
	// The labels with which `istioctl dashboard` finds its pods.
	for name, label := range map[string][2]string{
		"jaeger": {"app", "jaeger"}, "kiali": {"app", "kiali"},
		"prometheus": {"app.kubernetes.io/name", "prometheus"}, "grafana": {"app.kubernetes.io/name", "grafana"},
	} {
		if got := s.deployments["istio-system/"+name].Spec.Template.Labels[label[0]]; got != label[1] {
			t.Errorf("%s: label %s is %q", name, label[0], got)
		}
	}
}

// testAddonPod checks what all add-ons' pods have.
func testAddonPod(t *testing.T, key string, pod corev1.PodTemplateSpec, files map[string]*corev1.ConfigMap, evaluator policy.Evaluator) {
	c := pod.Spec.Containers[0]
	if _, tag, ok := strings.Cut(c.Image, ":"); !ok || tag == "latest" {
		t.Errorf("%s: image %s is not pinned", key, c.Image)
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("%s: resources %v", key, c.Resources)
	}
	if c.ReadinessProbe == nil {
		t.Errorf("%s: no readiness probe", key)
	}
	if pod.Labels["sidecar.istio.io/inject"] != "false" {
		t.Errorf("%s would get a sidecar, and its own spans in the traces", key)
	}
	for _, v := range pod.Spec.Volumes {
		if v.ConfigMap != nil && files[v.ConfigMap.Name] == nil {
			t.Errorf("%s: no ConfigMap %s", key, v.ConfigMap.Name)
		}
		if v.HostPath != nil && !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && m.ReadOnly }) {
			t.Errorf("%s: can write to the node's %s", key, v.HostPath.Path)
		}
	}
	var reasons []string
	for _, r := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec) {
		if !r.Allowed {
			reasons = append(reasons, r.ForbiddenReason)
		}
	}
	slices.Sort(reasons)
	if d := gocmp.Diff(beyondRestricted[key], reasons); d != "" {
		t.Errorf("%s: what Pod Security does not allow (-want +got):\n%s", key, d)
	}
}

func contains(labels, selector map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// TestDashboardRoutes checks the paths and hosts of the contract, and that each routes to a Service with pods.
func TestDashboardRoutes(t *testing.T) {
	t.Parallel()
	s, _ := addons(t, render(t, filepath.Join(root, "addons")))
	everywhere, own := s.virtualServices["istio-system/dashboards"], s.virtualServices["istio-system/dashboard-hosts"]
	hosts := map[string]string{}
	paths := func(vs *networking.VirtualService) map[string]string {
		got := map[string]string{}
		for _, h := range vs.GetHttp() {
			for _, m := range h.Match {
				if h.Redirect != nil {
					hosts[m.Authority.GetPrefix()] = h.Redirect.Uri
					if h.Redirect.GetRedirectCode() != 302 {
						t.Errorf("%s is redirected with %d", m.Authority.GetPrefix(), h.Redirect.RedirectCode)
					}
					continue
				}
				to := h.Route[0].Destination
				got[m.Uri.GetPrefix()] = to.Host
				if svc := s.services["istio-system/"+to.Host]; svc == nil || svc.Spec.Ports[0].Port != int32(to.Port.Number) {
					t.Errorf("%s routes to %s, which is not a Service", m.Uri.GetPrefix(), to)
				}
			}
		}
		if !slices.Equal(vs.GetGateways(), []string{"hopline/hopline"}) {
			t.Errorf("gateways %v", vs.GetGateways())
		}
		return got
	}
	if !slices.Equal(everywhere.GetHosts(), []string{"*"}) {
		t.Errorf("VirtualService dashboards is for %v", everywhere.GetHosts())
	}
	if d := gocmp.Diff(paths(everywhere), paths(own)); d != "" {
		t.Errorf("paths (-any host +their own hosts):\n%s", d)
	}
	if d := gocmp.Diff(map[string]string{"/grafana": "grafana", "/jaeger": "jaeger", "/kiali": "kiali", "/prometheus": "prometheus"}, paths(everywhere)); d != "" {
		t.Errorf("paths (-want +got):\n%s", d)
	}
	want := map[string]string{}
	for _, name := range []string{"grafana", "jaeger", "kiali", "prometheus"} {
		want[name+".istio.kind.org"] = "/" + name + "/"
		if !slices.Contains(own.GetHosts(), name+".istio.kind.org") {
			t.Errorf("host %s.istio.kind.org is not of the VirtualService", name)
		}
	}
	if d := gocmp.Diff(want, hosts); d != "" {
		t.Errorf("hosts (-want +got):\n%s", d)
	}
}

// TestZipkinInstead: with the component zipkin only Grafana's data source is left of Jaeger, and the collector's Service selects Zipkin.
func TestZipkinInstead(t *testing.T) {
	t.Parallel()
	s, _ := addons(t, renderOn(t, "addons", "addons/zipkin"))
	if s.deployments["istio-system/jaeger"] != nil || s.services["istio-system/jaeger"] != nil {
		t.Error("Jaeger is still there")
	}
	collector, pods := s.services["istio-system/zipkin"], s.deployments["istio-system/zipkin"]
	if collector == nil || pods == nil || !contains(pods.Spec.Template.Labels, collector.Spec.Selector) || collector.Spec.Ports[0].Port != 9411 {
		t.Errorf("zipkin.istio-system:9411 does not reach Zipkin: %v", collector)
	}
	for key, vs := range s.virtualServices {
		for _, h := range vs.Http {
			for _, r := range h.Route {
				if r.Destination.Host == "jaeger" {
					t.Errorf("a route of %s is to Jaeger", key)
				}
			}
		}
	}
}

// TestSampling: with the component sampling, spans reach its collector, which sends them to Jaeger and has a port that Prometheus scrapes.
func TestSampling(t *testing.T) {
	t.Parallel()
	s, files := addons(t, renderOn(t, "addons", "addons/sampling"))
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pods := s.deployments["istio-system/sampling"]
	if pods == nil {
		t.Fatal("no Deployment sampling")
	}
	testAddonPod(t, "istio-system/sampling", pods.Spec.Template, files, evaluator)
	zipkin, jaeger := s.services["istio-system/zipkin"], s.services["istio-system/jaeger"]
	if !contains(pods.Spec.Template.Labels, zipkin.Spec.Selector) || len(zipkin.Spec.Selector) == 0 {
		t.Errorf("zipkin.istio-system:9411 does not reach the collector: %v", zipkin.Spec.Selector)
	}
	if !slices.ContainsFunc(jaeger.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == 4318 }) {
		t.Error("Jaeger's Service has no port 4318")
	}
	ports := map[string]bool{}
	for _, p := range pods.Spec.Template.Spec.Containers[0].Ports {
		ports[p.Name] = true
	}
	if !ports[zipkin.Spec.Ports[0].TargetPort.String()] || !ports["http-spans"] {
		t.Errorf("ports %v", ports)
	}
}

// TestJenkins: a pod as confined as the other add-ons', pinned plugins, and the path of the contract.
func TestJenkins(t *testing.T) {
	t.Parallel()
	s, files := addons(t, render(t, filepath.Join(root, "addons/jenkins")))
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, pod := range s.pods() {
		testAddonPod(t, key, pod, files, evaluator)
		if !slices.Contains(pod.Spec.Containers[0].Env, corev1.EnvVar{Name: "JENKINS_OPTS", Value: "--prefix=/jenkins"}) {
			t.Errorf("%s is not served under /jenkins: %v", key, pod.Spec.Containers[0].Env)
		}
	}
	route, svc := s.virtualServices["jenkins/jenkins"], s.services["jenkins/jenkins"]
	if route == nil || svc == nil || len(s.deployments) != 1 {
		t.Fatal("no VirtualService, no Service, or not one Deployment")
	}
	if to := route.Http[0].Route[0].Destination; route.Http[0].Match[0].Uri.GetPrefix() != "/jenkins" || to.Host != "jenkins" || int32(to.Port.Number) != svc.Spec.Ports[0].Port {
		t.Errorf("route %v", route)
	}
	pinned := regexp.MustCompile(`^[a-z-]+:\d[\w.-]*$`)
	for _, c := range files {
		for _, plugin := range strings.Fields(c.Data["plugins.txt"]) {
			if !pinned.MatchString(plugin) {
				t.Errorf("plugin %s is not pinned", plugin)
			}
		}
	}
}

// TestDashboardsAreWellFormed: every file for Grafana is JSON, and no two dashboards or panels have the same name.
func TestDashboardsAreWellFormed(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	for name, d := range dashboards(t) {
		if other := ids[d.UID]; other != "" || d.UID == "" {
			t.Errorf("%s: uid %q is also that of %q", name, d.UID, other)
		}
		ids[d.UID] = name
		panels := map[int]bool{}
		for _, p := range d.Panels {
			if panels[p.ID] || p.Title == "" || len(p.Targets) == 0 {
				t.Errorf("%s: panel %d %q has %d queries, or its number twice", name, p.ID, p.Title, len(p.Targets))
			}
			panels[p.ID] = true
			for _, q := range p.Targets {
				if !slices.Contains([]string{"prometheus", "loki"}, q.Datasource.UID) {
					t.Errorf("%s: %s queries %q, which is not a data source", name, p.Title, q.Datasource.UID)
				}
			}
		}
	}
}

type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name     string `json:"name"`
			AllValue string `json:"allValue"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID      int    `json:"id"`
		Title   string `json:"title"`
		Targets []struct {
			Datasource struct {
				UID string `json:"uid"`
			} `json:"datasource"`
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	_, files := addons(t, render(t, filepath.Join(root, "addons")))
	all := map[string]dashboard{}
	for _, c := range files {
		for name, text := range c.Data {
			if !strings.HasSuffix(name, ".json") {
				continue
			}
			var d dashboard
			if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&d); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all[name] = d
		}
	}
	if len(all) < 4 {
		t.Fatalf("%d dashboards", len(all))
	}
	return all
}
