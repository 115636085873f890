// Package current asks the lab on this machine, if one runs, what it runs, and chooses the overlay that commands beside it read.
package current

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/bundle"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/workload"
)

// Lab is what a running lab says of itself at /pods: which overlay runs, its pods, and which of them get no requests from whom.
type Lab struct {
	Overlay   string // absolute directory
	Pods      []workload.Status
	Ejections []proxy.Ejection
}

// Choice is the overlay whose rules a command reads.
type Choice struct {
	Dir string // as it may be opened from here
	Why string // a line that says which it is: "rules of the lab at http://localhost:8090: overlay deploy/overlays/dev"
	Lab *Lab   // the lab that runs this overlay; nil for none
}

// Choose returns the overlay that the user named, as bundle.Find understands names, or else the one that the running lab has; without a
// lab, the default of bundle.Find. The lab is asked at a port of this machine, for at most a second.
func Choose(ctx context.Context, named string, consolePort int) (Choice, error) {
	lab, err := Ask(ctx, consolePort)
	url := "http://localhost:" + strconv.Itoa(consolePort)
	runs := err == nil && lab.Overlay != ""
	if runs && named == "" {
		return Choice{Dir: near(lab.Overlay), Why: fmt.Sprintf("rules of the lab at %s: overlay %s", url, near(lab.Overlay)), Lab: lab}, nil
	}
	found, err := bundle.Find(named)
	if err != nil {
		return Choice{}, err
	}
	if !runs {
		return Choice{Dir: found, Why: "no lab runs: overlay " + found}, nil
	}
	if dir, err := filepath.Abs(found); err == nil && dir == lab.Overlay {
		return Choice{Dir: found, Why: fmt.Sprintf("rules of overlay %s, which the lab at %s runs", found, url), Lab: lab}, nil
	}
	return Choice{Dir: found, Why: fmt.Sprintf("rules of overlay %s; the lab at %s runs %s", found, url, near(lab.Overlay))}, nil
}

// near is a directory as it is written from here, where it lies below.
func near(dir string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return dir
	}
	rel, err := filepath.Rel(here, dir)
	if err != nil || strings.HasPrefix(rel, "..") {
		return dir
	}
	return rel
}

// Ask asks the lab whose console has a port of this machine. The error is that of the connection where no lab runs.
func Ask(ctx context.Context, consolePort int) (*Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(consolePort)) + "/pods"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy: it is this machine
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	lab := new(Lab)
	return lab, json.NewDecoder(io.LimitReader(response.Body, 4<<20)).Decode(lab)
}
