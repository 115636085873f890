//go:build !linux

// Chaos breaks the suite under load. It needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "chaos: it needs Linux: it reads /proc and writes to /dev/full")
	os.Exit(1)
}
