package header_test

import (
	"fmt"
	"net/http"

	"github.com/hopline/hopline/pkg/header"
)

// The names are in net/http's canonical form, so that they index a header without a conversion.
func Example() {
	h := http.Header{}
	h.Set("x-dev-user", "tester")
	fmt.Println(h[header.User])
	// Output: [tester]
}
