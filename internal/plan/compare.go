package plan

import (
	"reflect"
	"slices"

	"usermanagement.dev/stack/internal/ack"
)

// comparison finds what a live object lacks of what is owned. The live object may hold more: what nobody asked for is not
// ours to judge. An explicit false or zero is not the same as nothing: ACK asks AWS about a switch that is not set.
type comparison struct {
	// rewritten are the fields that count as held in other forms too.
	rewritten map[string]ack.Same
}

// differences lists the dotted paths of owned values that the live value does not hold, sorted.
func (c comparison) differences(owned, live any, path string) []string {
	if same, ok := c.rewritten[path]; ok {
		if same(owned, live) {
			return nil
		}
		return []string{path}
	}
	var equal bool
	switch want := owned.(type) {
	case nil:
		equal = true // nothing is asked for
	case map[string]any:
		if have, ok := live.(map[string]any); ok {
			return c.mapDifferences(want, have, path)
		}
		equal = len(want) == 0 && live == nil // an empty one may be dropped on the way through ACK's types
	case []any:
		have, ok := live.([]any)
		equal = ok && sameElements(want, have) || len(want) == 0 && live == nil
	default:
		equal = sameScalar(owned, live)
	}
	if equal {
		return nil
	}
	return []string{path}
}

func (c comparison) mapDifferences(want, have map[string]any, path string) []string {
	var found []string
	for key, value := range want {
		at := key
		if path != "" {
			at = path + "." + key
		}
		found = append(found, c.differences(value, have[key], at)...)
	}
	slices.Sort(found)
	return found
}

// sameElements says whether each wanted element can be given one of its own that holds it, with none left over, in
// whatever order: several AWS services answer in their own.
func sameElements(want, have []any) bool {
	if len(want) != len(have) {
		return false
	}
	m := matching{want: want, have: have, givenTo: make([]int, len(have))}
	for j := range m.givenTo {
		m.givenTo[j] = -1
	}
	for i := range want {
		if !m.give(i, make([]bool, len(have))) {
			return false
		}
	}
	return true
}

// matching gives elements to each other. Since an element may hold several wanted ones, an earlier choice may have to
// move on for a later one: augmenting paths, after Kuhn.
type matching struct {
	want, have []any
	// givenTo is the wanted element that each one is given to, or -1.
	givenTo []int
}

// give gives the wanted element one that holds it, the one at its own place first.
func (m *matching) give(i int, tried []bool) bool {
	for k := range m.have {
		j := (i + k) % len(m.have)
		if tried[j] || len(comparison{}.differences(m.want[i], m.have[j], "")) > 0 {
			continue
		}
		tried[j] = true
		if m.givenTo[j] < 0 || m.give(m.givenTo[j], tried) {
			m.givenTo[j] = i
			return true
		}
	}
	return false
}

// sameScalar compares values that went through JSON on one side and through a Go struct on the other.
func sameScalar(want, have any) bool {
	if reflect.DeepEqual(want, have) {
		return true
	}
	w, isNumber := number(want)
	h, areNumbers := number(have)
	return isNumber && areNumbers && w == h
}

func number(value any) (float64, bool) {
	switch v := reflect.ValueOf(value); {
	case !v.IsValid():
		return 0, false
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	default:
		return 0, false
	}
}
