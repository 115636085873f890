package console

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// serveSeries returns the figures of the last 15 minutes, or those since a time: the begin of a bucket, milliseconds since 1970.
func (c *Console) serveSeries(w http.ResponseWriter, r *http.Request) {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms < 0 {
			writeError(w, http.StatusBadRequest, fmt.Errorf("since: want milliseconds since 1970, got %q", text))
			return
		}
		since = time.UnixMilli(ms)
	}
	writeJSON(w, c.source.Series().Read(time.Now(), since))
}
