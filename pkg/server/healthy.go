package server

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/pkg/config"
)

// checkHealth implements --healthy: a health check for a container whose image holds only the service.
func checkHealth(p Process, c *Config) error {
	host := cmp.Or(c.ListenHost, "127.0.0.1")
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	resp, err := client.Get("http://" + net.JoinHostPort(host, strconv.Itoa(c.AdminPort)) + "/readyz")
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return config.ExitError{Code: ExitFailure}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		fmt.Fprintf(p.Stderr, "%s: %s\n", resp.Status, strings.TrimSpace(string(reason)))
		return config.ExitError{Code: ExitFailure}
	}
	return config.ExitError{Code: 0}
}
