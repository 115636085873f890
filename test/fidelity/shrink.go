package fidelity

// shrink makes an object smaller, step by step, as long as it still fails: it removes keys of maps and items of lists, the outermost first,
// until nothing more can be removed or the steps run out.
func shrink(o object, steps int, fails func(object) bool) object {
	for smaller := true; smaller && steps > 0; {
		smaller = false
		for _, cut := range cuts(o) {
			if steps--; steps < 0 {
				break
			}
			if candidate := cut().(object); fails(candidate) {
				o, smaller = candidate, true
				break
			}
		}
	}
	return o
}

// cuts returns the ways to make a value smaller by one key or item.
func cuts(v any) []func() any {
	var ways []func() any
	switch v := v.(type) {
	case object:
		for key := range v {
			ways = append(ways, func() any { return without(v, key) })
		}
		for key, child := range v {
			for _, cut := range cuts(child) {
				ways = append(ways, func() any {
					c := without(v, key)
					c[key] = cut()
					return c
				})
			}
		}
	case []any:
		for i := range v {
			ways = append(ways, func() any { return append(append([]any{}, v[:i]...), v[i+1:]...) })
		}
		for i, child := range v {
			for _, cut := range cuts(child) {
				ways = append(ways, func() any {
					c := append([]any{}, v...)
					c[i] = cut()
					return c
				})
			}
		}
	}
	return ways
}

func without(o object, key string) object {
	c := object{}
	for k, v := range o {
		if k != key {
			c[k] = v
		}
	}
	return c
}
