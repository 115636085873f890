package console

import (
	"net/http"

	"github.com/hopline/hopline/pkg/guard"
)

// driving serves next, a handler that changes something or sends a request, except to pages of other origins.
func (c *Console) driving(next http.Handler) http.Handler { return guard.SameOrigin(next) }
