package mesh_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

const rules = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [blue.example.com, green.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [web]
  http:
  - name: testers
    match: [{headers: {x-user: {exact: tester}}}]
    route: [{destination: {host: green.example.com}}]
  - name: everyone
    route:
    - {destination: {host: blue.example.com}, weight: 80}
    - {destination: {host: green.example.com}, weight: 20}
`

func table() (*mesh.Table, error) {
	o, _, err := overlay.Read([]string{"-"}, strings.NewReader(rules))
	if err != nil {
		return nil, err
	}
	return mesh.Compile(o)
}

func request(user string) *mesh.Request {
	return &mesh.Request{Method: "GET", Authority: "shop.example.com", Path: "/", Scheme: "http", Port: 80, Header: http.Header{"X-User": {user}}}
}

func ExampleTable_Decide() {
	table, err := table()
	if err != nil {
		fmt.Println(err)
		return
	}
	gateway := mesh.IngressGateway()
	random := rand.New(rand.NewPCG(1, 2)) // a random number for each request

	decision := table.Decide(request("tester"), &gateway, random.Uint64())
	fmt.Println(decision.Route.Rule, "→", decision.To.Cluster.Host)

	green := 0
	for range 10_000 {
		if decision := table.Decide(request("somebody"), &gateway, random.Uint64()); decision.To.Cluster.Host == "green.example.com" {
			green++
		}
	}
	fmt.Println("everyone → green.example.com:", green, "of 10000")
	// Output:
	// testers → green.example.com
	// everyone → green.example.com: 1995 of 10000
}

func ExampleTable_Explain() {
	table, err := table()
	if err != nil {
		fmt.Println(err)
		return
	}
	gateway := mesh.IngressGateway()
	fmt.Print(table.Explain(request("somebody"), &gateway))
	// Output:
	// GET shop.example.com:80/, from gateway istio-ingressgateway
	// rules of shop.example.com
	//   no   VirtualService default/shop testers (http[0].match[0]): want header x-user exactly "tester", got "somebody"
	//   yes  VirtualService default/shop everyone (http[1]): matches every request
	//    80.0 %  blue.example.com:80: blue.example.com:80
	//    20.0 %  green.example.com:80: green.example.com:80
	//   up to 2 retries on connect-failure,refused-stream,cancelled,unavailable
}
