package server

import "net/http"

// Text answers with one text and a newline, as text/plain.
func Text(w http.ResponseWriter, code int, text string) {}

// JSON answers with v as JSON and a newline.
func JSON(w http.ResponseWriter, code int, v any) {}

// Hello is the handler of GET /hello on every hop: {"hello":"world!"}.
func Hello(w http.ResponseWriter, r *http.Request) {}

// Prefers tells whether the request's Accept puts one media type ("text/html") before the other ("text/plain"), with
// quality values and wildcards as of RFC 9110. Without Accept the other, a service's usual answer, is meant.
func Prefers(r *http.Request, one, other string) bool { return false }
