package lesson

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	markdownparser "github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// pagesURL is where the pages are that lessons link to: "../load.md" is below it.
const pagesURL = "https://github.com/hopline/hopline/blob/main/docs/lessons/"

// markdown renders prose. It leaves out HTML that is in the prose.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table),
	goldmark.WithParserOptions(markdownparser.WithASTTransformers(util.Prioritized(links{}, 0))),
)

// html returns prose as HTML that is safe to show in a page. A picture becomes a link to it: no program contains the pictures.
func html(lines []string) string {
	var prose strings.Builder
	for _, line := range lines {
		prose.WriteString(pictureForm.ReplaceAllString(line, "[Picture: $1]($2)") + "\n")
	}
	var out bytes.Buffer
	if err := markdown.Convert([]byte(prose.String()), &out); err != nil {
		panic(err) // a bytes.Buffer accepts everything that is written
	}
	return strings.TrimSpace(out.String())
}

// inlineHTML returns one line of prose as HTML without a paragraph around it.
func inlineHTML(line string) string {
	return strings.TrimSuffix(strings.TrimPrefix(html([]string{line}), "<p>"), "</p>")
}

// links changes the links of prose so that they open the pages in a new window.
type links struct{}

func (links) Transform(document *ast.Document, _ text.Reader, _ markdownparser.Context) {
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		if target := string(link.Destination); !strings.Contains(target, "://") {
			link.Destination = []byte(pagesURL + target)
		}
		link.SetAttributeString("target", "_blank")
		link.SetAttributeString("rel", "noopener noreferrer")
		return ast.WalkContinue, nil
	})
}
