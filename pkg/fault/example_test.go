package fault_test

import (
	"fmt"
	"net/http"

	"github.com/hopline/hopline/pkg/fault"
)

// A header names the service that injects the fault. Other services ignore it.
func ExampleInjector_Plan() {
	h := http.Header{}
	h.Set("x-fault-middle", "error=100,latency=20ms")
	for _, service := range []string{"front", "middle"} {
		plan, err := fault.New(service, fault.Config{FaultHeaders: true}).Plan(h)
		fmt.Println(service, plan.Latency, plan.Error, err)
	}

	h.Set("x-fault-middle", "error=often")
	_, err := fault.New("middle", fault.Config{FaultHeaders: true}).Plan(h)
	fmt.Println(err)
	// Output:
	// front 0s false <nil>
	// middle 20ms true <nil>
	// x-fault-middle: want error=a number from 0 to 100, got "error=often"
}
