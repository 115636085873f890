package e2e

import (
	"fmt"
	"strings"
)

func replace(text, old, new string) string { return strings.ReplaceAll(text, old, new) }

// contains says what of all these a text lacks.
func contains(text string, all ...string) error {
	for _, s := range all {
		if !strings.Contains(text, s) {
			return fmt.Errorf("%s is not in it", s)
		}
	}
	return nil
}
