//go:build unix

package main

import "os"

// understandsEscapes reports whether a terminal supports escape sequences: here all do.
func understandsEscapes(*os.File) bool { return true }
