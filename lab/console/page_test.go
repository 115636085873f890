package console

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestPolicy computes the hashes of the scripts and styles in the document: only what the policy names may run.
func TestPolicy(t *testing.T) {
	t.Parallel()
	p := newPage("a-lab", "a-token")
	for _, element := range []struct{ pattern, directive string }{
		{`(?s)<style>(.*?)</style>`, "style-src"},
		{`(?s)<script type="module">(.*?)</script>`, "script-src"},
	} {
		found := regexp.MustCompile(element.pattern).FindAllSubmatch(p.document, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements match %s, want 1", len(found), element.pattern)
		}
		sum := sha256.Sum256(found[0][1])
		want := element.directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !strings.Contains(p.policy, want+";") {
			t.Errorf("the policy lacks %s: %s", want, p.policy)
		}
	}
	if strings.Contains(p.policy, "unsafe") || !strings.HasPrefix(p.policy, "default-src 'none'") {
		t.Errorf("the policy is not strict: %s", p.policy)
	}
}

// TestWhole checks that every style and script is in the page, and the token, and that nothing is loaded from elsewhere.
func TestWhole(t *testing.T) {
	t.Parallel()
	document := string(newPage("a-lab", "a-token").document)
	all, err := fs.Glob(web, "web/*.[jc]s*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if text, err := fs.ReadFile(web, file); err != nil || !strings.Contains(document, string(text)) {
			t.Errorf("%s is not in the page, %v", file, err)
		}
	}
	if !strings.Contains(document, `<meta name="hopline-token" content="a-token">`) {
		t.Error("the page does not have the token")
	}
	for _, link := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(document, -1) {
		if target := link[1]; !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "#") && !strings.HasPrefix(target, "data:") {
			t.Errorf("%s leads elsewhere", link[0])
		}
	}
}

// declared matches the begin of a declaration at the top level of a script, with the declared name.
var declared = regexp.MustCompile(`(?m)^(?:(?:async )?function\*?|let|const|class) ([A-Za-z_$][\w$]*)`)

// TestOneScope checks that no two scripts of the page declare the same name: they are one module, which would not run at all.
func TestOneScope(t *testing.T) {
	t.Parallel()
	script := regexp.MustCompile(`(?s)<script type="module">(.*?)</script>`).FindSubmatch(newPage("a-lab", "a-token").document)
	seen := map[string]bool{}
	for _, name := range declared.FindAllSubmatch(script[1], -1) {
		if seen[string(name[1])] {
			t.Errorf("%s is declared twice", name[1])
		}
		seen[string(name[1])] = true
	}
	if !seen["byId"] || !seen["showLesson"] || len(seen) < 100 {
		t.Errorf("found %d names, want at least 100, and those of the shared script and of the last view", len(seen))
	}
}
