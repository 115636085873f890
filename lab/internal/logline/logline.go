// Package logline parses the JSON log lines of the suite.
package logline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is a log line. A field that the line does not have is empty.
type Line struct {
	Time    time.Time
	Level   string // in lower case: "info"
	Service string
	Version string
	Span    string
	Message string
	Fields  []Field // all others but the caller, sorted by name
}

// Field is one field of a line, with its value as text: quoted if its end would be ambiguous otherwise.
type Field struct{ Name, Value string }

// own lists the fields that Line has in its own fields, or leaves out.
var own = []string{"ts", "level", "msg", "service", "version", "caller", "span_id"}

// Parse parses a line. ok is false for a line that is not one JSON object.
func Parse(text string) (l Line, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // as written in the line: 1048576, not 1.048576e+06
	var fields map[string]any
	if decoder.Decode(&fields) != nil || fields == nil || decoder.More() {
		return Line{}, false
	}
	named := func(name string) string {
		if value, there := fields[name]; there {
			return fmt.Sprint(value)
		}
		return ""
	}
	l = Line{Level: strings.ToLower(named("level")), Service: named("service"), Version: named("version"), Span: named("span_id"), Message: named("msg")}
	if at, err := time.Parse(time.RFC3339Nano, named("ts")); err == nil {
		l.Time = at
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(own, name) {
			l.Fields = append(l.Fields, Field{name, valueText(fields[name])})
		}
	}
	return l, true
}

// Join returns fields as text, "code=500 route=/hops", without those of some names.
func Join(fields []Field, without ...string) string {
	var parts []string
	for _, f := range fields {
		if !slices.Contains(without, f.Name) {
			parts = append(parts, f.Name+"="+f.Value)
		}
	}
	return strings.Join(parts, " ")
}

func valueText(value any) string {
	switch v := value.(type) {
	case string:
		if v == "" || strings.ContainsAny(v, " \t\"=") {
			return strconv.Quote(v)
		}
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
