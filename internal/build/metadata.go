package build

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/graph"
)

// resource is an ACK object, typed.
type resource interface {
	metav1.Object
	runtime.Object
}

// set ends a node with its object, completed with everything that objects have in common. A name or annotations that
// the object already has are kept. All of it is there from the first apply on: what comes later, ACK may not see.
func (a *assembly) set(n *graph.NodeBuilder, kind ack.Kind, object resource) {
	object.GetObjectKind().SetGroupVersionKind(kind.GVK())
	object.SetNamespace(a.stack.Namespace)
	if object.GetName() == "" {
		object.SetName(ObjectName(a.stack, n.ID()))
	}
	a.label(n, object)
	a.annotate(n, kind, object)
	object.SetOwnerReferences(Owners(a.stack, a.in.Namespace))
	n.Set(object)
}

// Owners are those of every object of a stack. The stack is the one in control, for the sake of trees in Argo CD and the like.
// The namespace is there so that the order of a deletion stays the operator's: under foreground deletion, which Argo CD asks
// for, the garbage collector deletes every object that has no other owner at once, whether it blocks its owner's deletion or
// not (attemptToDeleteItem of k8s.io/kubernetes/pkg/controller/garbagecollector).
func Owners(stack *v1.UserManagementStack, namespace types.UID) []metav1.OwnerReference {
	owners := []metav1.OwnerReference{{
		APIVersion: v1.GroupVersion.String(), Kind: v1.Kind, Name: stack.Name, UID: stack.UID,
		Controller: new(true), BlockOwnerDeletion: new(false),
	}}
	if namespace == "" {
		return owners
	}
	return append(owners, metav1.OwnerReference{
		APIVersion: "v1", Kind: namespaceKind, Name: stack.Namespace, UID: namespace,
		Controller: new(false), BlockOwnerDeletion: new(false),
	})
}

// namespaceKind is the kind of a namespace among the owners of an object.
const namespaceKind = "Namespace"

// NamespaceOf is the UID of the namespace among the owners of a stack's objects; empty if none has one.
func NamespaceOf(objects []*unstructured.Unstructured) types.UID {
	for _, object := range objects {
		for _, owner := range object.GetOwnerReferences() {
			if owner.Kind == namespaceKind && owner.APIVersion == "v1" {
				return owner.UID
			}
		}
	}
	return ""
}

func (a *assembly) label(n *graph.NodeBuilder, object metav1.Object) {
	labels := object.GetLabels()
	if labels == nil {
		labels = make(map[string]string)
	}
	labels[v1.LabelManagedBy] = v1.ManagedBy
	labels[v1.LabelStack] = a.stack.Name
	labels[v1.LabelStackUID] = string(a.stack.UID)
	labels[v1.LabelNode] = n.ID()
	labels[v1.LabelComponent] = string(n.Component())
	object.SetLabels(labels)
}

func (a *assembly) annotate(n *graph.NodeBuilder, kind ack.Kind, object metav1.Object) {
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = make(map[string]string)
	}
	annotations[v1.AnnotationNeeds] = strings.Join(n.Needs(), ",")
	annotations[ack.AnnotationRegion] = a.spec.Region
	// Only where the name is this stack's alone: ACK takes over, and later deletes, whatever has the name. Records have
	// names that anybody may have used before, so each says for itself.
	if kind.Named && kind != ack.RecordSet {
		annotations[ack.AnnotationAdoptionPolicy] = ack.AdoptOrCreate
	}
	if a.spec.DeletionPolicy == v1.DeletionPolicyRetain {
		annotations[ack.AnnotationDeletionPolicy] = ack.DeletionRetain
	}
	object.SetAnnotations(annotations)
}
