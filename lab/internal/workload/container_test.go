package workload

import "testing"

func TestGistOfALine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"level":"error","msg":"cannot listen","error":"no such host"}`: "cannot listen: no such host",
		`{"level":"error","msg":"crashing, as requested"}`:               "crashing, as requested",
		`{"level":"error"}`: `{"level":"error"}`,
		"panic: oh":         "panic: oh",
	} {
		if got := logMessage(text); got != want {
			t.Errorf("logMessage(%s) = %q, want %q", text, got, want)
		}
	}
}
