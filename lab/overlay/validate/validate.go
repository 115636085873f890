// Package validate has Istio's own validation of an object, which its webhook applies (istio.io/istio/pkg/config/validation of Istio 1.31): the
// lab refuses what Istio refuses. A function for each kind checks its spec. Package mesh refuses the fields that the lab's mesh does not enforce;
// they are not checked here.
package validate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
)

// Report receives a problem: the path of a field, and the reason as for fmt.Sprintf.
type Report func(path, reason string, args ...any)

// Object identifies the object of a spec.
type Object struct{ Namespace, Name string }

// The patterns for names, from istio.io/istio/pkg/config/labels. Unlike Kubernetes, Istio accepts capital letters.
var (
	istioLabel    = regexp.MustCompile(`^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$`)
	istioWildcard = regexp.MustCompile(`^(\*|(\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$`)
	istioTagKey   = regexp.MustCompile(`^([a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*/)?((?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`)
	istioTagValue = regexp.MustCompile(`^((?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`)
)

func isIstioLabel(s string) bool { return len(s) <= 63 && istioLabel.MatchString(s) }

// checkHost checks a host name, whose first label may be, or begin with, a wildcard.
func checkHost(at Report, path, host string) bool {
	first, rest, more := strings.Cut(host, ".")
	if host == "" || len(host) > 255 || len(first) > 63 || !istioWildcard.MatchString(first) || more && !isFQDN(rest) {
		at(path, "want a host name, perhaps with * as its first label, got %s", fieldpath.Quote(host))
		return false
	}
	return true
}

// isFQDN reports whether a name consists of DNS labels, of which the last is not a number; it may end in a dot.
func isFQDN(name string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	labels := strings.Split(name, ".")
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil {
		return false
	}
	for i, label := range labels {
		if i == len(labels)-1 && label == "" {
			return true
		}
		if !isIstioLabel(label) {
			return false
		}
	}
	return true
}

func checkTags(at Report, path string, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		m := istioTagKey.FindStringSubmatch(k)
		if m == nil || len(m[1]) > 254 || len(m[2]) > 63 {
			at(fieldpath.Join(path, k), "want a label key, got %s", fieldpath.Quote(k))
		}
		if !istioTagValue.MatchString(labels[k]) {
			at(fieldpath.Join(path, k), "want a label value, got %s", fieldpath.Quote(labels[k]))
		}
	}
}

// checkSelector checks labels that select pods: Istio accepts no wildcards in them.
func checkSelector(at Report, path string, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if k == "" || strings.Contains(k, "*") || strings.Contains(labels[k], "*") {
			at(fieldpath.Join(path, k), "want a label without wildcards, got %s", fieldpath.Quote(k+"="+labels[k]))
		}
	}
}

// checkDuration checks a duration: at least one millisecond, in whole milliseconds.
func checkDuration(at Report, path string, d *durationpb.Duration) {
	if d == nil {
		return
	}
	if v := d.AsDuration(); v < time.Millisecond || v%time.Millisecond != 0 {
		at(path, "want at least 1ms, in whole milliseconds, got %v", v)
	}
}

func checkPort(at Report, path string, port uint32) {
	if port < 1 || port > 65535 {
		at(path, "want a port from 1 to 65535, got %d", port)
	}
}

// checkPercentage checks a percentage of requests for fault injection.
func checkPercentage(at Report, path string, p *networking.Percent) {
	if v := p.GetValue(); v < 0 || v > 100 || v > 0 && v < 0.0001 {
		at(path+".value", "want 0, or 0.0001 to 100, got %v", v)
	}
}

func checkStatus(at Report, path string, status int) {
	if status < 200 || status > 600 {
		at(path, "want an HTTP status from 200 to 599, got %d", status)
	}
}

// Regex checks a regular expression as Istio does: RE2, at most 1024 bytes.
func Regex(at Report, path, re string) {
	switch {
	case re == "":
		at(path, "empty, want a regular expression")
	case len(re) > 1024:
		at(path, "want at most 1024 bytes, got %d", len(re))
	default:
		if _, err := regexp.Compile(re); err != nil {
			at(path, "want a regular expression of RE2: %v", err)
		}
	}
}

// checkMatch checks a string match.
func checkMatch(at Report, path string, m *networking.StringMatch, emptyPrefix bool) {
	switch v := m.GetMatchType().(type) {
	case *networking.StringMatch_Prefix:
		if v.Prefix == "" && !emptyPrefix {
			at(path+".prefix", "empty, want at least one character")
		}
	case *networking.StringMatch_Regex:
		Regex(at, path+".regex", v.Regex)
	}
}

// checkExportTo checks the namespaces that an object is visible in.
func checkExportTo(at Report, namespace string, exportTo []string, noneAllowed bool) {
	seen := map[string]bool{}
	for i, e := range exportTo {
		path := fmt.Sprintf("spec.exportTo[%d]", i)
		key := e
		if e == "." {
			key = namespace
		}
		switch {
		case seen[key]:
			at(path, "%s appears twice", fieldpath.Quote(e))
		case e == "~" && !noneAllowed:
			at(path, "~ is only for ServiceEntries")
		case e != "." && e != "*" && e != "~" && !isIstioLabel(e):
			at(path, "want . or * or a namespace, got %s", fieldpath.Quote(e))
		case (e == "*" || e == "~") && len(exportTo) > 1:
			at(path, "%s cannot be combined with other namespaces", e)
		}
		seen[key] = true
	}
}

// Annotations refuses the annotations that change the meaning of an object.
func Annotations(at Report, annotations map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		if k == "istio.io/dry-run" || strings.HasPrefix(k, "internal.istio.io/") {
			at(fieldpath.Join("metadata.annotations", k), "not supported by the lab")
		}
	}
}
