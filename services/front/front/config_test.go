package front

import "testing"

func TestTraceUIURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ given, link string }{
		{"", ""},
		{"http://localhost:8090/trace/{traceID}", "http://localhost:8090/trace/4bf9"},
		{"https://jaeger.example/search?traceID={traceID}&x=1", "https://jaeger.example/search?traceID=4bf9&x=1"},
		{"/jaeger/trace/{traceID}", "/jaeger/trace/4bf9"},
		{"http://{traceID}/", "http://4bf9/"},
	} {
		var template TraceUIURL
		if err := template.UnmarshalText([]byte(test.given)); err != nil {
			t.Errorf("%q is refused: %v", test.given, err)
		}
		if link := template.Link("4bf9"); link != test.link {
			t.Errorf("the link of %q is %q, want %q", test.given, link, test.link)
		}
		if link := template.Link(""); link != "" {
			t.Errorf("without a trace the link of %q is %q, want none", test.given, link)
		}
	}
	for _, given := range []string{"http://localhost/trace", "javascript:alert('{traceID}')", "data:text/html,{traceID}", "//host/{traceID}", "trace/{traceID}", "http:///{traceID}", "ftp://host/{traceID}", "http://[::1/{traceID}"} {
		var template TraceUIURL
		if err := template.UnmarshalText([]byte(given)); err == nil {
			t.Errorf("%q is accepted", given)
		}
	}
}
