package lesson

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Ingress is the address of the ingress gateway that lessons name, in the lab and on a kind cluster.
const Ingress = "localhost:8080"

// labPorts holds the addresses of a lab that lessons name, each with the variable that sets its port for `hopline up` and for the commands
// that query a lab.
var labPorts = map[string]string{
	Ingress:          "HOPLINE_INGRESS_PORT",
	"localhost:8090": "HOPLINE_CONSOLE_PORT",
	"localhost:9411": "HOPLINE_ZIPKIN_PORT",
	"localhost:4318": "HOPLINE_OTLP_PORT",
}

// addresses maps the addresses that a lesson names to those that it uses. It is empty for a learner, who has the usual ones.
type addresses map[string]string

// freeAddresses returns addresses that nobody listens on at the moment, for a lesson that is checked while a lab runs.
func freeAddresses() (addresses, error) {
	free := addresses{}
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
func (a addresses) env() []string {
	var env []string
	for usual, actual := range a {
		if _, port, err := net.SplitHostPort(actual); err == nil {
			env = append(env, labPorts[usual]+"="+port)
		}
	}
	return env
}

// toActual replaces the usual addresses in a command, toUsual the actual ones in output.
func (a addresses) toActual(text string) string {
	for usual, actual := range a {
		text = strings.ReplaceAll(text, usual, actual)
	}
	return text
}

func (a addresses) toUsual(text string) string {
	for usual, actual := range a {
		text = strings.ReplaceAll(text, actual, usual)
	}
	return text
}
