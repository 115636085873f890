package cases

import (
	"fmt"
	"io"
	"strings"
)

// annotate writes a workflow command of GitHub Actions for each failed case, and with coverage for each rule that no case takes, so that they
// are shown beside the lines.
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message)
func (r *Report) annotate(out io.Writer) error {
	for i := range r.Results {
		if result := &r.Results[i]; len(result.Failures) > 0 {
			if err := command(out, "error", result.File, result.Line, result.Name, strings.Join(result.Failures, "\n")); err != nil {
				return err
			}
		}
	}
	if !r.ShowCoverage {
		return nil
	}
	for _, m := range r.Coverage.Missed {
		if err := command(out, "notice", m.File, m.Line, m.Object, "no case takes the rule "+m.Rule); err != nil {
			return err
		}
	}
	return nil
}

// Escapes of workflow commands: of a message, and of a property.
var (
	inMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	inProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func command(out io.Writer, level, file string, line int, title, message string) error {
	place := ""
	if file != "" {
		place = fmt.Sprintf("file=%s,line=%d,", inProperty.Replace(file), max(1, line))
	}
	_, err := fmt.Fprintf(out, "::%s %stitle=%s::%s\n", level, place, inProperty.Replace(title), inMessage.Replace(message))
	return err
}
