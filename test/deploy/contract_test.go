package deploy

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// workload describes a Deployment: the service that it runs, and its labels.
type workload struct{ image, app, version string }

var (
	plainWorkloads = map[string]workload{
		"hopline/front-amber": {"front", "front", "amber"},
		"hopline/middle-prod": {"middle", "middle", "prod"},
		"hopline/core-test":   {"core", "core", "test"},
		"hopline/clock":       {"clock", "clock", "prod"},
		"hopline/bounced":     {"bounced", "bounced", "prod"},
	}
	meshWorkloads = with(plainWorkloads, map[string]workload{
		"hopline/front-blue":           {"front", "front", "blue"},
		"hopline/front-green":          {"front", "front", "green"},
		"hopline/middle-canary":        {"middle", "middle", "canary"},
		"hopline/middle-dev":           {"middle", "middle", "dev"},
		"hopline/core-prod":            {"core", "core", "prod"},
		"hopline/minimal-v1":           {"bounced", "minimal", "v1"},
		"hopline/minimal-v2":           {"bounced", "minimal", "v2"},
		"hopline-outside/worldtimeapi": {"clock", "worldtimeapi", "outside"},
		"hopline-outside/minimal":      {"bounced", "minimal", "outside"},
	})
	sick = map[string]workload{"hopline/core-sick": {"core", "core", "prod"}}
)

func with[K comparable, V any](a, b map[K]V) map[K]V {
	c := maps.Clone(a)
	maps.Copy(c, b)
	return c
}

func workloadsOf(overlay string) map[string]workload {
	switch overlay {
	case "plain":
		return plainWorkloads
	case "outlier":
		return with(meshWorkloads, sick)
	}
	return meshWorkloads
}

func testWorkloads(t *testing.T, name string, s *system) {
	got := map[string]workload{}
	for key, d := range s.deployments {
		image := strings.TrimSuffix(strings.TrimPrefix(d.Spec.Template.Spec.Containers[0].Image, "localhost:5001/hopline/"), ":dev")
		got[key] = workload{image, d.Spec.Template.Labels["app"], d.Spec.Template.Labels["version"]}
		checkPod(t, s, key, d)
	}
	if d := gocmp.Diff(workloadsOf(name), got, gocmp.AllowUnexported(workload{})); d != "" {
		t.Errorf("Deployments (-want +got):\n%s", d)
	}
}

// testLabels checks the label by which `make deploy` removes what an overlay left, and `make reset` removes everything.
func testLabels(t *testing.T, _ string, s *system) {
	for _, o := range s.objects {
		if o.Metadata.Labels["app.kubernetes.io/part-of"] != "hopline" {
			t.Errorf("%s does not have the label that it is part of hopline", o)
		}
	}
}

// checkPod compares one Deployment with the contract's rules for every pod.
func checkPod(t *testing.T, s *system, key string, d *appsv1.Deployment) {
	t.Helper()
	pod := d.Spec.Template
	for _, labels := range []map[string]string{d.Labels, pod.Labels} {
		if labels["app"] == "" || labels["app"] != labels["app.kubernetes.io/name"] || labels["version"] == "" || labels["app.kubernetes.io/part-of"] != "hopline" {
			t.Errorf("%s: labels %v", key, labels)
		}
	}
	if d.Labels["version"] != pod.Labels["version"] || d.Labels["app"] != pod.Labels["app"] {
		t.Errorf("%s: labels of the Deployment %v differ from its pods' %v", key, d.Labels, pod.Labels)
	}
	if pod.Spec.ServiceAccountName != pod.Labels["app"] || s.accounts[d.Namespace+"/"+pod.Spec.ServiceAccountName] == nil {
		t.Errorf("%s: service account %q, want %q, and that it exists", key, pod.Spec.ServiceAccountName, pod.Labels["app"])
	}
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.InitContainers) != 0 {
		t.Fatalf("%s: %d containers and %d before them, want one: the lab runs no others", key, len(pod.Spec.Containers), len(pod.Spec.InitContainers))
	}
	c := pod.Spec.Containers[0]
	ports := []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "http-admin", ContainerPort: 8081}}
	if d := gocmp.Diff(ports, c.Ports); d != "" {
		t.Errorf("%s: ports (-want +got):\n%s", key, d)
	}
	if c.ImagePullPolicy != corev1.PullAlways {
		t.Errorf("%s: imagePullPolicy %s: the tag dev moves", key, c.ImagePullPolicy)
	}
	for what, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Port.String() != "http-admin" {
			t.Errorf("%s: the %s probe does not use the admin port", key, what)
		}
	}
	env := environment(c)
	outside := d.Namespace == "hopline-outside"
	for name, want := range map[string]string{
		"SERVICE_NAME":                  "metadata.labels['app']",
		"SERVICE_VERSION":               "metadata.labels['version']",
		"LOG_FORMAT":                    "json",
		"IDLE_TIMEOUT":                  "65m",
		"OTEL_EXPORTER_ZIPKIN_ENDPOINT": "http://zipkin.istio-system:9411/api/v2/spans",
		"ALLOW_CRASH":                   map[bool]string{true: "true"}[c.Image == "localhost:5001/hopline/bounced:dev"],
		"ERROR_RATE":                    map[string]string{"hopline/bounced": "70", "hopline/core-sick": "100"}[key],
		"OTEL_TRACES_EXPORTER":          map[bool]string{true: "none"}[outside],
	} {
		if env[name] != want {
			t.Errorf("%s: %s is %q, want %q", key, name, env[name], want)
		}
	}
	checkStop(t, key, pod.Spec, env)
	checkMemory(t, key, c, env)
}

// environment returns a container's variables, with the field's path for a value from a field of the pod.
func environment(c corev1.Container) map[string]string {
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			env[e.Name] = e.ValueFrom.FieldRef.FieldPath
		}
	}
	return env
}

// checkStop adds up the time between SIGTERM and the end of a pod.
func checkStop(t *testing.T, key string, pod corev1.PodSpec, env map[string]string) {
	t.Helper()
	c := pod.Containers[0]
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil || pod.TerminationGracePeriodSeconds == nil {
		t.Errorf("%s: want preStop.sleep and terminationGracePeriodSeconds", key)
		return
	}
	drain, err1 := time.ParseDuration(env["DRAIN_DELAY"])
	shutdown, err2 := time.ParseDuration(env["SHUTDOWN_TIMEOUT"])
	if err1 != nil || err2 != nil {
		t.Errorf("%s: DRAIN_DELAY %q, SHUTDOWN_TIMEOUT %q: %v, %v", key, env["DRAIN_DELAY"], env["SHUTDOWN_TIMEOUT"], err1, err2)
		return
	}
	sleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	if sleep+drain+shutdown >= grace {
		t.Errorf("%s: sleeps %s, drains %s, finishes within %s: want less than its grace of %s", key, sleep, drain, shutdown, grace)
	}
	if longest := 33 * time.Second; shutdown < longest { // 30 s of latency by header, and core's three seconds of work
		t.Errorf("%s: SHUTDOWN_TIMEOUT %s is shorter than the longest request, %s", key, shutdown, longest)
	}
}

func checkMemory(t *testing.T, key string, c corev1.Container, env map[string]string) {
	t.Helper()
	limit := c.Resources.Limits.Memory().Value()
	mib, err := strconv.ParseInt(strings.TrimSuffix(env["GOMEMLIMIT"], "MiB"), 10, 64)
	if err != nil || mib<<20 >= limit || mib<<20 < limit/2 {
		t.Errorf("%s: GOMEMLIMIT %q under a limit of %d bytes", key, env["GOMEMLIMIT"], limit)
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
		t.Errorf("%s: requests %v", key, c.Resources.Requests)
	}
}

func testServices(t *testing.T, name string, s *system) {
	want := map[string]int32{"hopline/front": 80, "hopline/middle": 80, "hopline/core": 80, "hopline/clock": 80, "hopline/bounced": 9090}
	if name != "plain" {
		maps.Copy(want, map[string]int32{"hopline/minimal": 9090, "hopline-outside/worldtimeapi": 80, "hopline-outside/minimal": 9090})
	}
	if name == gatewayAPI {
		maps.Copy(want, versionServices)
	}
	got := map[string]int32{}
	for key, svc := range s.services {
		if len(svc.Spec.Ports) != 1 {
			t.Fatalf("%s: %d ports, want one: the admin port is on no Service", key, len(svc.Spec.Ports))
		}
		p := svc.Spec.Ports[0]
		got[key] = p.Port
		// Istio reads the protocol from the name.
		if p.Name != "http" || p.TargetPort.String() != "http" {
			t.Errorf("%s: port %+v, want name and target http", key, p)
		}
		selector := map[string]string{"app": svc.Name}
		if app, version, ok := strings.Cut(svc.Name, "-"); ok && name == gatewayAPI {
			selector = map[string]string{"app": app, "version": version}
		}
		if d := gocmp.Diff(selector, svc.Spec.Selector); d != "" {
			t.Errorf("%s: selector (-want +got):\n%s", key, d)
		}
		nodePort := int32(0)
		if name == "plain" && key == "hopline/front" {
			nodePort = 30100
		}
		if p.NodePort != nodePort {
			t.Errorf("%s: node port %d, want %d", key, p.NodePort, nodePort)
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("Services and ports (-want +got):\n%s", d)
	}
}

// testTimeSources: core-prod calls the world outside, core-test the clock, and both targets exist.
func testTimeSources(t *testing.T, name string, s *system) {
	for key, d := range s.deployments {
		if d.Spec.Template.Labels["app"] != "core" {
			continue
		}
		want := "http://clock/time"
		if d.Spec.Template.Labels["version"] == "prod" {
			want = "http://worldtimeapi.org/api/timezone/Asia/Jakarta"
		}
		got := environment(d.Spec.Template.Spec.Containers[0])["TIME_URL"]
		if got != want {
			t.Errorf("%s: TIME_URL %q, want %q", key, got, want)
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if !s.knows(u.Host) {
			t.Errorf("%s calls %s, which no Service and no ServiceEntry names", key, u.Host)
		}
	}
}

func (s *system) knows(host string) bool {
	if s.services["hopline/"+host] != nil {
		return true
	}
	for _, e := range s.serviceEntries {
		if slices.Contains(e.Hosts, host) {
			return true
		}
	}
	return false
}

// TestOutside: the outside hosts resolve to Services in hopline-outside, and with real-outside only to their own names.
func TestOutside(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{
		"worldtimeapi.org:80":            "worldtimeapi.hopline-outside.svc.cluster.local",
		"minimal.external.kind.org:9090": "minimal.hopline-outside.svc.cluster.local",
	}
	for _, real := range []bool{false, true} {
		objects := renderOverlay(t, "canary")
		if real {
			objects = renderWith(t, "canary", "real-outside")
		}
		s, got := decode(t, objects), map[string]string{}
		for key, e := range s.serviceEntries {
			address := ""
			for _, w := range e.Endpoints {
				address += w.Address
			}
			if len(e.Hosts) != 1 || len(e.Ports) != 1 || e.Resolution.String() != "DNS" || e.Location.String() != "MESH_EXTERNAL" {
				t.Fatalf("ServiceEntry %s: %v", key, e)
			}
			got[e.Hosts[0]+":"+strconv.Itoa(int(e.Ports[0].Number))] = address
			svc := s.services["hopline-outside/"+strings.Split(address, ".")[0]]
			if !real && (svc == nil || svc.Spec.Ports[0].Port != int32(e.Ports[0].Number)) {
				t.Errorf("ServiceEntry %s refers to %s, which has no port %d", key, address, e.Ports[0].Number)
			}
		}
		want := maps.Clone(hosts)
		if real {
			for h := range want {
				want[h] = ""
			}
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("real %v: outside hosts (-want +got):\n%s", real, d)
		}
	}
}
