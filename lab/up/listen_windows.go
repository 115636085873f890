package up

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isAddressInUse reports whether the error is the system's own for a port in use.
func isAddressInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
