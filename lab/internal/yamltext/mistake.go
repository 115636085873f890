package yamltext

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// lineNumber matches the line number in a parser's error.
var lineNumber = regexp.MustCompile(`^line (\d+): `)

// Reason returns a parser's error in one line.
func Reason(err error) string {
	message := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:")
	return strings.Join(strings.Fields(message), " ")
}

// Mistake returns a parser's error with its line, 0 if it has none. The parser reports the line where a block begins; if the
// indentation further down shows a more likely line, that one is returned.
func Mistake(content []byte, err error) (line int, reason string) {
	reason = Reason(err)
	m := lineNumber.FindStringSubmatch(reason)
	if m == nil {
		return 0, reason
	}
	line, _ = strconv.Atoi(m[1])
	reason = strings.TrimPrefix(reason, m[0])
	lines := strings.Split(string(content), "\n")
	switch {
	case strings.Contains(reason, "cannot start any token"):
		if at := tabbed(lines, line); at > 0 {
			return at, "a tab in the indentation: YAML wants spaces"
		}
	case strings.Contains(reason, "did not find expected '-' indicator"), strings.Contains(reason, "did not find expected key"):
		if at := misaligned(lines, line); at > 0 && at != line {
			return at, fmt.Sprintf("the indentation fits no block above it; the block that it breaks begins in line %d", line)
		}
	}
	return line, reason
}

// tabbed returns the line at or next to one that is indented with a tab; 0 if there is none.
func tabbed(lines []string, near int) int {
	for _, n := range []int{near, near + 1, near - 1} {
		if n < 1 || n > len(lines) {
			continue
		}
		text := lines[n-1]
		if strings.Contains(text[:len(text)-len(strings.TrimLeft(text, " \t-"))], "\t") {
			return n
		}
	}
	return 0
}

// misaligned returns the first line after a given one that ends blocks and begins in a column where no block begins; 0 if there is none.
func misaligned(lines []string, from int) int {
	var open []int // columns of the open blocks
	for i, text := range lines {
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		column := len(text) - len(trimmed)
		deeper := len(open) == 0 || column > open[len(open)-1]
		for len(open) > 0 && open[len(open)-1] > column {
			open = open[:len(open)-1]
		}
		known := len(open) > 0 && open[len(open)-1] == column
		if !deeper && !known && i+1 > from {
			return i + 1
		}
		if !known {
			open = append(open, column)
		}
		for strings.HasPrefix(trimmed, "- ") { // a list's element begins its own block
			rest := strings.TrimLeft(trimmed[1:], " ")
			column += len(trimmed) - len(rest)
			trimmed = rest
			open = append(open, column)
		}
	}
	return 0
}
