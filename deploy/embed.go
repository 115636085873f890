// Package deploy carries the overlays, so that a program can run them where there is no checkout.
package deploy

import "embed"

// Files holds the directories base, components and overlays as they stand in this folder. The overlays refer to the other two.
//
//go:embed base components overlays
var Files embed.FS
