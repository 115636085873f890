package explain_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hopline/hopline/lab/explain"
)

func ExampleCommand_Execute() {
	rules := `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [web]
  http:
  - {name: old, match: [{uri: {prefix: /old}}], redirect: {uri: /new}}
`
	command := explain.Command{Method: "GET", URL: "http://shop.example.com/old/page", Files: []string{"-"}}
	err := command.Execute(context.Background(), strings.NewReader(rules), os.Stdout)
	fmt.Println(errors.Is(err, explain.ErrNotRouted))
	// Output:
	// rules of -
	// GET shop.example.com:80/old/page, from gateway istio-ingressgateway
	// rules of shop.example.com
	//   yes  VirtualService default/shop old (http[0].match[0]): matches uri prefix "/old"
	// 301: redirected to http://shop.example.com/new
	// true
}
