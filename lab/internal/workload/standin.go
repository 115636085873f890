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

// player is the program that stands in for other programs, with STAND_IN=true.
const player = "bounced"

// UpstreamsAnnotation is the annotation of a pod with the URLs that its stand-in calls with every request, separated by commas.
const UpstreamsAnnotation = "hopline.io/upstreams"

var upstreamsPath = fmt.Sprintf("spec.template.metadata.annotations[%q]", UpstreamsAnnotation)

// standIn returns a Deployment of stand-ins with the name, labels and ports of a Deployment. One process plays all
// containers of a pod: its listener serves all ports, the first in the manifest, and the others in also. The stand-in's own probe replaces all
// others.
func standIn(o *overlay.Overlay, d overlay.Deployment) (played overlay.Deployment, also []int, err error) {
	upstreams := strings.TrimSpace(d.Pod.Annotations[UpstreamsAnnotation])
	for u := range strings.SplitSeq(upstreams, ",") {
		if parsed, bad := url.Parse(strings.TrimSpace(u)); upstreams != "" && (bad != nil || parsed.Scheme != "http" || parsed.Hostname() == "") {
			err = fmt.Errorf("want URLs such as http://reviews:9080/reviews/0, separated by commas, got %q", u)
		}
	}
	ports := playedPorts(o, d)
	c := overlay.Container{Name: player, Ports: d.Pod.Ports()}
	c, also = play(o, d, c, ports, ports)
	if upstreams != "" {
		c.Env = append(c.Env, overlay.EnvVar{Name: "UPSTREAMS", Value: strings.ReplaceAll(upstreams, " ", "")})
	}
	d.MaxSurge, d.MaxUnavailable = cmp.Or(d.MaxSurge, "25%"), cmp.Or(d.MaxUnavailable, "25%")
	d.Pod.Grace = 30 * time.Second
	d.Pod.Containers = []overlay.Container{c}
	return d, also, err
}

// playContainer returns a stand-in for one container of a pod whose other containers have programs. Its listener serves the ports of the
// container, the others than the first in also. Otherwise it listens on none of the taken ports.
func playContainer(o *overlay.Overlay, d overlay.Deployment, c overlay.Container, taken []int) (played overlay.Container, also []int) {
	var own []int
	for _, p := range c.Ports {
		own = append(own, p.Number)
	}
	return play(o, d, c, own, taken)
}

// play returns a stand-in with the name and the ports of a container, that listens on some ports. Its admin port is none of the taken ones.
func play(o *overlay.Overlay, d overlay.Deployment, c overlay.Container, ports, taken []int) (played overlay.Container, also []int) {
	port, admin := defaultPort, defaultAdmin
	if len(ports) > 0 {
		port, also = ports[0], ports[1:]
	}
	for len(ports) == 0 && slices.Contains(taken, port) {
		port++
	}
	for slices.Contains(taken, admin) || admin == port {
		admin++
	}
	settings := map[string]string{
		"PORT": strconv.Itoa(port), "ADMIN_PORT": strconv.Itoa(admin),
		"STAND_IN":        "true",
		"SERVICE_NAME":    cmp.Or(d.Pod.Labels["app"], d.Name),
		"SERVICE_VERSION": cmp.Or(d.Pod.Labels["version"], d.Pod.Labels["app.kubernetes.io/version"], "latest"), // Istio's name for none
		"BOUNCE_ALLOW":    bounceAllow(o),
	}
	played = overlay.Container{Name: c.Name, Image: player, Ports: c.Ports, Readiness: overlay.NewProbe(admin, "/readyz")}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		played.Env = append(played.Env, overlay.EnvVar{Name: name, Value: settings[name]})
	}
	return played, also
}

// playedPorts returns the ports of a workload: those that its containers list, and those that its Services name by number.
func playedPorts(o *overlay.Overlay, d overlay.Deployment) (ports []int) {
	add := func(port int) {
		if port > 0 && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	for _, p := range d.Pod.Ports() {
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

// bounceAllow returns the hosts that a stand-in may call on POST /bounce: the Services, by all their names.
func bounceAllow(o *overlay.Overlay) string {
	hosts := []string{"*", "*.svc", "*.svc.cluster.local"}
	for _, s := range o.Services {
		hosts = append(hosts, "*."+s.Namespace)
	}
	slices.Sort(hosts)
	return strings.Join(slices.Compact(hosts), ",")
}
