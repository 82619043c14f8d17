package ack

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Held says whether ACK has made the AWS resource and written down which one it is. Before that a change of the object
// may lose the identity and make a second one.
func Held(object *unstructured.Unstructured) bool {
	kind, err := KindOf(object.GetKind())
	if err != nil || !slices.Contains(object.GetFinalizers(), kind.Finalizer()) {
		return false
	}
	if kind == RecordSet {
		return hasConditions(object)
	}
	for _, path := range []string{outputPaths[kind.Name][OutputID], arnPath} {
		if _, ok := text(object, path); path != "" && ok {
			return true
		}
	}
	return false
}

// GivenUp says whether ACK has given up on an object before there was anything of it in AWS: deleting the object then
// deletes nothing there, since ACK takes its finalizer off again when a creation fails.
func GivenUp(object *unstructured.Unstructured) bool {
	kind, err := KindOf(object.GetKind())
	_, terminal := isTrue(object, conditionTerminal)
	return err == nil && terminal && !slices.Contains(object.GetFinalizers(), kind.Finalizer())
}

// Touchable says whether the object may be changed now: it is held, or ACK has failed to make it and waits for a better
// spec.
func Touchable(object *unstructured.Unstructured) bool {
	if Held(object) {
		return true
	}
	_, terminal := isTrue(object, conditionTerminal)
	_, recoverable := isTrue(object, conditionRecoverable)
	return terminal || recoverable
}
