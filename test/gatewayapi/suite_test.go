package gatewayapi

import (
	"cmp"
	"context"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	runtimelog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/roundtripper"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/yaml"
)

// shards is the number of clusters among which the tests are divided. The tests on one cluster share its Gateways, so that they run one after
// another, and they wait most of the time.
const shards = 4

// TestSuite runs the tests that are not left out.
func TestSuite(t *testing.T) {
	t.Parallel()
	runtimelog.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	var chosen []suite.ConformanceTest
	for _, test := range tests.ConformanceTests {
		if reason(&test) == "" {
			chosen = append(chosen, test)
		}
	}
	for shard := range shards {
		t.Run(strconv.Itoa(shard), func(t *testing.T) {
			t.Parallel()
			var own []suite.ConformanceTest
			for i := shard; i < len(chosen); i += shards {
				own = append(own, chosen[i])
			}
			s := newSuite(t)
			s.Setup(t, own)
			for _, test := range own {
				t.Run(test.ShortName, func(t *testing.T) {
					test.Run(t, s)
					if t.Skipped() {
						t.Error("it was skipped, and is not left out")
					}
				})
			}
		})
	}
}

// newSuite returns a suite on a cluster of its own.
func newSuite(t *testing.T) *suite.ConformanceTestSuite {
	t.Helper()
	c := newCluster(t)
	server := &rest.Config{Host: (&podAPI{pods: c.pods, lab: c.lab}).start(t)}
	clientset, err := kubernetes.NewForConfig(server)
	if err != nil {
		t.Fatal(err)
	}
	timeouts := config.DefaultTimeoutConfig()
	for _, d := range []*time.Duration{
		&timeouts.GatewayMustHaveAddress, &timeouts.GatewayMustHaveCondition, &timeouts.GatewayStatusMustHaveListeners, &timeouts.GatewayListenersMustHaveConditions,
		&timeouts.HTTPRouteMustNotHaveParents, &timeouts.HTTPRouteMustHaveCondition, &timeouts.RouteMustHaveParents, &timeouts.NamespacesMustBeReady,
		&timeouts.LatestObservedGenerationSet, &timeouts.MaxTimeToConsistency,
	} {
		*d = 5 * time.Second // the status is there when a change is done
	}
	timeouts.DefaultPollInterval = 10 * time.Millisecond
	timeouts.TestIsolation = 0
	hostname := gatewayv1.HostnameAddressType
	s, err := suite.NewConformanceTestSuite(suite.ConformanceOptions{
		ConfigurableOptions: suite.ConfigurableOptions{
			GatewayClassName: className, CleanupTestResources: true, SupportedFeatures: supported, TimeoutConfig: timeouts,
			NamespaceLabels:          map[string]string{"istio-injection": "enabled"},
			UsableNetworkAddresses:   []gatewayv1.GatewaySpecAddress{{Type: &hostname, Value: "infra-backend-v1.gateway-conformance-infra.svc.cluster.local"}},
			UnusableNetworkAddresses: []gatewayv1.GatewaySpecAddress{{Type: &hostname, Value: "foo"}},
		},
		Client: c.client(), Clientset: clientset, RestConfig: server,
		RoundTripper:    &roundtripper.DefaultRoundTripper{TimeoutConfig: timeouts, CustomDialContext: c.lab.dial},
		WebSocketDialer: dialer{c.lab},
		ManifestFS:      []fs.FS{manifests{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dialer opens WebSockets at the lab's gateways.
type dialer struct{ lab *lab }

// Dial implements websocket.Dialer of the suite.
func (d dialer) Dial(url, protocol, origin string) (*websocket.Conn, error) {
	c, err := websocket.NewConfig(url, origin)
	if err != nil {
		return nil, err
	}
	if protocol != "" {
		c.Protocol = []string{protocol}
	}
	conn, err := d.lab.dial(context.Background(), "tcp", net.JoinHostPort(c.Location.Hostname(), cmp.Or(c.Location.Port(), "80")))
	if err != nil {
		return nil, err
	}
	return websocket.NewClient(c, conn)
}

// manifests is the suite's manifests, without the base objects that only tests need that are left out: they have certificates, UDP or gRPC.
type manifests struct{}

// Open implements fs.FS.
func (manifests) Open(name string) (fs.File, error) { return conformance.Manifests.Open(name) }

// ReadFile implements fs.ReadFileFS.
func (manifests) ReadFile(name string) ([]byte, error) {
	text, err := conformance.Manifests.ReadFile(name)
	if err != nil || name != "base/manifests.yaml" {
		return text, err
	}
	var kept []string
	for doc := range strings.SplitSeq(string(text), "\n---\n") {
		var o struct{ Metadata struct{ Name string } }
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc([]string{"tls-", "grpc-", "tcp-", "coredns", "same-namespace-with-https-listener"}, func(p string) bool { return strings.HasPrefix(o.Metadata.Name, p) }) {
			kept = append(kept, doc)
		}
	}
	return []byte(strings.Join(kept, "\n---\n")), nil
}
