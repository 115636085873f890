package workload

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// player is the program that plays the programs of others, with STAND_IN=true.
const player = "bounced"

// UpstreamsAnnotation is the annotation of a pod with the URLs that its stand-in calls with every request, separated by commas.
const UpstreamsAnnotation = "hopline.io/upstreams"

var upstreamsPath = fmt.Sprintf("spec.template.metadata.annotations[%q]", UpstreamsAnnotation)

// standIn returns a Deployment whose pods play those of a Deployment of anybody's, under its name, labels and ports. Its one listener serves
// all ports: the first in the manifest, and the others in also. The stand-in's own probe replaces all others.
func standIn(o *overlay.Overlay, d overlay.Deployment) (played overlay.Deployment, also []int, err error) {
	ports := playedPorts(o, d)
	port, admin := defaultPort, defaultAdmin
	if len(ports) > 0 {
		port, also = ports[0], ports[1:]
	}
	for slices.Contains(ports, admin) || admin == port {
		admin++
	}
	upstreams := strings.TrimSpace(d.Pod.Annotations[UpstreamsAnnotation])
	for u := range strings.SplitSeq(upstreams, ",") {
		if parsed, bad := url.Parse(strings.TrimSpace(u)); upstreams != "" && (bad != nil || parsed.Scheme != "http" || parsed.Hostname() == "") {
			err = fmt.Errorf("want URLs such as http://reviews:9080/reviews/0, separated by commas, got %q", u)
		}
	}
	settings := map[string]string{
		"PORT": strconv.Itoa(port), "ADMIN_PORT": strconv.Itoa(admin),
		"STAND_IN":        "true",
		"SERVICE_NAME":    cmp.Or(d.Pod.Labels["app"], d.Name),
		"SERVICE_VERSION": cmp.Or(d.Pod.Labels["version"], d.Pod.Labels["app.kubernetes.io/version"], "latest"), // Istio's name for none
		"BOUNCE_ALLOW":    bounceAllow(o),
	}
	if upstreams != "" {
		settings["UPSTREAMS"] = strings.ReplaceAll(upstreams, " ", "")
	}
	d.MaxSurge, d.MaxUnavailable = cmp.Or(d.MaxSurge, "25%"), cmp.Or(d.MaxUnavailable, "25%")
	d.Pod.Grace = 30 * time.Second
	d.Pod.Container = overlay.Container{Name: player, Image: player, Ports: d.Pod.Container.Ports,
		Readiness: &overlay.Probe{Path: "/readyz", Port: strconv.Itoa(admin), Period: 10 * time.Second, Timeout: time.Second, Successes: 1, Failures: 3}}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		d.Pod.Container.Env = append(d.Pod.Container.Env, overlay.EnvVar{Name: name, Value: settings[name]})
	}
	return d, also, err
}

// playedPorts returns the ports of a workload: those that its containers list, and those that its Services name by number.
func playedPorts(o *overlay.Overlay, d overlay.Deployment) (ports []int) {
	add := func(port int) {
		if port > 0 && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	for _, p := range d.Pod.Container.Ports {
		add(p.Number)
	}
	for _, s := range o.Services {
		if s.Namespace != d.Namespace || len(s.Selector) == 0 || !istio.HasLabels(d.Pod.Labels, s.Selector) {
			continue
		}
		for _, p := range s.Ports {
			if n, err := strconv.Atoi(p.Target); err == nil {
				add(n)
			}
		}
	}
	return ports
}

// bounceAllow returns the hosts that a stand-in may be told to call by POST /bounce: the Services, by all their names.
func bounceAllow(o *overlay.Overlay) string {
	hosts := []string{"*", "*.svc", "*.svc.cluster.local"}
	for _, s := range o.Services {
		hosts = append(hosts, "*."+s.Namespace)
	}
	slices.Sort(hosts)
	return strings.Join(slices.Compact(hosts), ",")
}
