package telemetry

// Identity says who a process is. Traces, logs, metrics and answers carry the same words, so that they join.
type Identity struct {
	Service string // the app label in Kubernetes
	Version string // the version label
	Host    string // the pod's name
}

// Name is the service as the hop lines call it: front-amber.
func (i Identity) Name() string { return i.Service + "-" + i.Version }

// ServedBy is the value of the header x-served-by: front-amber/front-amber-7d9f-x2x9k.
func (i Identity) ServedBy() string { return i.Name() + "/" + i.Host }
