package tty

import (
	"os"

	"golang.org/x/sys/windows"
)

// understandsEscapes enables escape sequences in the console, which Windows 10 and later support, and reports whether that succeeded.
func understandsEscapes(file *os.File) bool {
	handle := windows.Handle(file.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
