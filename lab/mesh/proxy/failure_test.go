package proxy

import "testing"

func TestFlags(t *testing.T) {
	t.Parallel()
	for f, want := range map[flags]string{0: "-", flagNoRoute: "NR", flagTimeout | flagRetryLimit: "UT,URX", flagDelay | flagFault: "DI,FI", flagNoCluster: "NC"} {
		if got := f.String(); got != want {
			t.Errorf("%b: %q, want %q", f, got, want)
		}
	}
}

func TestFailureTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f       failure
		retried bool
		want    string
	}{
		{noHealthy, true, "no healthy upstream"},
		{routeTimeout, false, "upstream request timeout"},
		{perTryTimeout, true, "upstream request timeout"},
		{overflow, false, "upstream connect error or disconnect/reset before headers. reset reason: overflow"},
		{connectTimeout, true, "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection timeout"},
	} {
		if got := c.f.text(c.retried); got != c.want {
			t.Errorf("%d: %q, want %q", c.f, got, c.want)
		}
	}
	for f := overflow; f < clientGone; f++ {
		if x := failures[f]; x.status < 500 || x.flags == 0 || (x.reason == "") == (x.text == "") {
			t.Errorf("failure %d: %+v", f, x)
		}
	}
}
