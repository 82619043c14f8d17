package acksim

import "reflect"

// mergePatch is the JSON merge patch (RFC 7386) that turns from into to; empty if they are equal.
func mergePatch(from, to tree) tree {
	patch := tree{}
	for key, old := range from {
		value, kept := to[key]
		switch {
		case !kept:
			patch[key] = nil
		case reflect.DeepEqual(old, value):
		default:
			a, aok := old.(tree)
			b, bok := value.(tree)
			if aok && bok {
				patch[key] = mergePatch(a, b)
			} else {
				patch[key] = value
			}
		}
	}
	for key, value := range to {
		if _, known := from[key]; !known {
			patch[key] = value
		}
	}
	return patch
}
