package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/internal/shipped"
)

// tests runs the tests and then checks for leaked goroutines.
type tests struct{ *testing.M }

func (t tests) Run() int {
	code := t.M.Run()
	_ = os.RemoveAll(programsDir())
	if err := goleak.Find(); err != nil && code == 0 {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

// TestMain is also hopline itself, for the scripts and for tests that need a separate process.
func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"hopline": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			deploy := filepath.Join(env.WorkDir, "deploy")
			env.Setenv("DEPLOY", deploy)
			for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} { // where hopline keeps the overlays that it contains
				env.Setenv(name, filepath.Join(env.WorkDir, ".cache"))
			}
			for _, name := range []string{"INGRESS", "CONSOLE", "ZIPKIN", "OTLP"} { // any free port: a lab may run on this machine
				env.Setenv("HOPLINE_"+name+"_PORT", "0")
			}
			return shipped.Write(deploy)
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
