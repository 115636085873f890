package validate

import "testing"

// The cases are taken from Istio's header_value_validator tests and of Envoy's header parser.
func TestBalanced(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"": true, "plain": true, "100%%": true, "%%HOSTNAME%%": true, "%HOSTNAME%": true, "a %HOSTNAME% b": true,
		"%REQ(x-a?x-b):10%": false, "%REQ(x-a?x-b)%": true, `%UPSTREAM_METADATA(["ns", "key"])%`: true, "%START_TIME(%s)%": true,
		"100%": false, "abc%123": false, "%START_TIME%%": false, `%UPSTREAM_METADATA(["ns" "key"])%`: false, "%REQ(x": false, `%REQ(a\`: false,
	} {
		if got := balanced(value); got != want {
			t.Errorf("balanced(%q) = %v, want %v", value, got, want)
		}
	}
}
