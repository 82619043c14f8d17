package acksim

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// These functions read and write JSON trees by dotted path. Numbers are int64, as in unstructured objects.

type tree = map[string]any

func get(m tree, path string) any {
	for {
		head, rest, more := strings.Cut(path, ".")
		value, ok := m[head]
		if !ok || !more {
			return value
		}
		if m, ok = value.(tree); !ok {
			return nil
		}
		path = rest
	}
}

// put sets a value; an empty one (nil, "", an empty list or tree) removes the key.
func put(m tree, path string, value any) {
	for {
		head, rest, more := strings.Cut(path, ".")
		if !more {
			if isEmpty(value) {
				delete(m, head)
			} else {
				m[head] = value
			}
			return
		}
		next, ok := m[head].(tree)
		if !ok {
			if isEmpty(value) {
				return
			}
			next = tree{}
			m[head] = next
		}
		m, path = next, rest
	}
}

// isEmpty says what ACK's comparison takes for nil: a missing value, an empty text, an empty collection. False and 0 count.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case tree:
		return len(v) == 0
	}
	return false
}

func text(m tree, path string) string {
	s, _ := get(m, path).(string)
	return s
}

func number(m tree, path string) int {
	switch n := get(m, path).(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

func truth(m tree, path string) bool {
	b, _ := get(m, path).(bool)
	return b
}

// textPtr, numberPtr and truthPtr tell an unset field from a zero one.
func textPtr(m tree, path string) *string {
	if s, ok := get(m, path).(string); ok {
		return &s
	}
	return nil
}

func numberPtr(m tree, path string) *int {
	if get(m, path) == nil {
		return nil
	}
	n := number(m, path)
	return &n
}

func truthPtr(m tree, path string) *bool {
	if b, ok := get(m, path).(bool); ok {
		return &b
	}
	return nil
}

func items(m tree, path string) []any {
	list, _ := get(m, path).([]any)
	return list
}

// trees lists the elements of a list of objects.
func trees(m tree, path string) []tree {
	var found []tree
	for _, item := range items(m, path) {
		if t, ok := item.(tree); ok {
			found = append(found, t)
		}
	}
	return found
}

func texts(m tree, path string) []string {
	var found []string
	for _, item := range items(m, path) {
		if s, ok := item.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

func list[T any](values []T, fn func(T) any) []any {
	out := make([]any, 0, len(values))
	for _, v := range values {
		out = append(out, fn(v))
	}
	return out
}

func textList(values []string) []any { return list(values, func(s string) any { return s }) }

// stringMap reads an object whose values are texts.
func stringMap(m tree, path string) map[string]string {
	t, _ := get(m, path).(tree)
	out := make(map[string]string, len(t))
	for key, value := range t {
		if s, ok := value.(string); ok {
			out[key] = s
		}
	}
	return out
}

func treeOf(values map[string]string) tree {
	out := make(tree, len(values))
	for key, value := range values {
		out[key] = value
	}
	return out
}

// stamp is a time as status fields and conditions show it: RFC 3339 in UTC with a resolution of one second.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func copyTree(m tree) tree { return runtime.DeepCopyJSON(m) }

// changesBetween is what has to be added to a set and removed from it, so that it is what is wanted.
func changesBetween[T comparable](want, have []T) (add, remove []T) {
	for _, v := range want {
		if !slices.Contains(have, v) {
			add = append(add, v)
		}
	}
	for _, v := range have {
		if !slices.Contains(want, v) {
			remove = append(remove, v)
		}
	}
	return add, remove
}
