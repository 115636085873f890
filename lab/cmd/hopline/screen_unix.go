//go:build unix

package main

import "os"

// understandsEscapes reports whether a terminal obeys escape sequences: here they all do.
func understandsEscapes(*os.File) bool { return true }
