package clock

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/services/clock/zone"
)

// zones returns the time of any zone, on the same paths as worldtimeapi.org.
type zones struct {
	database *zone.Database
	now      func() time.Time
}

func newZones(now func() time.Time) *zones {
	return &zones{database: zone.Open(), now: now}
}

// list handles GET /api/timezone: all names.
func (z *zones) list(w http.ResponseWriter, r *http.Request) {
	if wantsText(r) {
		answer.Text(w, http.StatusOK, strings.Join(z.database.Names(), "\n"))
		return
	}
	answer.JSON(w, http.StatusOK, z.database.Names())
}

// time handles GET /api/timezone/{name}, with or without a slash at the end.
func (z *zones) time(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(chi.URLParam(r, "*"), "/")
	if name == "" { // /api/timezone/
		z.list(w, r)
		return
	}
	// chi matches the path in its escaped form, and a client may write GMT+5 as GMT%2B5.
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	found, err := z.database.Zone(name)
	if err != nil {
		refuse(w, err)
		return
	}
	reading := found.At(z.now())
	reading.ClientIP = clientIP(r)
	if wantsText(r) {
		answer.Text(w, http.StatusOK, strings.TrimSuffix(reading.Text(), "\n"))
		return
	}
	answer.JSON(w, http.StatusOK, reading)
}

// refuse responds with the reason why there is no time: the name is not in the tz database, or the database is broken.
func refuse(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if errors.Is(err, zone.ErrUnknown) {
		code = http.StatusNotFound
	}
	answer.JSON(w, code, map[string]string{"error": err.Error() + "; GET /api/timezone lists all names"})
}

// clientIP returns the client's address: the first one that the proxies report, or else the connection's. The field is part of the API and
// must not be trusted.
func clientIP(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
	if address, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
		return address.WithZone("").Unmap().String()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func wantsText(r *http.Request) bool { return answer.Prefers(r, answer.TextType, answer.JSONType) }
