package zipkin

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		span      Span
		want      Span
		wantError string
	}{
		{"ids are padded", Span{TraceID: "1", ParentID: "2", ID: "3"}, Span{TraceID: "0000000000000001", ParentID: "0000000000000002", ID: "0000000000000003"}, ""},
		{"a long id too", Span{TraceID: "10000000000000002", ID: "3"}, Span{TraceID: "00000000000000010000000000000002", ID: "0000000000000003"}, ""},
		{"128 bits of which the upper are zero are 64", Span{TraceID: "00000000000000000000000000000002", ID: "3"}, Span{TraceID: "0000000000000002", ID: "0000000000000003"}, ""},
		{"no parent", Span{TraceID: "1", ParentID: "000", ID: "3"}, Span{TraceID: "0000000000000001", ID: "0000000000000003"}, ""},
		{"its own parent", Span{TraceID: "1", ParentID: "3", ID: "3"}, Span{TraceID: "0000000000000001", ID: "0000000000000003"}, ""},
		{"a shared client", Span{TraceID: "1", ID: "3", Kind: Client, Shared: true}, Span{TraceID: "0000000000000001", ID: "0000000000000003", Kind: Client}, ""},
		{"negative times", Span{TraceID: "1", ID: "3", Timestamp: -1, Duration: -1}, Span{TraceID: "0000000000000001", ID: "0000000000000003"}, ""},
		{"names in lower case", Span{TraceID: "1", ID: "3", Name: "GET Ä", LocalEndpoint: &Endpoint{ServiceName: "Front"}},
			Span{TraceID: "0000000000000001", ID: "0000000000000003", Name: "get ä", LocalEndpoint: &Endpoint{ServiceName: "front"}}, ""},
		{"endpoints that say nothing", Span{TraceID: "1", ID: "3", LocalEndpoint: &Endpoint{}, RemoteEndpoint: &Endpoint{Port: -1}}, Span{TraceID: "0000000000000001", ID: "0000000000000003"}, ""},
		{"annotations in order and once", Span{TraceID: "1", ID: "3", Annotations: []Annotation{{2, "b"}, {1, "z"}, {2, "a"}, {2, "b"}}},
			Span{TraceID: "0000000000000001", ID: "0000000000000003", Annotations: []Annotation{{1, "z"}, {2, "a"}, {2, "b"}}}, ""},
		{"no trace", Span{ID: "3"}, Span{}, "traceId is empty"},
		{"no id", Span{TraceID: "1"}, Span{}, "id is empty"},
		{"an id of zeros", Span{TraceID: "1", ID: "0"}, Span{}, "id is all zeros"},
		{"upper case", Span{TraceID: "1", ID: "A"}, Span{}, `id "A" is not lower-case hex`},
		{"a bad parent", Span{TraceID: "1", ID: "3", ParentID: "parent"}, Span{}, `parentId "parent" is not lower-case hex`},
		{"a bad port", Span{TraceID: "1", ID: "3", RemoteEndpoint: &Endpoint{Port: 70000}}, Span{}, "remoteEndpoint.port 70000 is more than 65535"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := test.span
			err := got.Normalize()
			if test.wantError != "" {
				if err == nil || err.Error() != test.wantError {
					t.Errorf("got %v, want %s", err, test.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetIP(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Endpoint{
		"1.2.3.4":              {IPv4: "1.2.3.4"},
		"::ffff:1.2.3.4":       {IPv4: "1.2.3.4"},
		"::1.2.3.4":            {IPv4: "1.2.3.4"},
		"::FFFF:102:304":       {IPv6: "::ffff:102:304"},
		"2001:DB8:0:0:0:0:0:1": {IPv6: "2001:db8::1"},
		"2001:0:0:4:0:0:0:8":   {IPv6: "2001:0:0:4::8"},
		"1:0:2:3:4:5:6:7":      {IPv6: "1::2:3:4:5:6:7"},
		"1:0:2:0:0:0:0:0":      {IPv6: "1::2:0:0:0:0:0"}, // zeros at the end only if there are none before
		"1:2:3:4:5:6:7::":      {IPv6: "1:2:3:4:5:6:7::"},
		"::":                   {IPv6: "::"},
		"::1":                  {IPv6: "::1"},
		"64:ff9b::1.2.3.4":     {},
		"fe80::1%eth0":         {},
		"front":                {},
		"":                     {},
	} {
		var got Endpoint
		if got.setIP(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}
