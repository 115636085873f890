// Package current finds the lab that runs on this machine, if any, and chooses the overlay that other commands read.
package current

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
)

// Console is the flag of the commands that call a lab.
type Console struct {
	ConsolePort int `type:"port" default:"8090" env:"HOPLINE_CONSOLE_PORT" placeholder:"PORT" help:"Port of the lab's console (${default})."`
}

// Lab holds the response of a running lab at /pods: its overlay, its pods, and which pods get no requests from which callers.
type Lab struct {
	Overlay   string         // absolute directory
	Anybody   []string       // the files that the lab runs with stand-ins, absolute; nil for an overlay
	Edits     []overlay.Edit // temporary changes of the overlay's objects
	Pods      []workload.Status
	Ejections []proxy.Ejection
}

// Choice is the overlay whose rules a command reads.
type Choice struct {
	Dir string // a path that opens from the current directory
	Why string // a line that names the source: "rules of the lab at http://localhost:8090: overlay deploy/overlays/dev"
	Lab *Lab   // the lab that runs this overlay; nil for none
}

// Choose returns the overlay that the user named, with the names that bundle.Find accepts. Without a name it returns the running lab's
// overlay, and without a lab the default of bundle.Find. It queries the lab at a port of this machine, for at most one second.
func Choose(ctx context.Context, named string, consolePort int) (Choice, error) {
	lab, err := Ask(ctx, consolePort)
	url := "http://localhost:" + strconv.Itoa(consolePort)
	runs := err == nil && lab.Overlay != ""
	if runs && named == "" {
		dir := bundle.FromHere(lab.Overlay)
		return Choice{Dir: dir, Why: fmt.Sprintf("rules of the lab at %s: overlay %s%s", url, bundle.Shown(dir), lab.edited()), Lab: lab}, nil
	}
	found, err := bundle.Find(named)
	if err != nil {
		return Choice{}, err
	}
	if !runs {
		return Choice{Dir: found, Why: "no lab runs: overlay " + bundle.Shown(found)}, nil
	}
	if dir, err := filepath.Abs(found); err == nil && dir == lab.Overlay {
		return Choice{Dir: found, Why: fmt.Sprintf("rules of overlay %s, which the lab at %s runs%s", bundle.Shown(found), url, lab.edited()), Lab: lab}, nil
	}
	return Choice{Dir: found, Why: fmt.Sprintf("rules of overlay %s; the lab at %s runs %s", bundle.Shown(found), url, bundle.Shown(lab.Overlay))}, nil
}

// edited returns the end of a line that names the source of rules: that the lab has temporary changes, if it has any.
func (l *Lab) edited() string {
	if len(l.Edits) == 0 {
		return ""
	}
	return ", with the temporary changes of hopline drive"
}

// Load reads the overlay and makes its table, with the temporary changes of the lab that runs it. Its error is that of CannotRun, for the errors of
// mesh.Load, and is one of package usage.
func (c Choice) Load() (*overlay.Overlay, *mesh.Table, error) {
	o, table, err := c.load()
	if err == nil && c.Lab != nil && len(c.Lab.Edits) > 0 {
		o, table, err = mesh.Edit(o, c.Lab.Edits)
	}
	if err != nil {
		return nil, nil, usage.Error(CannotRun(bundle.Shown(c.Dir), err))
	}
	return o, table, nil
}

// CannotRun returns an error that states why an overlay does not run, with one line for each reason.
func CannotRun(name string, err error) error {
	return errors.New(name + " cannot run:\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
}

func (c Choice) load() (*overlay.Overlay, *mesh.Table, error) {
	if c.Lab == nil || c.Lab.Anybody == nil {
		return mesh.Load(c.Dir)
	}
	if slices.Contains(c.Lab.Anybody, stdin) {
		return nil, nil, errors.New("the lab has read its rules from standard input: name the files that they are from")
	}
	return mesh.LoadLenient(c.Lab.Anybody, nil, func(string) bool { return false })
}

// stdin is the name of standard input among the files of a lab.
const stdin = "-"

// Ask queries the lab whose console has a port of this machine. If no lab runs, the error states that.
func Ask(ctx context.Context, consolePort int) (*Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	response, err := Get(ctx, consolePort, "/pods")
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Request.URL, response.Status)
	}
	lab := new(Lab)
	decoder := json.NewDecoder(io.LimitReader(response.Body, 4<<20))
	decoder.UseNumber() // for the values of edits
	return lab, decoder.Decode(lab)
}

// Get requests a path of the lab whose console has a port of this machine, and returns any response. If no lab runs, the error states that.
// The caller must close the body.
func Get(ctx context.Context, consolePort int, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address(consolePort)+path, nil)
	if err != nil {
		return nil, err
	}
	return do(request)
}

// do sends a request to a lab. If nothing listens there, the error names the address and the command that starts a lab.
func do(request *http.Request) (*http.Response, error) {
	response, err := client.Do(request)
	var failed *url.Error
	if !errors.As(err, &failed) {
		return response, err
	}
	why := failed.Err
	if code := syscall.Errno(0); errors.As(why, &code) { // without the address, which the message has, and the name of the system call
		why = code
	}
	return nil, fmt.Errorf("no lab at http://%s: %w; hopline up starts one, --console-port names another port", request.URL.Host, why)
}

// client calls labs. It uses no proxy of the environment, because a lab is on this machine, and keeps no connection to one that may end.
var client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// address returns the URL of the lab whose console has a port of this machine.
func address(consolePort int) string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(consolePort))
}
