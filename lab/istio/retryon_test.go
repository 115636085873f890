package istio

import "testing"

func TestRetryConditions(t *testing.T) {
	t.Parallel()
	for i, word := range RetryConditions() {
		on, codes, err := ParseRetryOn(word)
		if err != nil || codes != nil || on != 1<<i || on.String() != word || !IsRetryCondition(word) {
			t.Errorf("%s: got %d (%s), %v, %v", word, on, on, codes, err)
		}
	}
	if RetryOnGRPCUnavailable.String() != "unavailable" || RetryOn5xx.String() != "5xx" || RetryOnRetriableStatusCodes.String() != "retriable-status-codes" {
		t.Error("the words are not in the order of the flags")
	}
}

func TestIsRetryCondition(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{"503": true, "5xx": true, "599": false, "": false, " 503": false, "5XX": false} {
		if got := IsRetryCondition(word); got != want {
			t.Errorf("IsRetryCondition(%q) = %t, want %t", word, got, want)
		}
	}
}
