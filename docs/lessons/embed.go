// Package lessons embeds the lessons, so that a program can walk through them without a checkout.
package lessons

import "embed"

// Files holds the lessons, NN-name.md each.
//
//go:embed *.md
var Files embed.FS
