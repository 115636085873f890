//go:build unix

package up

import (
	"errors"
	"syscall"
)

// isAddressInUse reports the system's own error for a taken port.
func isAddressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
