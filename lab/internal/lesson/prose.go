package lesson

import (
	"regexp"
	"strings"

	"github.com/hopline/hopline/lab/internal/tty"
)

// The width of prose in a terminal: as wide as the terminal, within these.
const (
	narrowest = 40
	widest    = 80
)

// pictureForm matches a picture on a line of its own.
var pictureForm = regexp.MustCompile(`^!\[([^]]*)\]\(([^)]*)\)$`)

// wrap breaks the paragraphs of prose into lines of at most width characters. Lines of lists, tables and blocks stay as they are. A picture
// becomes its description.
func wrap(lines []string, width int) []string {
	width = max(narrowest, min(widest, width))
	var out []string
	fenced := false
	var paragraph []string
	flush := func() {
		out = append(out, fill(paragraph, width)...)
		paragraph = nil
	}
	for _, line := range lines {
		line = pictureForm.ReplaceAllString(line, "(Picture: $1)") // a terminal shows none
		fence := strings.HasPrefix(line, "```")
		if fence || fenced || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") {
			flush()
			if fence {
				fenced = !fenced
				continue
			}
			if fenced {
				line = "    " + line
			}
			out = append(out, line)
			continue
		}
		if item(line) {
			flush()
		}
		paragraph = append(paragraph, line)
	}
	flush()
	return out
}

func item(line string) bool {
	trimmed := strings.TrimLeft(line, " ")
	return strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "* ")
}

// fill returns a paragraph in lines of at most width characters, unless a word is longer. Further lines of a list's item are indented.
func fill(paragraph []string, width int) []string {
	if len(paragraph) == 0 {
		return nil
	}
	indent := ""
	if item(paragraph[0]) {
		indent = "  "
	}
	return tty.Fold(strings.Join(paragraph, " "), width, "", indent)
}

// inline returns a line of Markdown for a terminal: code and strong words in a style, links as their text with the address.
func inline(line string, screen *tty.Screen) []tty.Part {
	var parts []tty.Part
	for i, text := range strings.Split(line, "`") {
		switch {
		case i%2 == 0:
			parts = append(parts, strong(text, screen)...)
		case screen.Colour:
			parts = append(parts, screen.Paint(tty.Cyan, text))
		default:
			parts = append(parts, tty.Text("`"+text+"`"))
		}
	}
	return parts
}

func strong(text string, screen *tty.Screen) []tty.Part {
	var parts []tty.Part
	for i, piece := range strings.Split(text, "**") {
		if i%2 == 1 {
			parts = append(parts, screen.Paint(tty.Bold, piece))
		} else {
			parts = append(parts, tty.Text(piece))
		}
	}
	return parts
}
