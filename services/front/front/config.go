package front

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/server"
)

// Config holds the settings of front, besides those of every service.
type Config struct {
	server.Config
	UpstreamURL config.URL `default:"http://middle" help:"Service to relay to."`
	TraceUIURL  TraceUIURL `name:"trace-ui-url" placeholder:"URL" help:"Where a trace is shown: a URL or path with {traceID}. Empty: trace ids are not links."`
}

// TraceUIURL is the template of a link to a trace, or empty.
type TraceUIURL string

const traceIDPlace = "{traceID}"

// UnmarshalText implements encoding.TextUnmarshaler. It accepts only what a browser opens as a page, never a script: an http or https URL,
// or a path on the host that serves the page.
func (t *TraceUIURL) UnmarshalText(text []byte) error {
	given := string(text)
	if given != "" && !traceTemplate(given) {
		return fmt.Errorf("an http or https URL, or a path from /, with %s in it", traceIDPlace)
	}
	*t = TraceUIURL(given)
	return nil
}

func traceTemplate(given string) bool {
	u, err := url.Parse(strings.ReplaceAll(given, traceIDPlace, "0"))
	if err != nil || !strings.Contains(given, traceIDPlace) {
		return false
	}
	if u.Scheme == "" {
		return u.Host == "" && strings.HasPrefix(u.Path, "/")
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// Link returns the address of one trace, or "" if there is no trace UI.
func (t TraceUIURL) Link(traceID string) string {
	if traceID == "" {
		return ""
	}
	return strings.ReplaceAll(string(t), traceIDPlace, traceID)
}
