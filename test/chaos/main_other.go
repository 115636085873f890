//go:build !linux

// Command chaos injects failures into the suite under load. It needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "chaos: it needs Linux: it reads /proc and writes to /dev/full")
	os.Exit(1)
}
