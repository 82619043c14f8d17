// Package prune orders deletions. It reads nothing but the objects that are there: which nodes each was made from stands
// on it, so that a deletion needs neither a valid spec nor the version of the operator that made the objects.
package prune

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// Step is the next move of a deletion.
type Step struct {
	// Delete may go now: nothing that is still there was made from them.
	Delete []*unstructured.Unstructured
	// Going are asked to go already and are still there.
	Going []*unstructured.Unstructured
	// Held have to wait, because something made from them is still there.
	Held []*unstructured.Unstructured
}

// Done says whether there is nothing left.
func (s Step) Done() bool { return len(s.Delete)+len(s.Going)+len(s.Held) == 0 }

// Next finds the next move of a deletion. An object is held while another doomed one was made from its node;
// independent branches go at the same time. What is not doomed is no reason to wait: either the whole stack goes, or what
// stays has already been moved to other objects. Objects of several releases of the operator may need each other in a
// circle, which would hold them for ever: then all go, and AWS, which refuses what is in use, keeps the order.
func Next(doomed []*unstructured.Unstructured) Step {
	needed := needs(doomed)
	var step Step
	for _, object := range sorted(doomed) {
		switch {
		case object.GetDeletionTimestamp() != nil:
			step.Going = append(step.Going, object)
		case needed[object.GetLabels()[v1.LabelNode]]:
			step.Held = append(step.Held, object)
		default:
			step.Delete = append(step.Delete, object)
		}
	}
	if len(step.Delete) == 0 && len(step.Going) == 0 {
		step.Delete, step.Held = step.Held, nil
	}
	return step
}

// needs is the set of nodes that some object was made from.
func needs(objects []*unstructured.Unstructured) map[string]bool {
	needed := map[string]bool{}
	for _, object := range objects {
		for _, node := range Needs(object) {
			if node != object.GetLabels()[v1.LabelNode] {
				needed[node] = true
			}
		}
	}
	return needed
}

// Needs are the nodes that an object was made from, as noted on it.
func Needs(object *unstructured.Unstructured) []string {
	noted := object.GetAnnotations()[v1.AnnotationNeeds]
	return strings.FieldsFunc(noted, func(r rune) bool { return r == ',' })
}

func sorted(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	list := slices.Clone(objects)
	slices.SortFunc(list, func(a, b *unstructured.Unstructured) int {
		return strings.Compare(a.GetKind()+"/"+a.GetName(), b.GetKind()+"/"+b.GetName())
	})
	return list
}
