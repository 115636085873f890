// Package browser tests the pages of the suite in a real Chromium: what people see, by mouse and by keyboard, wide and narrow, light and
// dark, and when something fails.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// browser is the context of the one Chromium that all tests share; each test has its own tab. bin is the directory of the suite's binaries.
var (
	browser context.Context
	bin     string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	path := chromium()
	if path == "" {
		fmt.Println("SKIP: no Chromium found; install the package chromium, or name one with CHROMIUM=path")
		return 0
	}
	dir, err := os.MkdirTemp("", "hopline-browser-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	if bin, err = build(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	var cancel context.CancelFunc
	browser, cancel = chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	))
	defer cancel()
	if err := chromedp.Do(browser); err != nil { // starts it
		fmt.Println("Chromium does not start:", err)
		return 1
	}
	return m.Run()
}

// chromium returns the path of a browser, or an empty string.
func chromium() string {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if named := os.Getenv("CHROMIUM"); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// build builds the binaries of the services and of the lab, as the workspace does.
func build(dir string) (string, error) {
	bin := filepath.Join(dir, "bin") + string(filepath.Separator)
	command := exec.Command("go", "build", "-o", bin, "./services/front", "./services/middle", "./services/core", "./services/clock", "./services/bounced", "./lab/cmd/hopline")
	command.Dir = filepath.Join("..", "..")
	command.Env = append(os.Environ(), "GOWORK=")
	if text, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return bin, nil
}
