package relay

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/answer"
)

// longestHops limits the length in bytes of an upstream's response that a hop reads whole to put its own line before it.
const longestHops = 1 << 20

// Hops handles GET /hops: it requests /hops from the upstream and puts its own line first. A response other than 200, of the upstream or of
// this hop in its place, keeps its status and follows the line, so that the last line names the hop that failed.
func (u *Upstream) Hops(w http.ResponseWriter, r *http.Request) {
	accept := answer.TextType
	if wantsJSON(r) {
		accept = answer.JSONType
	}
	reply := u.Read(r, "/hops", accept)
	Respond(w, r, reply, reply.Hop.Line()+"\n"+reply.Body, reply.hops())
}

// Respond responds to GET /hops after reply: with lines, or as JSON with reply's hop before the hops of behind. It sends nothing to a
// caller that has disconnected.
func Respond(w http.ResponseWriter, r *http.Request, reply Reply, lines string, behind Hops) {
	if reply.Gone {
		return
	}
	PassUp(w.Header(), reply.Header)
	if !wantsJSON(r) {
		answer.Raw(w, reply.Code, "text/plain; charset=utf-8", lines)
		return
	}
	behind.TraceID = traceID(r.Context())
	behind.Hops = append([]Hop{reply.Hop}, behind.Hops...)
	answer.JSON(w, reply.Code, behind)
}

func wantsJSON(r *http.Request) bool { return answer.Prefers(r, answer.JSONType, answer.TextType) }

// Reply is an upstream's complete response, or this hop's own text in place of one.
type Reply struct {
	Hop    Hop
	Code   int         // the upstream's status, else 502 or 504
	Header http.Header // nil if there was no response
	Body   string      // the response body, or the line with the reason why there is none
	Gone   bool        // the caller has disconnected
}

// Read requests path from the upstream, in the media type accept, and reads at most 1 MiB of its response.
func (u *Upstream) Read(r *http.Request, path, accept string) Reply {
	began := time.Now()
	var reply Reply
	resp, err := u.Get(r.Context(), path, "Accept", accept)
	if err == nil {
		reply.Code, reply.Header = resp.StatusCode, resp.Header
		reply.Body, err = readAll(resp.Body)
		resp.Body.Close()
	}
	if err != nil {
		reply.Gone = r.Context().Err() != nil
		reply.Header = nil
		reply.Code, reply.Body = u.failure(err)
		reply.Body += "\n"
		if !reply.Gone {
			u.warn(r, err)
		}
	}
	reply.Hop = NewHop(u.client.tel.Identity, u.URL(path), time.Since(began), reply.Code)
	return reply
}

var errTooLong = errors.New("the response is longer than 1 MiB")

func readAll(body io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(body, longestHops+1))
	if err == nil && len(text) > longestHops {
		err = errTooLong
	}
	return string(text), err
}

// hops returns the reply as JSON: the hops behind this one, or an error if it is not a list of hops.
func (r Reply) hops() Hops {
	var h Hops
	err := json.Unmarshal([]byte(r.Body), &h)
	if err == nil && (h.Hops != nil || h.Time != nil || h.Error != "") {
		return h
	}
	return Hops{Error: strings.TrimSpace(strings.ToValidUTF8(r.Body, "�"))}
}
