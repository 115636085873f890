package overlay

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// probeManifest lists the fields of a probe that the lab supports.
type probeManifest struct {
	Exec *struct {
		Command []string `field:"command,required" does:"a program of this machine, with the environment of the container"`
	} `field:"exec"`
	TCPSocket *struct {
		Port intOrString `field:"port,required"`
		Host anything    `field:"host,refused" why:"a probe calls the pod itself"`
	} `field:"tcpSocket"`
	HTTPGet *struct {
		Path        string      `field:"path"`
		Port        intOrString `field:"port,required"`
		Scheme      string      `field:"scheme" does:"HTTP"`
		Host        anything    `field:"host,refused" why:"a probe calls the pod itself"`
		HTTPHeaders anything    `field:"httpHeaders,refused" why:"a probe sends none"`
	} `field:"httpGet"`
	InitialDelaySeconds int  `field:"initialDelaySeconds"`
	PeriodSeconds       *int `field:"periodSeconds"`
	TimeoutSeconds      *int `field:"timeoutSeconds"`
	SuccessThreshold    *int `field:"successThreshold"`
	FailureThreshold    *int `field:"failureThreshold"`

	GRPC                          anything `field:"grpc,refused" why:"use httpGet, tcpSocket or exec"`
	TerminationGracePeriodSeconds anything `field:"terminationGracePeriodSeconds,refused" why:"that of the pod applies"`
}

// Kubernetes' defaults of a probe, the first two in seconds.
const (
	defaultPeriod    = 10
	defaultTimeout   = 1
	defaultSuccesses = 1
	defaultFailures  = 3
)

// NewProbe returns a probe of a port by HTTP at a path, or by TCP without a path, with Kubernetes' defaults.
func NewProbe(port int, path string) *Probe {
	return &Probe{
		Path: path, TCP: path == "", Port: strconv.Itoa(port),
		Period: seconds(defaultPeriod), Timeout: seconds(defaultTimeout), Successes: defaultSuccesses, Failures: defaultFailures,
	}
}

// probe decodes a probe with Kubernetes' defaults.
func probe(at problems, path string, from *probeManifest, onlyOneSuccess bool) *Probe {
	if from == nil {
		return nil
	}
	p := &Probe{
		InitialDelay: seconds(from.InitialDelaySeconds),
		Period:       seconds(valueOr(from.PeriodSeconds, defaultPeriod)),
		Timeout:      seconds(valueOr(from.TimeoutSeconds, defaultTimeout)),
		Successes:    valueOr(from.SuccessThreshold, defaultSuccesses),
		Failures:     valueOr(from.FailureThreshold, defaultFailures),
	}
	if !p.action(at, path, from) {
		return nil
	}
	if from.InitialDelaySeconds < 0 {
		at.add(path+".initialDelaySeconds", "want 0 or more, got %d", from.InitialDelaySeconds)
	}
	for name, n := range map[string]int{
		"periodSeconds": int(p.Period / time.Second), "timeoutSeconds": int(p.Timeout / time.Second),
		"successThreshold": p.Successes, "failureThreshold": p.Failures,
	} {
		if n < 1 {
			at.add(path+"."+name, "want 1 or more, got %d", n)
		}
	}
	if onlyOneSuccess && p.Successes > 1 {
		at.add(path+".successThreshold", "want 1 for this probe, got %d", p.Successes)
	}
	return p
}

// action decodes what a probe does. It returns false if it is not exactly one thing.
func (p *Probe) action(at problems, path string, from *probeManifest) bool {
	switch n := howMany(from.HTTPGet != nil, from.TCPSocket != nil, from.Exec != nil); {
	case n == 0:
		at.add(path, "want one of httpGet, tcpSocket and exec, got none")
		return false
	case n > 1:
		at.add(path, "want one of httpGet, tcpSocket and exec, got several")
		return false
	case from.HTTPGet != nil:
		p.Path, p.Port = cmp.Or(from.HTTPGet.Path, "/"), string(from.HTTPGet.Port)
		if !strings.HasPrefix(p.Path, "/") {
			p.Path = "/" + p.Path // as the kubelet does
		}
		checkPortOrName(at, path+".httpGet.port", p.Port)
		if s := from.HTTPGet.Scheme; s != "" && s != "HTTP" {
			at.add(path+".httpGet.scheme", "want HTTP, got %s", fieldpath.Quote(s))
		}
	case from.TCPSocket != nil:
		p.TCP, p.Port = true, string(from.TCPSocket.Port)
		checkPortOrName(at, path+".tcpSocket.port", p.Port)
	default:
		if p.Exec = from.Exec.Command; len(p.Exec) == 0 || p.Exec[0] == "" {
			at.add(path+".exec.command", "empty, want a program and its arguments")
			return false
		}
	}
	return true
}

// kind returns the field of a probe's action.
func (p *Probe) kind() string {
	switch {
	case p.Exec != nil:
		return "exec"
	case p.TCP:
		return "tcpSocket"
	}
	return "httpGet"
}
