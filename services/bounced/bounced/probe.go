package bounced

import (
	"net/http"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/guard"
	"github.com/hopline/hopline/pkg/server"
)

// health handles GET /health, regardless of faults.
func health(w http.ResponseWriter, _ *http.Request) { answer.Text(w, http.StatusOK, "Status OK") }

// sameOrigin rejects requests that a browser sends for a page of another origin: otherwise any page could end the process, or make it call
// an endpoint.
func sameOrigin(next http.HandlerFunc) http.HandlerFunc { return guard.SameOrigin(next).ServeHTTP }

// exitKilled is a shell's exit code for a process killed by SIGKILL, as by the kernel when memory runs out.
const exitKilled = 137

// crash handles GET /crash: it ends the process immediately, or returns 404 if it is not allowed.
func crash(svc *server.Service, allowed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !allowed {
			answer.Text(w, http.StatusNotFound, "404 page not found")
			return
		}
		svc.Log(r.Context()).Error("crashing, as requested")
		svc.Exit(exitKilled)
	}
}
