package acksim

import (
	"encoding/json"
	"reflect"
	"slices"
)

// comparison is one field of spec that the controller compares with AWS.
type comparison struct {
	field string
	// differ compares; nil means plain comparison, where an unset field differs from any value.
	differ func(desired, latest any) bool
}

// delta lists the fields of spec that differ from AWS.
type delta map[string]bool

func (d delta) has(field string) bool { return d[field] }

// beyond reports whether other fields than these differ.
func (d delta) beyond(fields ...string) bool {
	for field := range d {
		if !slices.Contains(fields, field) {
			return true
		}
	}
	return false
}

func (k *kind) difference(desired, latest *object) delta {
	d := delta{}
	for _, c := range k.compared {
		a, b := get(desired.spec(), c.field), get(latest.spec(), c.field)
		differ := c.differ
		if differ == nil {
			differ = plain
		}
		if differ(a, b) {
			d[c.field] = true
		}
	}
	return d
}

func plain(a, b any) bool {
	if isEmpty(a) || isEmpty(b) {
		return isEmpty(a) != isEmpty(b)
	}
	return !reflect.DeepEqual(a, b)
}

// ifSet compares only what the user has set.
func ifSet(a, b any) bool { return !isEmpty(a) && plain(a, b) }

// asSet compares lists of texts without regard to order.
func asSet(a, b any) bool {
	return !slices.Equal(sortedTexts(a), sortedTexts(b))
}

// ifSetAsSet is asSet for lists that the user has set.
func ifSetAsSet(a, b any) bool { return !isEmpty(a) && asSet(a, b) }

func sortedTexts(value any) []string {
	found := texts(tree{"x": value}, "x")
	slices.Sort(found)
	return found
}

// declared compares lists of {key, value}: only keys that the user has listed count.
func declared(a, b any) bool {
	actual := map[string]string{}
	for _, item := range trees(tree{"x": b}, "x") {
		actual[text(item, "key")] = text(item, "value")
	}
	for _, item := range trees(tree{"x": a}, "x") {
		value, ok := actual[text(item, "key")]
		if !ok || value != text(item, "value") {
			return true
		}
	}
	return false
}

// jsonDocument compares JSON texts by meaning.
func jsonDocument(a, b any) bool {
	x, xok := a.(string)
	y, yok := b.(string)
	if !xok || !yok {
		return plain(a, b)
	}
	var m, n any
	if json.Unmarshal([]byte(x), &m) != nil || json.Unmarshal([]byte(y), &n) != nil {
		return x != y
	}
	return !reflect.DeepEqual(m, n)
}

// fields makes plain comparisons.
func fields(names ...string) []comparison { return comparing(nil, names...) }

func comparing(differ func(a, b any) bool, names ...string) []comparison {
	out := make([]comparison, len(names))
	for i, name := range names {
		out[i] = comparison{field: name, differ: differ}
	}
	return out
}

// tagged is the comparison of tags, which all taggable kinds have.
func tagged() comparison { return comparison{field: "tags", differ: differentTags} }

func differentTags(a, b any) bool {
	return !reflect.DeepEqual(tagsOf(tree{"tags": a}), tagsOf(tree{"tags": b}))
}
