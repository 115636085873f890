package console

import (
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"

	"github.com/hopline/hopline/lab/drive"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/lesson"
	"github.com/hopline/hopline/pkg/guard"
)

// Driving configures who may change the lab or send requests through it.
type Driving struct {
	Changes *drive.Drive  // the temporary changes; nil: there are none
	Lessons *lesson.Guide // nil: there are none
	Token   string        // that each such request carries in current.TokenHeader; the page has it
	Off     string        // why nobody may; empty if driving is allowed
	Remote  bool          // also from other machines
}

// DrivingState holds what a page shows of Driving.
type DrivingState struct {
	Allowed bool   `json:"allowed"`
	Why     string `json:"why"` // it is not; empty if it is
}

// driving serves next, a handler that changes something or sends a request, if the request is from this machine, not from a page of another
// origin, and carries the token. Any other request gets 403.
func (c *Console) driving(next http.Handler) http.Handler {
	return guard.SameOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.mayDrive(r); err != nil {
			writeError(w, http.StatusForbidden, err)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// mayDrive returns why a request may not change anything, or nil.
func (c *Console) mayDrive(r *http.Request) error {
	d := &c.drives
	switch token := r.Header.Get(current.TokenHeader); {
	case d.Off != "":
		return errors.New(d.Off)
	case !d.Remote && !fromLoopback(r.RemoteAddr):
		return errors.New("want a request from this machine, got one from " + r.RemoteAddr)
	case token == "":
		return errors.New(current.TokenHeader + ": want the token of this lab, got none")
	case d.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(d.Token)) != 1:
		return errors.New(current.TokenHeader + ": want the token of this lab, got another: reload the page")
	}
	return nil
}

// fromLoopback reports whether a peer's address is one of this machine only.
func fromLoopback(peer string) bool {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// addDriving registers the API of the temporary changes.
func (c *Console) addDriving(mux *http.ServeMux) {
	if c.drives.Changes == nil {
		return
	}
	api := c.drives.Changes.API()
	for _, path := range []string{"/api/changes", "/api/changes/"} {
		mux.Handle("GET "+path, api)
		mux.Handle("POST "+path, c.driving(api))
		mux.Handle("DELETE "+path, c.driving(api))
	}
	for _, path := range []string{"/api/overlays", "/api/rule", "/api/faults"} {
		mux.Handle("GET "+path, api)
	}
}

// changes returns the temporary changes.
func (c *Console) changes() []drive.Change {
	if c.drives.Changes == nil {
		return []drive.Change{}
	}
	return c.drives.Changes.Changes()
}
