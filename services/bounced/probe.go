package main

import (
	"net/http"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/guard"
	"github.com/hopline/hopline/pkg/server"
)

// health answers GET /health, whatever the faults.
func health(w http.ResponseWriter, _ *http.Request) { answer.Text(w, http.StatusOK, "Status OK") }

// sameOrigin refuses what a browser sends for a page of another origin: any page could otherwise end the process, or make it call.
func sameOrigin(next http.HandlerFunc) http.HandlerFunc { return guard.SameOrigin(next).ServeHTTP }

// exitKilled is what a shell says of a process that was killed by SIGKILL, as the kernel does when memory runs out.
const exitKilled = 137

// crash is the handler of GET /crash: ends the process on the spot, or is not there.
func crash(svc *server.Service, allowed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !allowed {
			answer.Text(w, http.StatusNotFound, "404 page not found")
			return
		}
		svc.Log(r.Context()).Error("crashing, as asked")
		svc.Exit(exitKilled)
	}
}
