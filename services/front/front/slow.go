package front

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/codes"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/server"
)

// longestResponse limits what is read of core's one line, in bytes.
const longestResponse = 64 << 10

// slowPage waits for core's slow function, inside a span of its own. It passes an upstream's error on unchanged.
func slowPage(svc *server.Service, middle *relay.Upstream) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, span := svc.Telemetry.Tracer.Start(r.Context(), "slow-page-custom-span")
		defer span.End()
		r = r.WithContext(ctx)

		resp, err := middle.Get(ctx, "/slow-endpoint", "Accept", "text/plain")
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
			middle.Fail(w, r, err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			span.SetStatus(codes.Error, resp.Status)
			middle.Copy(w, r, resp)
			return
		}
		relay.PassUp(w.Header(), resp.Header)
		body, err := readLine(resp.Body)
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
			middle.Fail(w, r, err)
			return
		}
		answer.Text(w, http.StatusOK, "Response from core: "+body)
	}
}

// readLine returns the upstream's one line, without the newline.
func readLine(body io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(body, longestResponse+1))
	if err == nil && len(text) > longestResponse {
		err = fmt.Errorf("its response is longer than %d bytes", longestResponse)
	}
	return strings.TrimRight(string(text), "\r\n"), err
}
