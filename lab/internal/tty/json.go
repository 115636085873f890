package tty

import (
	"encoding/json"
	"io"
)

// WriteJSON writes a value as the commands print it for --json: indented, and with <, > and & as they are.
func WriteJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
