package present

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/internal/plan"
)

// userData is a field that no plan compares, since AWS never tells it again, and that nobody could read here.
const userData = "spec.userData"

const (
	// longestValue is how many columns of a value are shown where two stand in a line.
	longestValue = 60
	// longestElement is how many are shown of an element of a list, which has a line of its own.
	longestElement = 3 * longestValue
)

// fields are the fields of the spec that differ, with both values.
func fields(wanted, live *unstructured.Unstructured) []string {
	var lines []string
	for _, path := range plan.Changes(wanted, live) {
		if strings.HasPrefix(path, "spec.") && path != userData {
			lines = append(lines, differences(path, value(live, path), value(wanted, path))...)
		}
	}
	if !reflect.DeepEqual(value(live, userData), value(wanted, userData)) {
		lines = append(lines, userData+": what it does at its first boot")
	}
	slices.Sort(lines)
	return lines
}

func value(object *unstructured.Unstructured, path string) any {
	found, _, err := unstructured.NestedFieldNoCopy(object.Object, strings.Split(path, ".")...)
	if err != nil {
		return nil
	}
	return found
}

// differences are one line for a value, and for lists one for each element that is not in both: a whole list of tags or
// rules hides the one that changed.
func differences(path string, have, want any) []string {
	haves, isList := have.([]any)
	wants, areLists := want.([]any)
	if have == nil || want == nil || !isList || !areLists {
		return []string{path + ": " + shown(have) + " → " + shown(want)}
	}
	if lines, ok := byKey(path, haves, wants); ok {
		return lines
	}
	var lines []string
	for _, v := range without(haves, wants) {
		lines = append(lines, path+": - "+cut(text(v), longestElement))
	}
	for _, v := range without(wants, haves) {
		lines = append(lines, path+": + "+cut(text(v), longestElement))
	}
	if len(lines) == 0 {
		return []string{path + ": in another order"}
	}
	return lines
}

// byKey compares lists of keys with values, which is how AWS writes tags and attributes.
func byKey(path string, haves, wants []any) ([]string, bool) {
	have, ok := pairs(haves)
	want, also := pairs(wants)
	if !ok || !also {
		return nil, false
	}
	var lines []string
	for key, v := range want {
		if old, known := have[key]; !known || !reflect.DeepEqual(old, v) {
			lines = append(lines, path+"["+key+"]: "+shown(old)+" → "+shown(v))
		}
	}
	for key, v := range have {
		if _, stays := want[key]; !stays {
			lines = append(lines, path+"["+key+"]: "+shown(v)+" → "+shown(nil))
		}
	}
	return lines, len(lines) > 0
}

// pairs are the values of a list of keys with values; nothing if it is another list, or a key stands in it twice.
func pairs(list []any) (map[string]any, bool) {
	found := make(map[string]any, len(list))
	for _, element := range list {
		entry, _ := element.(map[string]any)
		key, ok := entry["key"].(string)
		if _, twice := found[key]; !ok || twice || len(entry) > 2 {
			return nil, false
		}
		found[key] = entry["value"]
	}
	return found, true
}

func without(list, others []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		return slices.ContainsFunc(others, func(other any) bool { return reflect.DeepEqual(v, other) })
	})
}

// shown is a value as JSON, cut to half a line.
func shown(v any) string {
	if v == nil {
		return "nothing"
	}
	return cut(text(v), longestValue)
}

func text(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(encoded)
}
