// Package actions writes annotations of GitHub Actions, which are shown beside lines of files.
package actions

import (
	"fmt"
	"io"
	"strings"
)

// Level is the importance of an annotation.
type Level string

// The levels.
const (
	Error  Level = "error"
	Notice Level = "notice"
)

// Annotate writes the workflow command of an annotation. It belongs to no file if file is empty; a line below 1 counts as 1.
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message)
func Annotate(out io.Writer, level Level, file string, line int, title, message string) error {
	place := ""
	if file != "" {
		place = fmt.Sprintf("file=%s,line=%d,", inProperty.Replace(file), max(1, line))
	}
	_, err := fmt.Fprintf(out, "::%s %stitle=%s::%s\n", level, place, inProperty.Replace(title), inMessage.Replace(message))
	return err
}

// Escapes of workflow commands: of a message, and of a property.
var (
	inMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	inProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
