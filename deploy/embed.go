// Package deploy embeds the overlays, so that a program can run them without a checkout.
package deploy

import "embed"

// Files holds the directories base, components and overlays of this directory. The overlays refer to the other two.
//
//go:embed base components overlays
var Files embed.FS
