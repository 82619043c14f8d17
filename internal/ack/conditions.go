package ack

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ACK's condition types, of github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1.
const (
	conditionSynced      = "ACK.ResourceSynced"
	conditionTerminal    = "ACK.Terminal"
	conditionRecoverable = "ACK.Recoverable"
)

// condition is one entry of status.conditions. ACK has no observedGeneration, and its lastTransitionTime is the time of
// its last pass, whether anything changed or not.
type condition struct {
	status, message string
	lastPass        time.Time
}

func conditionOf(object *unstructured.Unstructured, kind string) (condition, bool) {
	list, _ := field(object, "status.conditions").([]any)
	for _, item := range list {
		entry, ok := item.(map[string]any)
		if !ok || entry["type"] != kind {
			continue
		}
		c := condition{}
		c.status, _ = entry["status"].(string)
		c.message, _ = entry["message"].(string)
		if at, ok := entry["lastTransitionTime"].(string); ok {
			c.lastPass, _ = time.Parse(time.RFC3339, at)
		}
		return c, true
	}
	return condition{}, false
}

func isTrue(object *unstructured.Unstructured, kind string) (string, bool) {
	c, ok := conditionOf(object, kind)
	return c.message, ok && c.status == "True"
}

func hasConditions(object *unstructured.Unstructured) bool {
	list, _ := field(object, "status.conditions").([]any)
	return len(list) > 0
}

// SameStatus compares two states of an object's status, passing over the times that ACK renews in every pass.
func SameStatus(a, b *unstructured.Unstructured) bool {
	return same(field(a, "status"), field(b, "status"))
}

// same compares like reflect.DeepEqual, but for lastTransitionTime.
func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for key, value := range x {
			other, there := y[key]
			if !there || key != "lastTransitionTime" && !same(value, other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	default:
		return a == b
	}
}
