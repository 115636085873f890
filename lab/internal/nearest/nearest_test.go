package nearest

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	t.Parallel()
	names := []string{"weight", "destination", "headers", "perTryTimeout", "http", "tcp", "tls"}
	for word, want := range map[string]string{
		"wieght": "weight", "weigth": "weight", "Weight": "weight", "header": "headers", "per_try_timeout": "perTryTimeout",
		"htpp": "http", "destnation": "destination", "nonsense": "", "x": "", "": "",
		"kttp": "http", "destinatoin": "destination", "haeders": "headers", "tl": "", strings.Repeat("http", 30): "",
	} {
		if got := Name(word, names); got != want {
			t.Errorf("Name(%q) = %q, want %q", word, got, want)
		}
	}
}
