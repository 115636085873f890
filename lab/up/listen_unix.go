//go:build unix

package up

import (
	"errors"
	"syscall"
)

// isAddressInUse reports whether the error is the system's own for a port in use.
func isAddressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
