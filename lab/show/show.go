// Package show implements `hopline status`, `hopline series` and `hopline trace`: it prints the state, the figures of the last minutes and the
// traces of the running lab, as the console's API has them.
package show

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
)

// printJSON prints the response of the API of the running lab to a GET request.
func printJSON(ctx context.Context, port int, path string, out io.Writer) error {
	var response json.RawMessage
	if err := current.Call(ctx, port, http.MethodGet, path, nil, &response); err != nil {
		return err
	}
	return tty.WriteJSON(out, response)
}

// duration returns microseconds in their best unit: "2.03 s", "14 ms", "1.4 ms", "310 µs".
func duration(microseconds int64) string {
	d := time.Duration(microseconds) * time.Microsecond
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(microseconds)/1e3)
	}
	return fmt.Sprintf("%d µs", microseconds)
}

// percent returns a share from 0 to 1 as a percentage, with one decimal place below 10 %.
func percent(share float64) string {
	places := 0
	if share > 0 && share < 0.1 {
		places = 1
	}
	return strconv.FormatFloat(100*share, 'f', places, 64) + " %"
}

// joined returns the parts that are not empty, separated by two spaces.
func joined(parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return strings.Join(there, "  ")
}
