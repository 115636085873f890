package destinationrule

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	networking "istio.io/api/networking/v1alpha3"
)

func TestPolicyOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rule, subset, want string }{
		"none":           {``, ``, ``},
		"of the rule":    {`{"loadBalancer": {"simple": "RANDOM"}}`, ``, `{"loadBalancer": {"simple": "RANDOM"}}`},
		"of the subset":  {``, `{"loadBalancer": {"simple": "RANDOM"}}`, `{"loadBalancer": {"simple": "RANDOM"}}`},
		"one by one":     {`{"loadBalancer": {"simple": "RANDOM"}, "outlierDetection": {"interval": "1s"}}`, `{"loadBalancer": {"simple": "ROUND_ROBIN"}}`, `{"loadBalancer": {"simple": "ROUND_ROBIN"}, "outlierDetection": {"interval": "1s"}}`},
		"port of rule":   {`{"portLevelSettings": [{"port": {"number": 80}, "outlierDetection": {"interval": "1s"}}]}`, `{"loadBalancer": {"simple": "RANDOM"}}`, `{"loadBalancer": {"simple": "RANDOM"}, "portLevelSettings": [{"port": {"number": 80}, "outlierDetection": {"interval": "1s"}, "loadBalancer": {"simple": "RANDOM"}}]}`},
		"port of subset": {`{"outlierDetection": {"interval": "1s"}, "portLevelSettings": [{"port": {"number": 80}, "outlierDetection": {"interval": "2s"}}]}`, `{"portLevelSettings": [{"port": {"number": 80}, "loadBalancer": {"simple": "RANDOM"}}]}`, `{"outlierDetection": {"interval": "1s"}, "portLevelSettings": [{"port": {"number": 80}, "loadBalancer": {"simple": "RANDOM"}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := func(text string) *networking.TrafficPolicy {
				if text == "" {
					return nil
				}
				p := &networking.TrafficPolicy{}
				if err := protojson.Unmarshal([]byte(text), p); err != nil {
					t.Fatal(err)
				}
				return p
			}
			base, subset := policy(c.rule), &networking.Subset{TrafficPolicy: policy(c.subset)}
			before := proto.CloneOf(subset)
			got := PolicyOf(base, subset)
			if diff := cmp.Diff(policy(c.want), got, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !proto.Equal(base, policy(c.rule)) || !proto.Equal(subset, before) {
				t.Errorf("the arguments are now %v and %v", base, subset)
			}
		})
	}
}
