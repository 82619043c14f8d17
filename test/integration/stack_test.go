package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/test/stacktest"
)

// patience bounds every wait of these tests. It is no measure: a busy machine is slow.
const patience = 60 * time.Second

// sample reads one of config/samples, as it would be applied in the lab.
func sample(t testing.TB, name string, changes ...func(*v1.UserManagementStack)) *v1.UserManagementStack {
	t.Helper()
	stack := lab.Sample(t, name)
	for _, change := range changes {
		change(stack)
	}
	return stack
}

// create applies a stack in a namespace.
func create(t testing.TB, namespace string, stack *v1.UserManagementStack) *v1.UserManagementStack {
	t.Helper()
	stacktest.Place(stack, namespace)
	if err := admin.Create(t.Context(), stack); err != nil {
		t.Fatalf("create the stack: %v", err)
	}
	return stack
}

// eventually waits until a look at the stack is satisfied, checking its status by the rules at every look.
func eventually(
	t testing.TB, stack *v1.UserManagementStack, what string, satisfied func(*v1.UserManagementStack) bool,
) *v1.UserManagementStack {
	t.Helper()
	return eventuallyFor(t, patience, stack, what, satisfied)
}

// eventuallyFor is eventually with another bound, for what takes its time by design.
func eventuallyFor(
	t testing.TB, bound time.Duration, stack *v1.UserManagementStack, what string, satisfied func(*v1.UserManagementStack) bool,
) *v1.UserManagementStack {
	t.Helper()
	seen := &v1.UserManagementStack{}
	stacktest.Until(t, bound, what, func() (bool, string) {
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), seen); err != nil {
			t.Fatalf("waiting until %s: %v\n%s", what, err, describe(seen))
		}
		checkStatus(t, seen)
		return satisfied(seen), describe(seen)
	})
	return seen
}

func eventuallyReady(t testing.TB, stack *v1.UserManagementStack) *v1.UserManagementStack {
	t.Helper()
	return eventually(t, stack, "it is Ready", func(s *v1.UserManagementStack) bool {
		return s.Status.ObservedGeneration == s.Generation && meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionReady)
	})
}

func eventuallyGone(t testing.TB, stack *v1.UserManagementStack) {
	t.Helper()
	eventuallyTrue(t, "the stack is gone", func() (bool, string) {
		seen := &v1.UserManagementStack{}
		err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), seen)
		return apierrors.IsNotFound(err), describe(seen)
	})
}

// eventuallyTrue waits for anything else.
func eventuallyTrue(t testing.TB, what string, holds func() (bool, string)) {
	t.Helper()
	stacktest.Until(t, patience, what, holds)
}

// objects are all ACK objects in a namespace.
func objects(t testing.TB, namespace string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, kind := range ack.Kinds() {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GVK().GroupVersion().WithKind(kind.Name + "List"))
		if err := admin.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
			t.Fatalf("list %s: %v", kind.Plural, err)
		}
		for i := range list.Items {
			all = append(all, &list.Items[i])
		}
	}
	return all
}

// ofNode is the one object of a node.
func ofNode(t testing.TB, namespace, node string) *unstructured.Unstructured {
	t.Helper()
	var found []*unstructured.Unstructured
	for _, object := range objects(t, namespace) {
		if object.GetLabels()[v1.LabelNode] == node && object.GetDeletionTimestamp() == nil {
			found = append(found, object)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the node %s has %d objects", node, len(found))
	}
	return found[0]
}

// change edits a stack's spec.
func change(t testing.TB, stack *v1.UserManagementStack, edit func(*v1.UserManagementStackSpec)) {
	t.Helper()
	for range 20 {
		seen := &v1.UserManagementStack{}
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), seen); err != nil {
			t.Fatal(err)
		}
		edit(&seen.Spec)
		err := admin.Update(t.Context(), seen)
		if err == nil {
			return
		}
		if !apierrors.IsConflict(err) {
			t.Fatalf("change the stack: %v", err)
		}
	}
	t.Fatal("change the stack: conflicts without end")
}

// describe is what a person would want to see of a stack that does not do what it should.
func describe(stack *v1.UserManagementStack) string {
	var out strings.Builder
	fmt.Fprintf(&out, "stack %s/%s generation %d, progress %s\n", stack.Namespace, stack.Name, stack.Generation, stack.Status.Progress.Summary)
	for _, c := range stack.Status.Conditions {
		fmt.Fprintf(&out, "  %s=%s %s: %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	for _, b := range stack.Status.Blockers {
		fmt.Fprintf(&out, "  blocked by %s/%s %s: %s\n", b.Kind, b.Name, b.Reason, b.Message)
	}
	return out.String()
}

// goneOrKilled waits until the stack is gone, which is true, or until its operator is killed.
func goneOrKilled(t *testing.T, g *guillotine, stack *v1.UserManagementStack) (gone bool) {
	t.Helper()
	eventuallyTrue(t, "the stack is gone or its operator killed", func() (bool, string) {
		err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), &v1.UserManagementStack{})
		if gone = apierrors.IsNotFound(err); gone {
			return true, ""
		}
		select {
		case <-g.fallen:
			return true, ""
		default:
			return false, "it is still there"
		}
	})
	return gone
}
