package overlay

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
)

// Lenience holds what LoadLenient did to run an overlay.
type Lenience struct {
	LeftOut string   // one line that counts by name what was left out; "" for nothing
	Assumed []string // what the files do not state and was taken as given; see Assume
	// NotServed holds the Ingresses: they are another way in from outside, and change no request inside the mesh.
	NotServed []Meta
	Doubts    []Problem // references to what the overlay does not have: Kubernetes and Istio accept them, and requests get 503

	runs  func(image string) bool
	files []string // without objects
}

// LoadLenient reads objects that others wrote, as Read does, for a lab that runs them. It completes them as Assume does.
//
// runs reports whether the lab has the program of an image. A Deployment with such an image is decoded and checked as by Load. Any other
// workload is Played: read for its labels, annotations, account and ports. A Service that has no workload among the files is played as well.
//
// An unsupported object or field that affects routing is a problem, as for Load. All problems are returned together, in a *Report. The
// overlay is never nil: with an error it has no objects, but still holds Dir, the first name as an absolute path, and the files to watch.
func LoadLenient(names []string, stdin io.Reader, runs func(image string) bool, checks ...Check) (*Overlay, error) {
	o := &Overlay{}
	if len(names) > 0 {
		o.Dir = names[0]
		if abs, err := filepath.Abs(names[0]); err == nil {
			o.Dir = abs
		}
	}
	r := collect(names, stdin)
	slices.Sort(r.files)
	o.Files, o.sums = slices.Compact(r.files), r.sums
	if err := r.report.Err(); err != nil {
		return o, err
	}
	found := &Overlay{Dir: o.Dir, Files: o.Files, sums: o.sums, places: r.places, rendered: r.objects, Lenient: true,
		Lenience: &Lenience{runs: runs, files: r.rest.Files}}
	found.complete(nil, r.report, checks)
	if err := r.report.Err(); err != nil {
		return o, err
	}
	return found, nil
}

// completeLenient decodes the rendered objects, adds them to the overlay, and completes them.
func (o *Overlay) completeLenient(report *Report) {
	r := &reader{report: report, rest: newRest(), places: o.places, objects: slices.Clone(o.rendered), runs: o.Lenience.runs}
	r.rest.Files = o.Lenience.files
	slices.SortStableFunc(r.objects, func(a, b map[string]any) int { return rank(a) - rank(b) })
	r.decode(o)
	report.Problems = append(report.Problems, r.rest.Limits...)
	for i := range r.rest.Foreign {
		m := r.rest.Foreign[i].Meta
		if m.Kind == "Ingress" {
			o.Lenience.NotServed = append(o.Lenience.NotServed, m)
			continue
		}
		report.Add(identity(r.rest.Foreign[i].Object), "", "%s", whyNotRun(m))
	}
	o.Lenience.LeftOut = r.rest.line(true)
	o.Lenience.Assumed = o.Assume()
	o.play(report)
	o.Lenience.Assumed = append(o.Lenience.Assumed, o.Assume()...) // for the namespaces of what is played
	o.Lenience.Doubts = o.danglingRoutes()
}

// whyNotRun returns why the lab does not run an object that affects routing.
func whyNotRun(m Meta) string {
	if m.Kind == "Service" {
		return "type ExternalName is not supported by the lab: use a ServiceEntry"
	}
	_, reason := findKind(m.APIVersion, m.Kind)
	return reason
}

// danglingRoutes lists the references of Services and rules to what the overlay does not have.
func (o *Overlay) danglingRoutes() []Problem {
	report := o.Report()
	r := newReferences(o, nil, report)
	r.services()
	r.destinationRules()
	r.virtualServices()
	return report.Located()
}

// strictly decodes as Load does.
func (d *decoding) strictly(decode func()) {
	left := d.left
	d.left = nil
	decode()
	d.left = left
}

// kind returns the kind by which an object is decoded.
func (r *reader) kind(m Meta, object map[string]any) (k kind, ok bool) {
	if (m.Kind == "ConfigMap" || m.Kind == "Secret") && m.APIVersion == "v1" && slices.ContainsFunc(r.objects, r.isRun) || r.isRun(object) {
		k, reason := findKind(m.APIVersion, m.Kind)
		return k, reason == ""
	}
	return readKind(m)
}

// isRun reports whether an object is a Deployment that the lab runs as its manifest states: it has the program of an image.
func (r *reader) isRun(object map[string]any) bool {
	m := metaOf(object)
	return r.runs != nil && m.Kind == "Deployment" && m.APIVersion == "apps/v1" && slices.ContainsFunc(imagesOf(object), r.runs)
}

// imagesOf returns the images of the containers of a workload.
func imagesOf(object map[string]any) (images []string) {
	var at any = object
	for _, step := range []string{"spec", "template", "spec", "containers"} {
		m, _ := at.(map[string]any)
		at = m[step]
	}
	containers, _ := at.([]any)
	for _, c := range containers {
		container, _ := c.(map[string]any)
		image, _ := container["image"].(string)
		images = append(images, image)
	}
	return images
}

// play adds the workloads of Services that have none, and marks the workloads that stand-ins play.
func (o *Overlay) play(report *Report) {
	for i := range o.Services {
		if o.Services[i].Given {
			o.playService(&o.Services[i])
		}
	}
	total := 0
	for i := range o.Deployments {
		d := &o.Deployments[i]
		if !d.Pod.AnyPort { // decoded as Load does
			continue
		}
		d.Pod.Played = true
		total += d.Replicas
	}
	if total > maxPlayed {
		report.Add("stand-ins", "", "want at most %d pods in all, for each is a process of this machine, got %d", maxPlayed, total)
	}
}

// maxPlayed bounds the processes of stand-ins: a laptop runs as many.
const maxPlayed = 200

// playService adds the workloads of a Service that has none: one for each subset that rules give it, or else one.
func (o *Overlay) playService(s *Service) {
	s.Given = false
	if len(s.Selector) == 0 {
		s.Selector = map[string]string{"app": s.Name}
	}
	added := false
	for i := range o.DestinationRules {
		d := &o.DestinationRules[i]
		if istio.FullHost(d.Spec.GetHost(), d.Namespace) != istio.FullHost(s.Name, s.Namespace) {
			continue
		}
		for _, subset := range d.Spec.GetSubsets() {
			if strings.HasPrefix(d.Name, given) && len(subset.GetLabels()) == 0 {
				subset.Labels = map[string]string{"version": subset.GetName()}
			}
			o.playPods(s, s.Name+"-"+subset.GetName(), subset.GetLabels())
			added = true
		}
	}
	if !added {
		o.playPods(s, s.Name, nil)
	}
}

// playPods adds a workload behind a Service.
func (o *Overlay) playPods(s *Service, name string, labels map[string]string) {
	pod := PodTemplate{Labels: map[string]string{}, ServiceAccount: "default", AnyPort: true}
	var ports []ContainerPort
	for _, from := range []map[string]string{s.Selector, labels} {
		maps.Copy(pod.Labels, from)
	}
	for i, p := range s.Ports {
		port := ContainerPort{Number: p.Port, Name: fmt.Sprintf("port-%d", i)}
		if n, err := strconv.Atoi(p.Target); err == nil {
			port.Number = n
		} else {
			port.Name = p.Target
		}
		ports = append(ports, port)
	}
	pod.Containers = []Container{{Ports: ports}}
	o.Deployments = append(o.Deployments, Deployment{
		Meta: Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: s.Namespace, Name: name}, Replicas: 1, Selector: pod.Labels, Pod: pod})
}
