package bounced

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/body"
	"github.com/hopline/hopline/pkg/telemetry"
)

// echo responds with the request.
type echo struct{ identity telemetry.Identity }

// document is the JSON of an echo and of a bounced call; the contract defines the order of its fields.
type document struct {
	Host       string            `json:"host"`
	StatusCode int               `json:"statuscode"`
	Headers    map[string]string `json:"headers"`
	Protocol   string            `json:"protocol"`
	RequestURI string            `json:"requestURI"`
	ServedBy   string            `json:"servedBy"`
	Version    string            `json:"version"`
	Method     string            `json:"method"`
	Body       string            `json:"body,omitempty"`
}

// newDocument describes the request; code, headers and body describe the response, or the request itself for an echo.
func newDocument(id telemetry.Identity, r *http.Request, began time.Time, code int, headers http.Header, body string) document {
	return document{
		Host: r.Host, StatusCode: code, Headers: flatten(headers, began),
		Protocol: r.Proto, RequestURI: r.RequestURI, ServedBy: id.Host, Version: id.Version, Method: r.Method, Body: body,
	}
}

// flatten joins the values of each header and adds the time of the request, the time of the response, and the milliseconds between them.
func flatten(headers http.Header, began time.Time) map[string]string {
	flat := make(map[string]string, len(headers)+3)
	for name, values := range headers {
		flat[name] = strings.Join(values, ", ")
	}
	now := time.Now()
	flat["Request-time"] = began.UTC().Format(time.RFC3339Nano)
	flat["Response-time"] = now.UTC().Format(time.RFC3339Nano)
	flat["Duration"] = strconv.FormatFloat(float64(now.Sub(began).Microseconds())/1000, 'f', -1, 64)
	return flat
}

// get handles GET and HEAD of any path.
func (e echo) get(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	if wantsText(r) {
		answer.Raw(w, http.StatusOK, "text/plain; charset=utf-8", e.text(r, body))
		return
	}
	answer.JSON(w, http.StatusOK, newDocument(e.identity, r, began, http.StatusOK, r.Header, body))
}

// wantsText reports whether either header names text/plain.
func wantsText(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == answer.TextType || answer.Prefers(r, answer.TextType, answer.JSONType)
}

// text returns the request as it arrived, below a line with this service's name.
func (e echo) text(r *http.Request, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Request served by %s\n\n%s %s %s\nHost: %s\n", e.identity.Host, r.Method, r.RequestURI, r.Proto, r.Host)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	b.WriteString("\n" + body)
	return b.String()
}

// readBody reads a request's body, which the server limits, and responds with 413, 408 or 400 if it cannot.
func readBody(w http.ResponseWriter, r *http.Request) (string, bool) {
	text, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	var tooSlow *body.TimeoutError
	switch {
	case err == nil:
		return string(text), true
	case errors.As(err, &tooLong):
		answer.Text(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("body is longer than %d bytes", tooLong.Limit))
	case errors.As(err, &tooSlow):
		answer.Text(w, http.StatusRequestTimeout, tooSlow.Error())
	default:
		answer.Text(w, http.StatusBadRequest, "the body ended early: "+err.Error())
	}
	return "", false
}
