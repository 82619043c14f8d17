// Package observe gathers what is there of a stack into one value that the rest of a pass works on. It reads from
// caches only.
package observe

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// Stack is all objects of one stack, as they are. It is the World of a graph and the Cluster of a plan.
type Stack struct {
	now     time.Time
	served  map[string]bool
	objects []*unstructured.Unstructured
	byName  map[objectKey]*unstructured.Unstructured
	byNode  map[string][]*unstructured.Unstructured
}

type objectKey struct{ kind, name string }

// New makes the value from objects seen at a time, and the kinds that the cluster serves. The order of the objects means
// nothing. Of two with one name the younger counts: it can only be there because the other one is gone.
func New(objects []*unstructured.Unstructured, served map[string]bool, now time.Time) *Stack {
	s := &Stack{
		now: now, served: served,
		objects: slices.Clone(objects),
		byName:  make(map[objectKey]*unstructured.Unstructured, len(objects)),
		byNode:  make(map[string][]*unstructured.Unstructured, len(objects)),
	}
	slices.SortFunc(s.objects, byAge)
	for _, object := range s.objects {
		s.byName[keyOf(object)] = object
	}
	s.objects = slices.DeleteFunc(s.objects, func(o *unstructured.Unstructured) bool { return s.byName[keyOf(o)] != o })
	for _, object := range s.objects {
		node := object.GetLabels()[v1.LabelNode]
		s.byNode[node] = append(s.byNode[node], object)
	}
	return s
}

func keyOf(object *unstructured.Unstructured) objectKey {
	return objectKey{object.GetKind(), object.GetName()}
}

// byAge orders objects, the oldest first.
func byAge(a, b *unstructured.Unstructured) int {
	return cmp.Or(
		a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time),
		strings.Compare(a.GetKind(), b.GetKind()),
		strings.Compare(a.GetName(), b.GetName()),
		strings.Compare(string(a.GetUID()), string(b.GetUID())),
	)
}

// Object is the stack's object of that kind and name, or nil.
func (s *Stack) Object(kind, name string) *unstructured.Unstructured {
	return s.byName[objectKey{kind, name}]
}

// OfNode are all objects that were made for a node, the oldest first: two while one replaces the other.
func (s *Stack) OfNode(node string) []*unstructured.Unstructured { return s.byNode[node] }

// Objects are all objects of the stack, the oldest first.
func (s *Stack) Objects() []*unstructured.Unstructured { return slices.Clone(s.objects) }

// Serves says whether the cluster knows the kind.
func (s *Stack) Serves(kind string) bool { return s.served[kind] }

// Now is when the objects were seen.
func (s *Stack) Now() time.Time { return s.now }

// Output is a value that a node publishes, if it is known: that of its youngest object that nobody deletes.
func (s *Stack) Output(node, field string) (string, bool) {
	return output(s.standing(node), field)
}

// OutputOf is a value that one object publishes, if it is known.
func (s *Stack) OutputOf(kind, name, field string) (string, bool) {
	return output(s.standingAs(kind, name), field)
}

// Ready says whether the node's youngest object that nobody deletes is made and usable.
func (s *Stack) Ready(node string) bool { return s.ready(s.standing(node)) }

// ReadyOf says whether one object is made and usable.
func (s *Stack) ReadyOf(kind, name string) bool { return s.ready(s.standingAs(kind, name)) }

func output(object *unstructured.Unstructured, field string) (string, bool) {
	if object == nil {
		return "", false
	}
	return ack.Value(object, field)
}

func (s *Stack) ready(object *unstructured.Unstructured) bool {
	return object != nil && ack.Assess(object, s.now).Verdict == ack.Ready
}

// standing is the youngest object of a node that nobody deletes, or nil.
func (s *Stack) standing(node string) *unstructured.Unstructured {
	for _, object := range slices.Backward(s.byNode[node]) {
		if object.GetDeletionTimestamp() == nil {
			return object
		}
	}
	return nil
}

// standingAs is the object of that name unless somebody deletes it.
func (s *Stack) standingAs(kind, name string) *unstructured.Unstructured {
	if object := s.Object(kind, name); object != nil && object.GetDeletionTimestamp() == nil {
		return object
	}
	return nil
}
