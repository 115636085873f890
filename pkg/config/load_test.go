package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// sample has a setting of each type that the services use.
type sample struct {
	Port    int           `default:"8080" help:"Port to listen on." want:"a port number"`
	Rate    float64       `default:"0" help:"Per cent." want:"a number from 0 to 100"`
	Target  URL           `default:"http://core" help:"Where to go."`
	Delay   time.Duration `default:"3s" help:"How long." want:"a duration such as 3s"`
	Enabled bool          `default:"true" negatable:"" help:"Whether." want:"true or false"`
	Name    string        `default:"${service}" help:"Who."`
	Sampler string        `name:"otel-traces-sampler" default:"always_on" group:"More:" help:"How many."`
}

func (s *sample) Validate(r *Report) {
	Range(r, "PORT", s.Port, 0, 65535)
	Range(r, "RATE", s.Rate, 0, 100)
	if s.Name == "" {
		r.Add("NAME", s.Name, "a name")
	}
}

func load(t *testing.T, args, env []string) (s sample, exit int, done bool, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	_, err := Load(Source{Args: args, Env: env, Stdout: &out, Stderr: &errs, Vars: map[string]string{"service": "sample"}},
		Program{Name: "sample", Short: "Shows what settings look like."}, &s)
	if done = err != nil; done {
		exit = ExitCode(err)
	}
	return s, exit, done, out.String(), errs.String()
}

// TestLoad: a flag takes precedence over its variable, the variable over the default.
func TestLoad(t *testing.T) {
	t.Parallel()
	want := sample{8080, 0, mustURL(t, "http://core"), 3 * time.Second, true, "sample", "always_on"}
	for _, c := range []struct {
		name      string
		args, env []string
		with      func(*sample)
	}{
		{"defaults", nil, nil, func(*sample) {}},
		{"variables", nil, []string{"PORT=1", "TARGET=http://x:9/y", "ENABLED=false", "NAME=n", "DELAY=1m"}, func(s *sample) {
			s.Port, s.Target, s.Enabled, s.Name, s.Delay = 1, mustURL(t, "http://x:9/y"), false, "n", time.Minute
		}},
		{"flags", []string{"--port=2", "--rate", "0.5", "--no-enabled"}, []string{"PORT=1", "RATE=7"}, func(s *sample) { s.Port, s.Rate, s.Enabled = 2, 0.5, false }},
		{"the last entry of an environment holds", nil, []string{"PORT=1", "PORT=2"}, func(s *sample) { s.Port = 2 }},
		{"other variables", nil, []string{"PATH=/bin", "SAMPLE_PORT=7", "nonsense"}, func(*sample) {}},
		{"an empty variable of OpenTelemetry is none", nil, []string{"OTEL_TRACES_SAMPLER="}, func(*sample) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := want
			c.with(&want)
			got, exit, done, stdout, stderr := load(t, c.args, c.env)
			if done || exit != 0 || stdout+stderr != "" {
				t.Errorf("done %v with %d: %s%s", done, exit, stdout, stderr)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestProblems: all problems are reported together, each with variable, value and expected value; exit code 2.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		args, env []string
		want      string
	}{
		{"many", []string{"--delay=soon"}, []string{"PORT=abc", "RATE=101", "TARGET=https://core", "ENABLED=maybe", "NAME="}, `DELAY: want a duration such as 3s, got "soon"
PORT: want a port number, got "abc"
TARGET: want an http:// URL, as upstreams are plain HTTP and encryption is the mesh's task, got "https://core"
ENABLED: want true or false, got "maybe"
RATE: want a number from 0 to 100, got "101"
NAME: want a name, got ""
`},
		{"range", nil, []string{"PORT=65536"}, "PORT: want a number from 0 to 65535, got \"65536\"\n"},
		{"not a number at all", nil, []string{"RATE=NaN"}, "RATE: want a number from 0 to 100, got \"NaN\"\n"},
		{"line breaks stay inside", nil, []string{"PORT=1\n2"}, "PORT: want a port number, got \"1\\n2\"\n"},
		{"unknown flag and wrong variable", []string{"--prot=1"}, []string{"RATE=-1"}, `flags: want those of --help: unknown flag --prot, did you mean "--port"?, got "--prot=1"
RATE: want a number from 0 to 100, got "-1"
`},
		{"argument", []string{"serve"}, nil, "flags: want those of --help: unexpected argument serve, got \"serve\"\n"},
		{"flag without a value", []string{"--port"}, nil, "PORT: want a port number, got \"\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, exit, done, stdout, stderr := load(t, c.args, c.env)
			if exit != ExitUsage || !done || stdout != "" {
				t.Errorf("exit %d, done %v, stdout %q", exit, done, stdout)
			}
			if d := cmp.Diff(c.want, stderr); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestHelp compares the whole text; the exit code is 0 whatever the environment holds.
func TestHelp(t *testing.T) {
	t.Parallel()
	_, exit, done, stdout, stderr := load(t, []string{"--help"}, []string{"PORT=abc"})
	if exit != 0 || !done || stderr != "" {
		t.Errorf("exit %d, done %v, stderr %q", exit, done, stderr)
	}
	golden := filepath.Join("testdata", "help.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(stdout), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), stdout); d != "" {
		t.Errorf("(-want +got), -update writes it:\n%s", d)
	}
}

func mustURL(t *testing.T, text string) URL {
	t.Helper()
	u, err := ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestURL covers the valid and invalid addresses of an upstream.
func TestURL(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"http://core": true, "http://core:8080/a/b?c=d": true, "http://[::1]:80": true, "HTTP://core": true,
		"": false, "core": false, "http://": false, "http://:80": false, "https://core": false, "ftp://core": false, "http:core": false,
		"http://user:secret@core": false, "http://core#part": false, "http://core:port": false, "http://co re": false, "//core": false,
	} {
		u, err := ParseURL(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if back, _ := u.MarshalText(); ok && text != "HTTP://core" && string(back) != text {
			t.Errorf("%q came back as %q", text, back)
		}
	}
}
