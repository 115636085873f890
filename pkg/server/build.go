package server

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/pkg/telemetry"
)

// build is set by the linker: -ldflags "-X github.com/hopline/hopline/pkg/server.build=v1.2.3". Where git is not available, as in an
// image's build, only this value names the source of a binary. Nothing else writes to it.
var build string

// buildInfo is the JSON of /version.
type buildInfo struct {
	Service  string `json:"service"`
	Version  string `json:"version"`
	Host     string `json:"host"`
	Build    string `json:"build,omitempty"`
	Revision string `json:"revision,omitempty"` // of git, with + if files were changed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newBuildInfo(id telemetry.Identity) buildInfo {
	b := buildInfo{
		Service: id.Service, Version: id.Version, Host: id.Host, Build: build,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	changed := ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			b.Revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "+"
		}
	}
	if b.Revision != "" {
		b.Revision += changed
	}
	return b
}

// collector returns a metric with the same fields.
func (b buildInfo) collector() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hopline_build_info",
		Help: "Always 1; the labels name what runs.",
		ConstLabels: prometheus.Labels{
			"service": b.Service, "version": b.Version, "build": b.Build, "revision": b.Revision, "goversion": b.Go,
		},
	}, func() float64 { return 1 })
}
