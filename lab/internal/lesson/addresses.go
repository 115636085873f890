package lesson

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// The addresses that lessons name: of the ingress gateway, in the lab and on a kind cluster, and of the lab's other ports.
const (
	Ingress = "localhost:8080"
	Console = "localhost:8090"
	Zipkin  = "localhost:9411"
	OTLP    = "localhost:4318"
)

// labPorts holds the addresses of a lab that lessons name, each with the variable that sets its port for `hopline up` and for the commands
// that query a lab.
var labPorts = map[string]string{
	Ingress: "HOPLINE_INGRESS_PORT",
	Console: "HOPLINE_CONSOLE_PORT",
	Zipkin:  "HOPLINE_ZIPKIN_PORT",
	OTLP:    "HOPLINE_OTLP_PORT",
}

// Addresses maps the addresses that a lesson names to those that it uses, as host:port. It is empty for a learner in a terminal, who has the
// usual ones.
type Addresses map[string]string

// freeAddresses returns addresses that nobody listens on at the moment, for a lesson that is checked while a lab runs.
func freeAddresses() (Addresses, error) {
	free := Addresses{}
	var taken []net.Listener
	var errs []error
	for usual := range labPorts {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			errs = append(errs, err)
			break
		}
		taken = append(taken, l)
		free[usual] = fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
	}
	for _, l := range taken {
		errs = append(errs, l.Close())
	}
	return free, errors.Join(errs...)
}

// env returns the variables that make hopline use these addresses.
func (a Addresses) env() []string {
	var env []string
	for usual, actual := range a {
		if _, port, err := net.SplitHostPort(actual); err == nil {
			env = append(env, labPorts[usual]+"="+port)
		}
	}
	return env
}

// replacers returns what replaces the usual addresses in a command, and the actual ones in output.
func (a Addresses) replacers() (toActual, toUsual *strings.Replacer) {
	var there, back []string
	for usual, actual := range a {
		there = append(there, usual, actual)
		back = append(back, actual, usual)
	}
	return strings.NewReplacer(there...), strings.NewReplacer(back...)
}
