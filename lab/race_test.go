//go:build race

package main

import "time"

// aSecond is what "within a second" comes to with the race detector, which makes rendering and everything else several times slower.
const aSecond = 8 * time.Second
