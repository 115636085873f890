package proxy

import "math/rand/v2"

// random is 64 random bits for choices, not for secrets.
func random() uint64 { return rand.Uint64() }
