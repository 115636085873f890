package istio

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1alpha3"
)

func rule(t *testing.T, json string) *networking.HTTPRoute {
	t.Helper()
	h := &networking.HTTPRoute{}
	if err := protojson.Unmarshal([]byte(json), h); err != nil {
		t.Fatal(err)
	}
	return h
}

// Mirrors of no request are left out, and the newer of two percentages counts.
func TestMirrors(t *testing.T) {
	t.Parallel()
	type mirror struct {
		Host    string
		Percent float64
		Path    string
	}
	for json, want := range map[string][]mirror{
		`{}`:                      nil,
		`{"mirror":{"host":"a"}}`: {{"a", 100, "mirror"}},
		`{"mirror":{"host":"a"},"mirrorPercent":20}`:                                                                          {{"a", 20, "mirror"}},
		`{"mirror":{"host":"a"},"mirrorPercent":20,"mirrorPercentage":{"value":0.5}}`:                                         {{"a", 0.5, "mirror"}},
		`{"mirror":{"host":"a"},"mirrorPercent":0}`:                                                                           nil,
		`{"mirror":{"host":"a"},"mirrorPercentage":{}}`:                                                                       nil,
		`{"mirrorPercent":20,"mirrors":[{"destination":{"host":"a"}}]}`:                                                       {{"a", 100, "mirrors[0].destination"}},
		`{"mirrors":[{"destination":{"host":"a"},"percentage":{}},{},{"destination":{"host":"b"},"percentage":{"value":7}}]}`: {{"b", 7, "mirrors[2].destination"}},
	} {
		var got []mirror
		for _, m := range Mirrors(rule(t, json)) {
			got = append(got, mirror{m.Destination.GetHost(), m.Percent, m.Path})
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", json, diff)
		}
	}
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	var got []string
	for _, d := range Destinations(rule(t, `{"route":[{"destination":{"host":"a"}},{}],"mirror":{"host":"b"},"mirrors":[{"destination":{"host":"c"},"percentage":{}}]}`)) {
		got = append(got, d.GetHost())
	}
	if diff := gocmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"HTTP": true, "http": true, "HTTP2": true, "GRPC": true, "GRPC-WEB": true, "grpc-Web": true, "HTTPS": false, "HTTP_PROXY": false, "TLS": false, "": false, "x": false} {
		if got := ParseProtocol(name).PlainHTTP(); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}
