//go:build !race

package main

import "time"

// aSecond is what "within a second" means.
const aSecond = time.Second
