package yamltext

import (
	"encoding/json"
	"fmt"
)

func ExampleEdit() {
	text := []byte("route: # both versions\n- {version: prod, weight: 80} # most\n- {version: canary, weight: 20}\n")
	e := Edit{Text: text}
	route := Child(Documents(text)[0], "route")
	for i, weight := range []json.Number{"50", "50"} {
		version := Elements(route)[i]
		if err := e.Set(Field{Parent: version, Key: "weight", At: 3}, weight); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("%s", e.Result())
	// Output:
	// route: # both versions
	// - {version: prod, weight: 50} # most
	// - {version: canary, weight: 50}
}
