package histogram_test

import (
	"fmt"
	"time"

	"github.com/hopline/hopline/lab/internal/histogram"
)

// A percentile of a fine histogram is at most 0.1 % too high, however long the times are.
func Example() {
	h := histogram.New(histogram.Fine)
	for ms := range 1000 {
		h.Add(time.Duration(ms+1) * time.Millisecond)
	}
	fmt.Println("p50", h.Percentile(50), "p99", h.Percentile(99))
	// Output:
	// p50 500.223ms p99 990.207ms
}
