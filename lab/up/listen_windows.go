package up

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isAddressInUse reports the system's own error for a taken port.
func isAddressInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
