package browser

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe-core (MPL-2.0) finds violations of WCAG and of good practice. npm fetches it for the tests; it is not a part of Hopline.
const (
	axePackage   = "axe-core@4.14.1"
	axeIntegrity = "5j5ln5gG165b1AiZBDsIcaUGLFRCsBs/Gj7fXq9Qv1w6cQSnJGMpO0rRt3xmGg1OQOhQ3sid6dbs5wqME6mvFw==" // SHA-512 of its axe.min.js
)

// axeScript returns the script of axe-core: the file that AXE names, or that of the package, fetched once.
var axeScript = sync.OnceValues(func() (string, error) {
	file := os.Getenv("AXE")
	if file == "" {
		dir, err := os.MkdirTemp("", "hopline-axe-")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(dir)
		command := exec.Command("npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", axePackage)
		if text, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm install %s: %w\n%s", axePackage, err, text)
		}
		file = filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	}
	script, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if sum := sha512.Sum512(script); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		return "", fmt.Errorf("%s is not the axe.min.js of %s", file, axePackage)
	}
	return string(script), nil
})

// violation is one rule of axe-core that a page violates.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// axe fails for each violation that axe-core finds in the page. It skips the test if axe-core cannot be fetched.
func (p *tab) axe(state string) {
	p.t.Helper()
	script, err := axeScript()
	if err != nil {
		p.t.Skipf("no axe-core; name an axe.min.js of %s with AXE=path: %v", axePackage, err)
	}
	eval[any](p, script+"; null")
	text := eval[string](p, `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise)
	var violations []violation
	if err := json.Unmarshal([]byte(text), &violations); err != nil {
		p.t.Fatal(err)
	}
	for _, v := range violations {
		for _, n := range v.Nodes[:min(len(v.Nodes), 5)] {
			p.t.Errorf("%s: %s (%s):\n%.200s\n%s", state, v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// TestAxe checks each view of the console, wide and narrow, light and dark.
func TestAxe(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.call(5, "hops")
	bad := l.call(1, "hops", "x-fault-core", "error=100")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1920, 360} {
			p := consoleOf(t, l)
			p.scheme(scheme)
			p.size(width, 900)
			for _, view := range []string{"", "?lesson=", "?lesson=1", "?lesson=4", "time", "traces", "logs", "ask", "load", "trace/" + bad} {
				p.visit(l.console + view)
				p.until(`document.querySelector("#live").textContent === "Live"`)
				if strings.HasPrefix(view, "?lesson") {
					p.until(`document.querySelector("#lesson-body").children.length > 0`)
				}
				p.axe(fmt.Sprintf("/%s %s %d", strings.Replace(view, bad, "{id}", 1), scheme, width))
				p.shoot(fmt.Sprintf("view-%s-%s-%d", strings.TrimSuffix(view, "/"+bad), scheme, width))
			}
		}
	}
}
