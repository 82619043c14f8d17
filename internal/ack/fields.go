package ack

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// field is the value at a dotted path of maps, without a copy; nil if there is none.
func field(object *unstructured.Unstructured, path string) any {
	var at any = object.Object
	for path != "" {
		var key string
		key, path, _ = strings.Cut(path, ".")
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[key]
	}
	return at
}

// text is the value at a dotted path as text; an empty one counts as absent.
func text(object *unstructured.Unstructured, path string) (string, bool) {
	switch v := field(object, path).(type) {
	case string:
		return v, v != ""
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatInt(int64(v), 10), true
	default:
		return "", false
	}
}
