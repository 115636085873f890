// Package usage marks the errors of what the user has given: an argument, a flag, or a file or an overlay that one of them names. A command
// that ends with such an error has exit code 2, and the lab's API responds to such a request with 400 or 422.
package usage

import (
	"errors"
	"fmt"
)

// mark is an error of what the user has given. It adds no text.
type mark struct{ error }

// Unwrap returns the error without its mark.
func (m mark) Unwrap() error { return m.error }

// Error marks an error; nil stays nil.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return mark{err}
}

// Errorf returns a marked error with the text of fmt.Errorf.
func Errorf(format string, args ...any) error { return mark{fmt.Errorf(format, args...)} }

// Is reports whether an error, or one that it wraps, is marked.
func Is(err error) bool { return errors.As(err, new(mark)) }
