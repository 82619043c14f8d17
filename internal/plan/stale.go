package plan

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Stale are the objects of a stack that no planned node stands for any more.
func Stale(actions []Action, objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	type key struct{ kind, name string }
	wanted := make(map[key]bool, len(actions))
	for _, action := range actions {
		wanted[key{action.Node.Object.GetKind(), action.Node.Object.GetName()}] = true
		if action.Live != nil {
			wanted[key{action.Live.GetKind(), action.Live.GetName()}] = true
		}
	}
	var stale []*unstructured.Unstructured
	for _, object := range objects {
		if !wanted[key{object.GetKind(), object.GetName()}] {
			stale = append(stale, object)
		}
	}
	return stale
}
