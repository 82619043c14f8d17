package integration

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
)

// suspended waits until a stack's suspension was seen.
func suspended(t *testing.T, stack *stackObject) {
	t.Helper()
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Suspend = true })
	eventually(t, stack, "it is suspended", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionSuspended)
	})
}

func patchBy(t *testing.T, object client.Object, patch string) {
	t.Helper()
	if err := admin.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// TestTheFinalizerIsPutBack: kubectl replace takes off all that its file does not name. A stack that was deleted then would
// go at once, and its parts in no order.
func TestTheFinalizerIsPutBack(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal"))
	eventuallyReady(t, stack)
	for _, held := range []bool{false, true} {
		if held {
			suspended(t, stack)
		}
		patchBy(t, live(t, stack), `{"metadata":{"finalizers":null}}`)
		eventually(t, stack, "the finalizer is there again", func(s *stackObject) bool {
			return slices.Contains(s.Finalizers, v1.Finalizer)
		})
	}
}

// TestWhatLostItsLabelsGoesWithTheStack: an object without our labels is in none of the operator's caches, and stands in the
// way of all that it was made from.
func TestWhatLostItsLabelsGoesWithTheStack(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal"))
	eventuallyReady(t, stack)
	suspended(t, stack)
	patchBy(t, ofNode(t, namespace, build.SubnetNode("app", "us-east-2a")), `{"metadata":{"labels":null}}`)
	if err := admin.Delete(t.Context(), stack); err != nil {
		t.Fatal(err)
	}
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Suspend = false })
	eventuallyGone(t, stack)
	if left := objects(t, namespace); len(left) > 0 {
		t.Errorf("%s %s is left", left[0].GetKind(), left[0].GetName())
	}
	assertOnlyKept(t, namespace, stack)
}
