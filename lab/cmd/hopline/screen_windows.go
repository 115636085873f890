package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// understandsEscapes asks the console to obey escape sequences, as Windows 10 and later can.
func understandsEscapes(file *os.File) bool {
	handle := windows.Handle(file.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
