package console

import (
	"strings"

	"github.com/hopline/hopline/lab/zipkin"
)

// injectedOf returns the fault that a span shows, in words: of a service ("error, latency"), or of a rule ("abort by a rule"); empty for none.
func injectedOf(s *zipkin.Span) string {
	var words []string
	if kinds := s.Tags.Get("fault.injected"); kinds != "" {
		words = append(words, strings.ReplaceAll(kinds, ",", ", "))
	}
	for flag := range strings.SplitSeq(s.Tags.Get("response_flags"), ",") {
		switch flag {
		case "FI":
			words = append(words, "abort by a rule")
		case "DI":
			words = append(words, "delay by a rule")
		}
	}
	return strings.Join(words, ", ")
}

// failsByFault reports whether an injected fault is why a span failed: latency and delays make nothing fail.
func failsByFault(row Row) bool {
	kinds := strings.Split(row.Tags.Get("fault.injected"), ",")
	for _, kind := range kinds {
		if kind != "" && kind != "latency" {
			return true
		}
	}
	return strings.Contains(row.Injected, "abort by a rule")
}

// causeOf returns where a trace's failure began, with which status and why, in words: "core prod responded with 500: an injected fault".
func causeOf(row Row) string {
	who := strings.TrimSpace(row.Service + " " + row.Version)
	reason := reasonText(row.Tags.Get("response_flags"))
	switch {
	case row.Proxy && failsByFault(row):
		return "the proxy of " + who + " responded with " + status(row) + ": a rule injects this fault"
	case row.Proxy && reason != "":
		return "the proxy of " + who + " responded with " + status(row) + ": " + reason
	case row.Proxy:
		return "the proxy of " + who + " received " + status(row) + " from the upstream"
	case failsByFault(row):
		return who + " responded with " + status(row) + ": an injected fault"
	case row.Kind == zipkin.Client:
		return "a call by " + who + " failed with " + status(row) + detailOf(row)
	}
	return who + " responded with " + status(row) + detailOf(row)
}

// status returns a row's HTTP status in words.
func status(row Row) string {
	if row.Status == "" || row.Status == "0" {
		return "no response"
	}
	return row.Status
}

// detailOf returns a row's own description of its failure, unless it only repeats the status.
func detailOf(row Row) string {
	if row.Error == "error" || row.Error == row.Status {
		return ""
	}
	return ": " + row.Error
}
