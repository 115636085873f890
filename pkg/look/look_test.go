package look

import (
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPage(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"web/page.css":   {Data: []byte("body { max-width: 1px; }")},
		"web/a.js":       {Data: []byte("const a = 1;\n")},
		"web/b.js":       {Data: []byte("const b = a;\n")},
		"web/index.html": {Data: []byte("<style>{{.Style}}</style><script type=module>{{.Script}}</script>{{.Name}}")},
	}
	page := New(files, "page.css", "a.js", "b.js")
	document := Render(Template(files, "index.html"), struct {
		Page
		Name string
	}{page, "<b>"})
	for _, want := range []string{"--ground:", "body { max-width: 1px; }</style>", "function versionBadge", "const a = 1;\nconst b = a;\n</script>", "&lt;b&gt;"} {
		if !strings.Contains(document, want) {
			t.Errorf("the document lacks %q", want)
		}
	}
	// The policy fits the document: its hashes are those of the document's style and script.
	style := between(document, "<style>", "</style>")
	script := between(document, "<script type=module>", "</script>")
	for _, want := range []string{"style-src 'sha256-" + Digest(style) + "'", "script-src 'sha256-" + Digest(script) + "'", "default-src 'none'"} {
		if !strings.Contains(page.Policy(), want) {
			t.Errorf("the policy is %s, want %s in it", page.Policy(), want)
		}
	}
	if !strings.HasPrefix(string(page.Icon), "data:image/svg+xml;base64,") {
		t.Errorf("the icon is %.40s", page.Icon)
	}
}

func between(text, begin, end string) string {
	_, text, _ = strings.Cut(text, begin)
	text, _, _ = strings.Cut(text, end)
	return text
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a page without its style was created")
		}
	}()
	New(fstest.MapFS{}, "page.css")
}
