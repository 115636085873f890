package core

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/relay"
)

// timeSource returns the time: a clock of the suite, which adds its own hop line, or a foreign API.
type timeSource struct{ upstream *relay.Upstream }

// hops handles GET /hops.
func (s timeSource) hops(w http.ResponseWriter, r *http.Request) {
	reply := s.upstream.Read(r, "", answer.JSONType+", "+answer.TextType+";q=0.5")
	lines, document := reply.Hop.Line()+"\n"+reply.Body, relay.Hops{Error: strings.TrimSpace(reply.Body)}
	if reply.Code == http.StatusOK {
		source, err := parse(reply.Body)
		if err != nil {
			reply.Code = http.StatusBadGateway
			lines, document.Error = reply.Hop.Line()+"\n"+err.Error()+"\n", err.Error()
		} else {
			lines, document = source.after(reply.Hop), relay.Hops{Time: source.raw}
		}
	}
	relay.Respond(w, r, reply, lines, document)
}

// reading is a time from a source.
type reading struct {
	raw  json.RawMessage
	line string // a clock's own line, empty for a foreign source
	at   string // RFC 3339
}

// after returns the last lines of the text: a clock's own line after the hop's, or a foreign time at the end of the hop's line.
func (t reading) after(hop relay.Hop) string {
	if t.line != "" {
		return hop.Line() + "\n" + t.line + "\n"
	}
	return hop.Line() + " at " + t.at + "\n"
}

// parse parses the response of a time source: the JSON of a clock, which names its service, the JSON of worldtimeapi.org, or a clock's
// line as text. It accepts only a time, so that no source can add lines of its own.
func parse(body string) (reading, error) {
	var document struct {
		Service    string  `json:"service"`
		Version    string  `json:"version"`
		Datetime   string  `json:"datetime"`
		DurationMS float64 `json:"duration_ms"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		return parseLine(body)
	}
	if !isTime(document.Datetime) {
		return reading{}, notTime(body)
	}
	result := reading{raw: json.RawMessage(body), at: document.Datetime}
	if name := document.Service + "-" + document.Version; document.Service != "" && isPrintable(name) {
		took := time.Duration(document.DurationMS * float64(time.Millisecond))
		result.line = "took (" + relay.Millis(took) + " ms) " + name + " at " + document.Datetime
	}
	return result, nil
}

// parseLine parses "took (0.006 ms) clock-prod at 2026-01-02T03:04:05Z".
func parseLine(body string) (reading, error) {
	line := strings.TrimSuffix(body, "\n")
	_, at, found := strings.Cut(line, " at ")
	if !found || !strings.HasPrefix(line, "took (") || !isPrintable(line) || !isTime(at) {
		return reading{}, notTime(body)
	}
	raw, err := json.Marshal(line)
	return reading{raw: raw, line: line, at: at}, err
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

func isPrintable(text string) bool {
	return len(text) < 1024 && strings.IndexFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) < 0
}

// notTime returns an error with the beginning of the response.
func notTime(body string) error {
	const longest = 100
	if len(body) > longest {
		body = body[:longest] + "…"
	}
	return fmt.Errorf("the time source sent no time: want a datetime of RFC 3339, got %s", strconv.Quote(body))
}
