package telemetry

// Identity identifies a process. Traces, logs, metrics and responses use the same values, so that they can be joined.
type Identity struct {
	Service string // the app label in Kubernetes
	Version string // the version label
	Host    string // the pod's name
}

// Name returns the service's name in hop lines: front-amber.
func (i Identity) Name() string { return i.Service + "-" + i.Version }

// ServedBy returns the value of the header x-served-by: front-amber/front-amber-7d9f-x2x9k.
func (i Identity) ServedBy() string { return i.Name() + "/" + i.Host }
