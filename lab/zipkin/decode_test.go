package zipkin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       []*Span
	}{
		{"nothing", ``, nil},
		{"an empty list", `[]`, []*Span{}},
		{"everything", `[{"traceId":"5982fe77008310cc80f1da5e10147519","parentId":"90394f6bcffb5d13","id":"67fae42571535f60","kind":"SERVER","name":"GET /Hops",
			"timestamp":1516781775726000,"duration":26000,"localEndpoint":{"serviceName":"Middle","ipv4":"10.57.50.83","port":8080},
			"remoteEndpoint":{"serviceName":"front","ipv6":"2001:DB8::C001"},"annotations":[{"timestamp":2,"value":"b"},{"timestamp":1,"value":"a"},{"timestamp":2,"value":"b"}],
			"tags":{"http.method":"GET","error":""},"debug":true,"shared":true}]`,
			[]*Span{{
				TraceID: "5982fe77008310cc80f1da5e10147519", ParentID: "90394f6bcffb5d13", ID: "67fae42571535f60", Kind: Server, Name: "get /hops",
				Timestamp: 1516781775726000, Duration: 26000, LocalEndpoint: &Endpoint{ServiceName: "middle", IPv4: "10.57.50.83", Port: 8080},
				RemoteEndpoint: &Endpoint{ServiceName: "front", IPv6: "2001:db8::c001"}, Annotations: []Annotation{{1, "a"}, {2, "b"}},
				Tags: Tags{{"error", ""}, {"http.method", "GET"}}, Debug: true, Shared: true,
			}}},
		{"unknown keys of any kind", `[{"traceId":"1","x":{"y":[1,-2.5e+3,true,false,null,"\u0041",{}]},"id":"2","traceid":"3"}]`, []*Span{{TraceID: "0000000000000001", ID: "0000000000000002"}}},
		{"escapes", `[{"traceId":"1","id":"2","tags":{"a\u00e9\ud83d\ude00\"":"\b\f\n\r\t\/\\","half":"\ud83dx"}}]`,
			[]*Span{{TraceID: "0000000000000001", ID: "0000000000000002", Tags: Tags{{"aé😀\"", "\b\f\n\r\t/\\"}, {"half", "\ufffdx"}}}}},
		{"no UTF-8", "[{\"traceId\":\"1\",\"id\":\"2\",\"name\":\"\xff\"}]", []*Span{{TraceID: "0000000000000001", ID: "0000000000000002", Name: "\ufffd"}}},
		{"numbers as strings", `[{"traceId":"1","id":"2","timestamp":"1516781775726000","duration":1.5e3}]`, []*Span{{TraceID: "0000000000000001", ID: "0000000000000002", Timestamp: 1516781775726000, Duration: 1500}}},
		{"null is absent", `[{"traceId":"1","id":"2","parentId":null,"kind":null,"name":null,"timestamp":null,"duration":null,"localEndpoint":null,"remoteEndpoint":null,"annotations":null,"tags":null,"debug":null,"shared":null}]`,
			[]*Span{{TraceID: "0000000000000001", ID: "0000000000000002"}}},
		{"white space", "[ \n{ \"traceId\"\t:\r\n\"1\" , \"id\" : \"2\" } ] and what follows", []*Span{{TraceID: "0000000000000001", ID: "0000000000000002"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The reason names the span and the field.
func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	good := `{"traceId":"1","id":"2"}`
	for _, test := range []struct{ body, want string }{
		{`{}`, "want a list of spans in JSON, beginning with ["},
		{` []`, "want a list of spans in JSON, beginning with ["},
		{`[`, "spans[0]: the JSON ends too early"},
		{`[` + good, "the JSON ends too early"},
		{`[` + good + `,]`, `spans[1]: want an object, got ']' at byte 26`},
		{`[1]`, `spans[0]: want an object, got '1' at byte 1`},
		{`[{}]`, "spans[0]: traceId is missing"},
		{`[{"traceId":"1"}]`, "spans[0]: id is missing"},
		{`[` + good + `,{"traceId":"1","id":"x"}]`, `spans[1]: id "x" is not lower-case hex`},
		{`[{"traceId":"","id":"1"}]`, "spans[0]: traceId: is empty"},
		{`[{"traceId":"ABC","id":"1"}]`, `spans[0]: traceId "ABC" is not lower-case hex`},
		{`[{"traceId":"123456789012345678901234567890123","id":"1"}]`, "spans[0]: traceId has 33 characters, more than 32"},
		{`[{"traceId":"0","id":"1"}]`, "spans[0]: traceId is all zeros"},
		{`[{"traceId":"1","id":"0000000000000000"}]`, "spans[0]: id is all zeros"},
		{`[{"traceId":"1","id":"2","parentId":"12345678901234567"}]`, "spans[0]: parentId has 17 characters, more than 16"},
		{`[{"traceId":null,"id":"1"}]`, `spans[0]: traceId: want a string, got 'n' at byte 12`},
		{`[{"traceId":"1","id":"2","kind":"LOCAL"}]`, `spans[0]: kind: want CLIENT, SERVER, PRODUCER or CONSUMER, got "LOCAL"`},
		{`[{"traceId":"1","id":"2","timestamp":1.5}]`, `spans[0]: timestamp: want a whole number, got "1.5"`},
		{`[{"traceId":"1","id":"2","timestamp":99999999999999999999}]`, `spans[0]: timestamp: want a whole number, got "99999999999999999999"`},
		{`[{"traceId":"1","id":"2","timestamp":-1e19}]`, `spans[0]: timestamp: want a whole number, got "-1e19"`},
		{`[{"traceId":"1","id":"2","timestamp":01}]`, `spans[0]: timestamp: "01" at byte 37 is not a number`},
		{`[{"traceId":"1","id":"2","duration":true}]`, `spans[0]: duration: want a whole number, got 't' at byte 36`},
		{`[{"traceId":"1","id":"2","localEndpoint":{"port":65536}}]`, "spans[0]: localEndpoint.port 65536 is more than 65535"},
		{`[{"traceId":"1","id":"2","localEndpoint":{"port":"http"}}]`, `spans[0]: localEndpoint: port: want a whole number, got "http"`},
		{`[{"traceId":"1","id":"2","annotations":[{"timestamp":1,"value":"a"},{"value":"b"}]}]`, "spans[0]: annotations: [1]: want a timestamp and a value"},
		{`[{"traceId":"1","id":"2","tags":{"a":null}}]`, `spans[0]: tags: a: want a string, got 'n' at byte 37`},
		{`[{"traceId":"1","id":"2","debug":"true"}]`, `spans[0]: debug: want true or false, got '"' at byte 33`},
		{`[{"traceId":"1","id":"2","debug":trueish}]`, `spans[0]: debug: want true or false, got 't' at byte 33`},
		{`[{"traceId":"1","id":"2","name":"\x"}]`, `spans[0]: name: \x at byte 33 is not an escape of JSON`},
		{`[{"traceId":"1","id":"2","name":"\u12"}]`, `spans[0]: name: \u without four hex digits at byte 33`},
		{`[{"traceId":"1","id":"2","binaryAnnotations":[]}]`, "want a list of spans in the format v2, got v1: it has binaryAnnotations"},
		{`[{"traceId":"1","id":"2","x":` + strings.Repeat("[", 100_000), `spans[0]: x: values nest deeper than 64 at byte 94`},
		{`[{"traceId":"1","id":"2","` + strings.Repeat("x", 1000) + `":?}]`, `spans[0]: ` + strings.Repeat("x", 64) + `: want a value, got '?' at byte 1028`},
	} {
		spans, err := Decode([]byte(test.body))
		if err == nil || err.Error() != test.want || spans != nil {
			t.Errorf("%.80s\n got %v\nwant %s", test.body, err, test.want)
		}
	}
}

// The result of Decode, written as JSON and decoded once more, is the same.
func TestDecodeOfEncoded(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("testdata", "trace.json"))
	if err != nil {
		t.Fatal(err)
	}
	once, err := Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if len(once) < 5 {
		t.Fatalf("testdata/trace.json has %d spans", len(once))
	}
	roundTrip(t, once)
}

func roundTrip(t *testing.T, spans []*Span) {
	t.Helper()
	encoded, err := json.Marshal(spans)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(encoded)
	if err != nil {
		t.Fatalf("%v: %s", err, encoded)
	}
	if diff := cmp.Diff(spans, again); diff != "" {
		t.Errorf("(-once +twice):\n%s", diff)
	}
}

// FuzzDecode: for any input Decode ends without a panic, and what it accepts is valid, normal, and survives a round trip. encoding/json
// accepts everything that Decode accepts within JSON's own grammar.
func FuzzDecode(f *testing.F) {
	corpus, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range corpus {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, body := range []string{`[]`, `[{"traceId":"1","id":"2"}]`, `[{"traceId":"a","id":"b","tags":{"a":"\ud83d\ude00"}}]`, `[{"traceId":"1","id":"2","timestamp":1e3,"x":[[{}]]}]`,
		`[{"traceId":"1","id":"2","localEndpoint":{"ipv6":"::ffff:1.2.3.4"}}]`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		spans, err := Decode(body)
		if err != nil {
			if err.Error() == "" || spans != nil {
				t.Errorf("an error without a reason, or with spans")
			}
			return
		}
		for _, span := range spans {
			copied := *span
			if err := copied.Normalize(); err != nil {
				t.Fatalf("accepted and then refused: %v", err)
			}
			if diff := cmp.Diff(*span, copied); diff != "" {
				t.Fatalf("not normal:\n%s", diff)
			}
		}
		if spans != nil {
			roundTrip(t, spans)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body, err := os.ReadFile(filepath.Join("testdata", "trace.json"))
	if err != nil {
		b.Fatal(err)
	}
	spans, err := Decode(body)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(spans)), "ns/span")
}
