package workload

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// variables is the environment of a process. Each name appears once, at the position where it was first set, with the value that was set
// last.
type variables struct {
	order  []string
	values map[string]string
}

func (v *variables) set(name, value string) {
	if v.values == nil {
		v.values = map[string]string{}
	}
	if _, ok := v.values[name]; !ok {
		v.order = append(v.order, name)
	}
	v.values[name] = value
}

// list returns the variables as NAME=value, as os/exec needs them.
func (v *variables) list() []string {
	list := make([]string, len(v.order))
	for i, name := range v.order {
		list[i] = name + "=" + v.values[name]
	}
	return list
}

// manifest returns the environment that a Deployment's manifest gives a container of one of its pods.
func manifest(d overlay.Deployment, c overlay.Container, pod string) variables {
	var v variables
	for _, e := range c.Environ(func(path string) string { return field(d, pod, path) }, nil) {
		name, value, _ := strings.Cut(e, "=")
		v.set(name, value)
	}
	return v
}

// field returns a field of a pod for the downward API. overlay.Load accepts only these fields.
func field(d overlay.Deployment, pod, path string) string {
	switch path {
	case "metadata.name":
		return pod
	case "metadata.namespace":
		return d.Namespace
	case "spec.serviceAccountName":
		return d.Pod.ServiceAccount
	}
	for prefix, values := range map[string]map[string]string{"metadata.labels['": d.Pod.Labels, "metadata.annotations['": d.Pod.Annotations} {
		if key, ok := strings.CutPrefix(path, prefix); ok {
			return values[strings.TrimSuffix(key, "']")]
		}
	}
	return ""
}

// own sets the lab's own variables, which override those of the manifest. Nothing is inherited from the shell that started the lab. ports
// holds the ports of this machine by container port.
func (v *variables) own(o Options, pod *mesh.Pod, c *containerSpec, ports map[int]int) {
	for name, port := range map[string]int{"PORT": c.port, "ADMIN_PORT": c.admin} {
		if port != 0 {
			v.set(name, strconv.Itoa(ports[port]))
		}
	}
	v.set("LISTEN_HOST", o.Host)
	v.set("HOSTNAME", pod.Name)
	v.set("HTTP_PROXY", o.Proxy(pod))
	v.set("TRACE_UI_URL", o.UI)
	v.set(v.spans(o))
	if c.program.given != nil {
		v.ofOthers(c, ports)
	}
}

// ofShell lists the variables that a given program needs from the shell that started the lab: an image would set PATH, and a container
// runtime HOME.
var ofShell = []string{"PATH", "HOME", "TMPDIR", "SystemRoot", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "TEMP", "TMP", "PATHEXT"}

// ofOthers sets further variables that given programs need. Many read the proxy from variables in lower case, as curl does, and send
// requests to localhost through it unless NO_PROXY names it.
func (v *variables) ofOthers(c *containerSpec, ports map[int]int) {
	for _, listens := range c.listens {
		v.set(fmt.Sprintf("PORT_%d", listens[0]), strconv.Itoa(ports[listens[0]]))
	}
	v.set("http_proxy", v.values["HTTP_PROXY"])
	v.set("NO_PROXY", "localhost,127.0.0.1,::1")
	v.set("no_proxy", v.values["NO_PROXY"])
	for _, name := range ofShell {
		if _, set := v.values[name]; !set && os.Getenv(name) != "" {
			v.set(name, os.Getenv(name))
		}
	}
}

// spans returns the environment variable with the endpoint for spans: the variable that the chosen exporter reads first.
func (v *variables) spans(o Options) (name, value string) {
	if v.values["OTEL_TRACES_EXPORTER"] != "otlp" {
		return "OTEL_EXPORTER_ZIPKIN_ENDPOINT", o.Zipkin
	}
	const traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	if v.values[traces] != "" {
		return traces, o.OTLP + "/v1/traces"
	}
	return "OTEL_EXPORTER_OTLP_ENDPOINT", o.OTLP
}
