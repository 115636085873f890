package cases

import (
	"io"
	"strings"

	"github.com/hopline/hopline/lab/internal/actions"
)

// annotate writes an annotation of GitHub Actions for each failed case, and with coverage for each rule that no case covers.
func (r *Report) annotate(out io.Writer) error {
	for i := range r.Results {
		if result := &r.Results[i]; len(result.Failures) > 0 {
			if err := actions.Annotate(out, actions.Error, result.File, result.Line, result.Name, strings.Join(result.Failures, "\n")); err != nil {
				return err
			}
		}
	}
	if !r.ShowCoverage {
		return nil
	}
	for _, m := range r.Coverage.Missed {
		if err := actions.Annotate(out, actions.Notice, m.File, m.Line, m.Object, "no case covers the rule "+m.Rule); err != nil {
			return err
		}
	}
	return nil
}
