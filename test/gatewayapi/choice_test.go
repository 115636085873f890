package gatewayapi

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// supported lists the features whose tests run.
var supported = []features.FeatureName{
	features.SupportGateway,
	features.SupportGatewayPort8080,
	features.SupportGatewayStaticAddresses,
	features.SupportGatewayHTTPListenerIsolation,
	features.SupportGatewayAddressEmpty,
	features.SupportReferenceGrant,
	features.SupportHTTPRoute,
	features.SupportHTTPRouteDestinationPortMatching,
	features.SupportHTTPRouteBackendRequestHeaderModification,
	features.SupportHTTPRouteQueryParamMatching,
	features.SupportHTTPRouteMethodMatching,
	features.SupportHTTPRouteResponseHeaderModification,
	features.SupportHTTPRoutePortRedirect,
	features.SupportHTTPRouteSchemeRedirect,
	features.SupportHTTPRoutePathRedirect,
	features.SupportHTTPRouteHostRewrite,
	features.SupportHTTPRoutePathRewrite,
	features.SupportHTTPRouteRequestMirror,
	features.SupportHTTPRouteRequestMultipleMirrors,
	features.SupportHTTPRouteRequestPercentageMirror,
	features.SupportHTTPRouteRequestTimeout,
	features.SupportHTTPRouteBackendTimeout,
	features.SupportHTTPRouteParentRefPort,
	features.SupportHTTPRouteBackendProtocolWebSocket,
	features.SupportHTTPRouteNamedRouteRule,
	features.SupportHTTPRouteCORS,
	features.SupportHTTPRoute303RedirectStatusCode,
	features.SupportHTTPRoute307RedirectStatusCode,
	features.SupportHTTPRoute308RedirectStatusCode,
	features.SupportHTTPRouteRetry,
	features.SupportMesh,
	features.SupportMeshConsumerRoute,
	features.SupportMeshHTTPRouteRewritePath,
	features.SupportMeshHTTPRouteSchemeRedirect,
	features.SupportMeshHTTPRouteRedirectPort,
	features.SupportMeshHTTPRouteRedirectPath,
	features.SupportMeshHTTPRouteBackendRequestHeaderModification,
	features.SupportMeshHTTPRouteQueryParamMatching,
	features.SupportMeshHTTPRouteNamedRouteRule,
}

// unsupported gives the reason for which the tests of a feature are left out. The first one that a test names counts.
var unsupported = []struct {
	features []features.FeatureName
	reason   string
}{
	{[]features.FeatureName{features.SupportTCPRoute, features.SupportTLSRoute, features.SupportUDPRoute, features.SupportGRPCRoute, features.SupportListenerSet, features.SupportBackendTLSPolicy},
		"the lab rejects objects of this kind by name"},
	{[]features.FeatureName{features.SupportGatewayFrontendClientCertificateValidation, features.SupportGatewayHTTPSListenerDetectMisdirectedRequests, features.SupportGatewayBackendClientCertificate}, noCertificates},
	{[]features.FeatureName{features.SupportGatewayInfrastructurePropagation}, noDeployment},
	{[]features.FeatureName{features.SupportHTTPRouteBackendProtocolH2C}, "the lab's proxy sends HTTP/1.1"},
	{[]features.FeatureName{features.SupportMeshClusterIPMatching}, "Istio leaves it out as well: its sidecars match a host name, not the Service's address"},
}

const (
	noCertificates = "it needs a listener for HTTPS: the lab has no certificates"
	noDeployment   = "the lab deploys no gateway, and rejects `spec.infrastructure`"
)

// leftOut gives the reason for which a test of supported features is left out.
var leftOut = map[string]string{
	"GatewayInvalidTLSConfiguration":            noCertificates,
	"GatewayModifyListeners":                    noCertificates,
	"GatewaySecretInvalidReferenceGrant":        noCertificates,
	"GatewaySecretMissingReferenceGrant":        noCertificates,
	"GatewaySecretReferenceGrantAllInNamespace": noCertificates,
	"GatewaySecretReferenceGrantSpecific":       noCertificates,
	"GatewayWithAttachedRoutes":                 noCertificates,
	"HTTPRouteHTTPSListener":                    noCertificates,
	"HTTPRouteRedirectPortAndScheme":            noCertificates,
	"MeshFrontend":                              "it sends a request to the address of a pod: in the lab pods have no addresses of their own",
	"GatewayInvalidParametersRef":               noDeployment,
	"GatewayClassObservedGenerationBump":        "the lab reads no GatewayClass",
	"HTTPRouteServiceTypes":                     "it writes EndpointSlices: in the lab only the pods of Deployments are endpoints",
}

// reason returns why a test is left out; "" if it runs.
func reason(test *suite.ConformanceTest) string {
	if r := leftOut[test.ShortName]; r != "" {
		return r
	}
	for _, u := range unsupported {
		if slices.ContainsFunc(u.features, func(f features.FeatureName) bool { return slices.Contains(test.Features, f) }) {
			return u.reason
		}
	}
	return ""
}

// TestChoice: each test runs, or is left out for a reason; and each reason is for a test.
func TestChoice(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, test := range tests.ConformanceTests {
		known[test.ShortName] = true
		for _, f := range test.Features {
			if reason(&test) == "" && !slices.Contains(supported, f) {
				t.Errorf("%s: feature %s is neither supported nor left out for a reason", test.ShortName, f)
			}
		}
	}
	for name := range leftOut {
		if !known[name] {
			t.Errorf("%s is left out, and the suite has no such test", name)
		}
	}
}

var update = flag.Bool("update", false, "write the lists in docs/lab.md")

// TestTheListsInTheDocumentation: docs/lab.md names the tests that run, and those that are left out with the reasons.
func TestTheListsInTheDocumentation(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../../docs/lab.md", "-run TestTheListsInTheDocumentation -update -->\n", "<!-- end of the upstream tests -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "(cd test/gatewayapi) GOWORK=off go test . "+begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the lists", page)
	}
	want := before + "(cd test/gatewayapi) GOWORK=off go test . " + begin + lists() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("%s does not have the lists:\n%s", page, cmp.Diff(string(text), want))
	}
}

// lists returns the lists of the documentation.
func lists() string {
	var run, reasons []string
	left := map[string][]string{}
	for _, test := range tests.ConformanceTests {
		r := reason(&test)
		switch {
		case r == "":
			run = append(run, test.ShortName)
			continue
		case left[r] == nil:
			reasons = append(reasons, r)
		}
		left[r] = append(left[r], "`"+test.ShortName+"`")
	}
	slices.Sort(run)
	slices.Sort(reasons)
	var b strings.Builder
	fmt.Fprintf(&b, "\nOf the %d tests, %d pass:\n\n```text\n%s\n```\n\nThe others are left out:\n\n| test | reason |\n|---|---|\n", len(tests.ConformanceTests), len(run), wrap(run, 140))
	for _, r := range reasons {
		slices.Sort(left[r])
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(left[r], ", "), r)
	}
	return b.String() + "\n"
}

// wrap joins names in lines of at most a width.
func wrap(names []string, width int) string {
	var lines []string
	current := ""
	for _, n := range names {
		switch {
		case current == "":
			current = n
		case len(current)+2+len(n) > width:
			lines, current = append(lines, current+","), n
		default:
			current += ", " + n
		}
	}
	return strings.Join(append(lines, current), "\n")
}
