package yamltext

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// JSON converts decoded YAML to a JSON value, with json.Number for numbers, so that no digits are lost. It changes mappings and lists in
// place.
func JSON(decoded any) (any, error) {
	switch v := decoded.(type) {
	case nil, bool:
		return v, nil
	case int:
		return json.Number(strconv.Itoa(v)), nil
	case string:
		if utf8.ValidString(v) {
			return v, nil
		}
	case []any:
		for i, e := range v {
			var err error
			if v[i], err = JSON(e); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		for key, e := range v {
			var err error
			if v[key], err = JSON(e); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	return throughJSON(decoded)
}

// throughJSON converts a value that JSON has no type for, such as a time, as encoding/json does.
func throughJSON(decoded any) (v any, err error) {
	encoded, err := json.Marshal(decoded)
	if err != nil {
		return nil, errors.New("want strings as the keys of mappings, and finite numbers")
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// Equal reports whether two JSON values are equal.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, Equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	}
	_, isMap := b.(map[string]any)
	_, isList := b.([]any)
	return !isMap && !isList && a == b
}
