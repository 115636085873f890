package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hopline/hopline/lab/internal/tty"
)

// TestExitCodes checks that every command ends with 2 if the user has given something wrong, and with 1 if there is no lab; and that the message
// begins with what it is about.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing, file := filepath.Join(dir, "missing"), filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	inUse := "--ingress-port=" + portOf("http://"+taken.Addr().String())
	const noLab = `no lab at http://127\.0\.0\.1:1: [^:]+; hopline up starts one`
	absent := regexp.QuoteMeta(missing)
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, `want one overlay, got 2`, []string{"up", "a", "b"}},
		{2, absent + ` cannot run:\n  ` + absent + `: no such overlay`, []string{"up", missing}},
		{2, `--bin ` + absent + `: want a directory with programs, got none\n$`, []string{"up", "--bin", missing}},
		{2, `--bin .*file: want a directory with programs, got a file\n$`, []string{"up", "--bin", file}},
		{2, `--zipkin: want a URL such as http://localhost:9412, got "x"\n$`, []string{"up", "--zipkin", "x"}},
		{2, `--listen x: want an address of this machine`, []string{"up", "--listen", "x"}},
		{2, `--ingress-port: want a port from 0 to 65535, got "99999"`, []string{"up", "--ingress-port=99999"}},
		{2, `--program: want IMAGE=COMMAND`, []string{"up", "--program", "x"}},
		{2, `--stand-in: want files`, []string{"up", "--stand-in"}},
		{2, absent + ` cannot run:\n  ` + absent + `: .*\nport \d+ on 127\.0\.0\.1, for the ingress gateway: already in use`, []string{"up", inUse, missing}},
		{2, absent + ` cannot run:`, []string{"explain", "GET", "http://x", "--overlay", missing}},
		{2, absent + `: `, []string{"test", missing}},
		{2, absent + `: `, []string{"diff", missing, missing}},
		{2, absent + `: `, []string{"convert", missing}},
		{2, absent + `: `, []string{"lint", missing}},
		{2, `--overlay: ` + absent + ` cannot run:`, []string{"load", "--overlay", missing}},
		{2, `load: --html ` + regexp.QuoteMeta(filepath.Join(missing, "a")) + `: `, []string{"load", "--html", filepath.Join(missing, "a"), "--overlay", ""}},
		{2, absent + `: `, []string{"what-if", missing}},
		{2, absent + `: `, []string{"curl", "http://middle", "-d", "@" + missing}},
		{2, `trace: --json: want one trace, got two`, []string{"trace", "a", "b", "--json"}},
		{2, `.*faults.*: want --errors, --drops or --latency`, []string{"drive", "faults", "core-prod"}},
		{2, `.*fault.*: want --abort, --delay, or both, or --none`, []string{"drive", "fault", "middle"}},
		{2, `retries: want a number or none, got "x"`, []string{"drive", "retries", "middle", "x"}},
		{2, file + `: not a directory`, []string{"init", file}},
		{2, regexp.QuoteMeta(dir) + `: want a new or empty directory`, []string{"init", dir}},
		{2, `lesson: want a number`, []string{"lesson", "999"}},
		{2, `--from .*: want a directory with lessons, got one without`, []string{"lesson", "--from", dir, "1"}},
		{2, `--from .*: want a directory with lessons, got one without`, []string{"lesson", "--from", dir}},
		{2, `no command nothing`, []string{"help", "nothing"}},
		{2, `--console-port: want a port from 0 to 65535, got "x"`, []string{"status", "--console-port=x"}},
		{1, noLab, []string{"status", "--console-port=1"}},
		{2, `series: --last: want 5s to 15m, got 1h`, []string{"series", "--last=1h"}},
		{1, noLab, []string{"series", "--console-port=1"}},
		{1, noLab, []string{"trace", "--console-port=1"}},
		{1, noLab, []string{"logs", "--console-port=1"}},
		{1, noLab, []string{"drive", "list", "--console-port=1"}},
		{1, noLab, []string{"drive", "heal", "core-prod", "--console-port=1"}},
		{1, noLab, []string{"curl", "http://middle", "--console-port=1"}},
		{1, noLab, []string{"what-if", file, "--console-port=1"}},
	} {
		var out, problem bytes.Buffer
		code := run(program{stop: t.Context(), now: t.Context(), args: c.args, out: tty.New(&out), err: tty.New(&problem)})
		if code != c.code || out.Len() > 0 || !regexp.MustCompile(`^hopline: `+c.want).MatchString(problem.String()) {
			t.Errorf("hopline %q: exit code %d, %q and %q; want %d and %s", c.args, code, &out, &problem, c.code, c.want)
		}
	}
}
