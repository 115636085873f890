package config

import (
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
)

// Misspelling is a variable of the environment that no setting reads, but whose name is close to one that a setting reads.
type Misspelling struct {
	Variable string // as it is in the environment
	Meant    string // the variable with the closest name
}

// misspelt returns the misspellings of the known variables in an environment, sorted. An environment holds much that is not meant for the
// program, so only a name that differs by a letter or two counts. Names that others define do not count: those of Kubernetes for its
// Services, of OpenTelemetry for its SDKs, and the proxy settings.
func misspelt(env, known []string) []Misspelling {
	var found []Misspelling
	for _, entry := range env {
		name, _, ok := strings.Cut(entry, "=")
		if !ok || slices.Contains(known, name) || isOthers(env, name) {
			continue
		}
		if meant := nearest(name, known); meant != "" {
			found = append(found, Misspelling{name, meant})
		}
	}
	slices.SortFunc(found, func(a, b Misspelling) int { return strings.Compare(a.Variable, b.Variable) })
	return slices.Compact(found)
}

// nearest returns the known variable that name is likely to mean, empty for none. It accepts a distance of one letter, or two from eight
// letters on. Case and hyphens do not count as differences: a variable with them is not found either.
func nearest(name string, known []string) string {
	name = strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	meant, least := "", 3
	for _, candidate := range known {
		most := 1
		if len(candidate) >= 8 {
			most = 2
		}
		if distance := edlib.LevenshteinDistance(name, candidate); distance <= most && distance < least {
			meant, least = candidate, distance
		}
	}
	return meant
}

// isOthers reports whether the variable is one that other software defines.
func isOthers(env []string, name string) bool {
	return strings.HasSuffix(strings.ToUpper(name), "_PROXY") || strings.HasPrefix(name, "OTEL_BLRP_") || isService(env, name)
}

// isService reports whether Kubernetes made the variable for a Service: NAME_SERVICE_HOST, and with it NAME_SERVICE_PORT…, NAME_PORT and
// NAME_PORT_80_TCP… (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
func isService(env []string, name string) bool {
	for _, part := range []string{"_SERVICE_HOST", "_SERVICE_PORT", "_PORT"} {
		service, _, ok := strings.Cut(name, part)
		if !ok || service == "" {
			continue
		}
		if _, ok := Lookup(env, service+"_SERVICE_HOST"); ok {
			return true
		}
	}
	return false
}
