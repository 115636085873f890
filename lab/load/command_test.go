package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// parse parses a command line as hopline does.
func parse(t *testing.T, args ...string) (*Command, error) {
	t.Helper()
	var c Command
	parser, err := kong.New(&c, kong.Vars(Vars()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return &c, err
}

// run runs a load and returns its report.
func run(ctx context.Context, t *testing.T, args ...string) (*Report, error) {
	t.Helper()
	c, err := parse(t, append(args, "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = c.Execute(ctx, Output{Report: &out})
	var r Report
	if e := json.Unmarshal(out.Bytes(), &r); e != nil {
		t.Fatalf("no report: %v; %v\n%s", e, err, out.String())
	}
	return &r, err
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	if c.URL != DefaultURL || c.Rate != 50 || c.Duration != time.Minute || c.Method != http.MethodGet || c.KeepAlive || c.MaxInFlight != 1000 {
		t.Errorf("got %+v", c)
	}
}

func TestTheCommandLineOfTheManual(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "http://localhost:8080/x", "--rate", "50", "--duration", "600s", "-H", "x-dev-user: stressTest", "-H", "a: b, c",
		"--fail-if", "p99>250ms", "--fail-if", "errors>0.1%")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Header) != 2 || c.Header[1] != "a: b, c" || len(c.FailIf) != 2 || c.Duration != 10*time.Minute {
		t.Errorf("got %+v", c)
	}
}

func TestBadArgumentsAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "ftp://x", "--rate", "0.5", "--duration", "25h", "--ramp", "26h", "--requests=-1", "--timeout", "0s",
		"--max-in-flight", "0", "-X", "G E T", "-H", "no colon", "--fail-if", "p99=3")
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"URL \"ftp://x\"", "--rate 0.5", "--duration 25h", "--ramp 26h", "--requests -1", "--timeout 0s", "--max-in-flight 0", "--method \"G E T\"", "--header \"no colon\"", "--fail-if \"p99=3\""} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in: %v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "want "); n != 10 {
		t.Errorf("%d of 10 problems state what was wanted: %v", n, err)
	}
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := parse(t, "--rate", "100000", "--duration", "24h"); err == nil || !strings.Contains(err.Error(), "at most 50000000") {
		t.Errorf("got %v", err)
	}
}

func TestAnOverlayThatWasNamedMustLoad(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "--overlay", "testdata/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Execute(t.Context(), Output{}); err == nil || !strings.Contains(err.Error(), "no such overlay") {
		t.Errorf("got %v", err)
	}
}

func TestFailIf(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	r, err := run(t.Context(), t, server.URL, "--rate", "100", "--requests", "10", "--fail-if", "errors>0.1%", "--fail-if", "p50>1h")
	if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "errors is 100%") || strings.Contains(err.Error(), "p50") {
		t.Errorf("got %v", err)
	}
	if len(r.FailIf) != 2 || !r.FailIf[0].Holds || r.FailIf[1].Holds {
		t.Errorf("got %+v", r.FailIf)
	}
	if _, err := run(t.Context(), t, server.URL, "--rate", "100", "--requests", "10", "--fail-if", "p50>1h"); err != nil {
		t.Errorf("got %v", err)
	}
}
