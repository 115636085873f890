package console

import (
	"net/http"

	"github.com/hopline/hopline/lab/gatewayapi"
)

// serveConditions responds with the status of the running Gateways and HTTPRoutes of the Gateway API: {"conditions": […]}. It changes only with
// the edition, so that it is not part of the state.
func (c *Console) serveConditions(w http.ResponseWriter, _ *http.Request) {
	of, _, err := c.rules()
	if err != nil {
		writeError(w, http.StatusServiceUnavailable, err)
		return
	}
	writeJSON(w, map[string][]gatewayapi.Condition{"conditions": of.Table.Conditions()})
}
