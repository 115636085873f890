package overlay

import (
	"regexp"
	"strconv"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// The patterns for names, from Kubernetes' "Object Names and IDs" and "Labels and Selectors".
var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	labelKey     = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
	labelValue   = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`)
	portName     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	envName      = regexp.MustCompile(`^[!-<>-~]+$`) // printable ASCII without =
)

func isDNSLabel(s string) bool { return len(s) <= 63 && dnsLabel.MatchString(s) }

func checkMetadata(r *Report, m Meta) {
	at := problems{report: r, object: m.String()}
	if m.Name != "" && (len(m.Name) > 253 || !dnsSubdomain.MatchString(m.Name)) {
		at.add("metadata.name", "want lower-case letters, digits, - and ., at most 253, got %s", fieldpath.Quote(m.Name))
	}
	if m.Namespace != "" && !isDNSLabel(m.Namespace) {
		at.add("metadata.namespace", "want lower-case letters, digits and -, at most 63, got %s", fieldpath.Quote(m.Namespace))
	}
	checkLabels(at, "metadata.labels", m.Labels)
}

func checkLabels(at problems, path string, labels map[string]string) {
	for k, v := range labels {
		if len(k) > 253+1+63 || !labelKey.MatchString(k) {
			at.add(fieldpath.Join(path, k), "invalid label key: want an optional DNS prefix with / and up to 63 letters, digits, -, _ and .")
		}
		if len(v) > 63 || !labelValue.MatchString(v) {
			at.add(fieldpath.Join(path, k), "want up to 63 letters, digits, -, _ and ., got %s", fieldpath.Quote(v))
		}
	}
}

func checkPort(at problems, path string, port int) {
	if port < 1 || port > 65535 {
		at.add(path, "want a port from 1 to 65535, got %d", port)
	}
}

// checkPortOrName checks a reference to a container's port: its number or its name.
func checkPortOrName(at problems, path, port string) {
	if n, err := strconv.Atoi(port); err == nil {
		checkPort(at, path, n)
		return
	}
	checkPortName(at, path, port)
}

func checkPortName(at problems, path, name string) {
	if len(name) > 15 || !portName.MatchString(name) {
		at.add(path, "want a port's name: up to 15 lower-case letters, digits and -, got %s", fieldpath.Quote(name))
	}
}
