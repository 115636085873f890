package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The sick pod of core is left out after a few errors, and comes back by itself once it is well.
func TestOutlier(t *testing.T) {
	deploy(t, "outlier")
	series := func(n int) (failed int, sick bool) {
		for range n {
			a := get(t, "/demo-app/hops", "Accept", "application/json")
			if a.code != 200 {
				failed++
			}
			sick = sick || strings.Contains(a.body, "core-sick")
		}
		return failed, sick
	}
	eventually(t, time.Minute, func() error {
		if failed, _ := series(50); failed > 0 {
			return fmt.Errorf("%d of 50 requests still fail", failed)
		}
		return nil
	})
	admin := forward(t, "hopline", "deployment/core-sick", "8081")
	if a, err := ask("PUT", admin+"/faults", `{"error_rate":0}`); err != nil || a.code != 200 {
		t.Fatalf("PUT /faults: %v %v", a, err)
	}
	eventually(t, 3*time.Minute, func() error {
		failed, sick := series(20)
		if failed > 0 || !sick {
			return fmt.Errorf("%d of 20 fail, healed pod asked: %v", failed, sick)
		}
		return nil
	})
}
