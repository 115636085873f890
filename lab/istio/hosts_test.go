package istio

import (
	"slices"
	"testing"
)

// The cases are taken from the tests of host.Name.Matches in Istio.
func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"foo.com", "foo.com", true}, {"foo.com", "bar.com", false}, {"*.com", "foo.com", true}, {"bar.com", "*.com", true},
		{"*.foo.com", "foo.com", false}, {"*", "foo.com", true}, {"*", "*.com", true}, {"*.a.com", "*.com", true}, {"*.a.com", "*.b.com", false},
	} {
		if got := Overlap(c.a, c.b); got != c.want {
			t.Errorf("Overlap(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.test", "a.test", true}, {"a.test", "*.test", true}, {"*.test", "a.test", false}, {"*.a.test", "*.test", true},
		{"*.test", "*.a.test", false}, {"*", "*", true}, {"a.test", "*", true}, {"*", "a.test", false},
	} {
		if got := Within(c.a, c.b); got != c.want {
			t.Errorf("Within(%q, %q) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// The cases are taken from Istio's TestResolveShortnameToFQDN.
func TestFullHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"": "", "*": "*", "foo": "foo.default.svc.cluster.local", "foo.bar": "foo.bar", "foo.": "foo.", "*.foo": "*.foo",
		"42.185.131.210": "42.185.131.210", "2a00:4000::614": "2a00:4000::614",
	} {
		if got := FullHost(host, "default"); got != want {
			t.Errorf("FullHost(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestServiceOf(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]string{
		"a.b": {"a", "b"}, "a.b.svc": {"a", "b"}, "a.b.svc.cluster.local": {"a", "b"}, "a.b.svc.cluster.local.": {"a", "b"},
		"a": {}, "a.b.c": {}, ".b": {}, "a.": {}, "": {},
	} {
		name, namespace, ok := ServiceOf(host)
		if !ok {
			name, namespace = "", ""
		}
		if got := [2]string{name, namespace}; got != want {
			t.Errorf("ServiceOf(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestDomains(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, from string
		want       []string
	}{
		{"a.one.svc.cluster.local", "one", []string{"a.one.svc.cluster.local", "a.one.svc.cluster.local.", "a", "a.one", "a.one.svc"}},
		{"a.one.svc.cluster.local", "two", []string{"a.one.svc.cluster.local", "a.one.svc.cluster.local.", "a.one", "a.one.svc"}},
		{"a.test", "one", []string{"a.test", "a.test."}},
		{"10.0.0.1", "one", []string{"10.0.0.1"}},
	} {
		if got := Domains(c.host, c.from); !slices.Equal(got, c.want) {
			t.Errorf("Domains(%q, %q) = %q, want %q", c.host, c.from, got, c.want)
		}
	}
}
