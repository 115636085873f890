package podlog

import (
	"fmt"
	"slices"
	"strings"
)

// Level is the severity of a line.
type Level uint8

// The levels, from the least severe to the most severe. NoLevel is the level of lines that are not JSON, or that name no known level.
const (
	NoLevel Level = iota
	Debug
	Info
	Warn
	Error
	Fatal
)

// levels holds the names of the levels in their order. zap's dpanic and panic count as fatal.
var levels = []string{"", "debug", "info", "warn", "error", "fatal"}

// ParseLevel returns the level with a name, which may be in upper case.
func ParseLevel(name string) (Level, error) {
	if i := slices.Index(levels[1:], strings.ToLower(name)); i >= 0 {
		return Level(i + 1), nil
	}
	return NoLevel, fmt.Errorf("level: want %s, got %q", strings.Join(levels[1:], ", "), name)
}

// levelOf returns the level of a JSON log line. It looks for the first field "level" instead of parsing the line: the services write it first.
func levelOf(text string) Level {
	if !strings.HasPrefix(text, "{") {
		return NoLevel
	}
	_, after, found := strings.Cut(text, `"level":"`)
	name, _, closed := strings.Cut(after[:min(len(after), 16)], `"`)
	if !found || !closed {
		return NoLevel
	}
	switch name = strings.ToLower(name); name {
	case "dpanic", "panic":
		return Fatal
	case "warning":
		return Warn
	}
	level, _ := ParseLevel(name) // an unknown name is no level
	return level
}
