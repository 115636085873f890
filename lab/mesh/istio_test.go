package mesh

import (
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/urlpath"
	"github.com/hopline/hopline/lab/overlay"
)

// The files in testdata hold rules (.yaml) and the responses of Istio 1.31 with Envoy 1.40 to requests under them (.txt), one on a line:
//
//	s GET b:8000 /y x-a:one => 200 a-v1 /y b:8000
//
// The left side holds: the sender, which is a sidecar (s) of the workload with app: caller, or the ingress gateway (g); method, authority,
// path and headers. The right side holds: the status, then either the workload that responded with the path and authority that it received,
// or the new location, or the body. "nobody listens" means that the sidecar has no such port. The name of every replica of a workload was
// "its name-number". The files named drawn were generated at random.
func TestLikeIstio(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no responses in testdata", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := objects(t, file(t, name+".yaml"))
			table, err := Compile(o)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(strings.TrimSpace(file(t, name+".txt")), "\n") {
				asked, answer, _ := strings.Cut(line, " => ")
				req, src := parseRequest(t, o, asked)
				if problem := differs(o, table.Decide(req, src, 7), req, strings.TrimSpace(answer)); problem != "" {
					t.Errorf("%s\n%s\n%s", line, problem, table.Explain(req, src))
				}
			}
		})
	}
}

// parseRequest parses the left side of a line.
func parseRequest(t testing.TB, o *overlay.Overlay, line string) (*Request, *Source) {
	t.Helper()
	f := strings.Fields(line)
	req := &Request{Method: f[1], Authority: f[2], Scheme: "http", Port: 80, Header: http.Header{}}
	var ok bool
	if req.Path, ok = urlpath.Normalize(f[3]); !ok {
		t.Fatalf("bad path %q", f[3])
	}
	for _, h := range f[4:] {
		name, value, _ := strings.Cut(h, ":")
		name = textproto.CanonicalMIMEHeaderKey(name)
		req.Header[name] = append(req.Header[name], strings.ReplaceAll(value, "_", " "))
	}
	if f[0] == "g" {
		ingress := IngressGateway()
		return req, &ingress
	}
	if _, port, err := net.SplitHostPort(req.Authority); err == nil {
		req.Port, _ = strconv.Atoi(port)
	}
	return req, workload(t, o, "caller")
}

// workload returns the first workload with an app label, as a source.
func workload(t testing.TB, o *overlay.Overlay, app string) *Source {
	t.Helper()
	i := slices.IndexFunc(o.Deployments, func(d overlay.Deployment) bool { return d.Pod.Labels["app"] == app })
	if i < 0 {
		t.Fatalf("no Deployment has the label app: %s", app)
	}
	d := &o.Deployments[i]
	return &Source{Workload: d.Name, Namespace: d.Namespace, Labels: d.Pod.Labels, Principal: "cluster.local/ns/" + d.Namespace + "/sa/default"}
}

// differs describes how a decision differs from the response of Istio; it returns "" if they are equal.
func differs(o *overlay.Overlay, d Decision, req *Request, answer string) string {
	var want string
	switch d.Outcome {
	case NoHost: // the lab's own 502; Istio would send the request to the address that the name resolves to
		if answer == "503 no healthy upstream" || answer == "nobody listens" {
			return ""
		}
		want = "no host"
	case NoRoute:
		want = "404"
	case Redirect:
		want = fmt.Sprintf("%d %s", d.Route.Redirect.Code, d.Route.Redirect.Location(req))
	case Direct:
		want = strings.TrimSpace(fmt.Sprintf("%d %s", d.Route.Direct.Code, d.Route.Direct.Body))
		if d.Route.Direct.Location {
			want = fmt.Sprintf("%d %s", d.Route.Direct.Code, req.URL())
		}
		if d.Route.Direct.Code == http.StatusNoContent {
			want = "204"
		}
	case Forward:
		if d.Abort != 0 {
			want = fmt.Sprintf("%d fault filter abort", d.Abort)
			break
		}
		answers := forwarded(o, d, req)
		if slices.Contains(answers, answer) {
			return ""
		}
		want = strings.Join(answers, " or ")
	}
	if want == answer {
		return ""
	}
	return "decided: " + want
}

// forwarded returns the possible responses for a decision, one for each endpoint.
func forwarded(o *overlay.Overlay, d Decision, req *Request) []string {
	path, authority := req.Path, req.Authority
	if w := d.Route.Rewrite; w != nil && w.URI != nil {
		path = w.URI(path)
	}
	if w := d.Route.Rewrite; w != nil && w.Authority != "" {
		authority = w.Authority
	} else if d.To.Authority != "" {
		authority = d.To.Authority
	}
	if !d.To.Cluster.Known {
		return []string{"503"}
	}
	var out []string
	for _, name := range endpoints(o, d.To.Cluster) {
		out = append(out, fmt.Sprintf("200 %s %s %s", name, path, authority))
	}
	if out == nil {
		return []string{"503 no healthy upstream"}
	}
	return out
}

// endpoints returns the names of a cluster's workloads. The first replicas had the addresses 127.9.0.1, 127.9.0.2 and so on.
func endpoints(o *overlay.Overlay, c *Cluster) []string {
	var out []string
	for i, d := range o.Deployments {
		selected := len(c.Selector) > 0 && d.Namespace == c.Namespace && istio.HasLabels(d.Pod.Labels, c.Selector)
		if selected || slices.Contains(c.Addresses, fmt.Sprintf("127.9.0.%d:8080", i+1)) {
			out = append(out, d.Name)
		}
	}
	return out
}
