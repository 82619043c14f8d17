package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
)

// Invalid is the status of a stack whose spec cannot be built. What runs, runs on; nothing is counted anew.
func Invalid(stack *v1.UserManagementStack, problem string, now time.Time) v1.UserManagementStackStatus {
	status := *stack.Status.DeepCopy()
	c := newConditionSet(stack, now)
	c.set(v1.ConditionReady, metav1.ConditionFalse, v1.ReasonInvalidSpec, problem)
	c.set(v1.ConditionStalled, metav1.ConditionTrue, v1.ReasonInvalidSpec, problem)
	c.keep(append(componentConditions(), v1.ConditionAvailable)...)
	status.ObservedGeneration, status.Conditions = stack.Generation, c.list
	status.LastHandledReconcileAt = stack.Annotations[v1.AnnotationReconcileRequestedAt]
	return status
}

// Suspended is the status of a stack that the spec holds still. Ready is kept only where it says that this very
// generation is there: whatever else it said spoke of work that is now held, or of another spec.
func Suspended(stack *v1.UserManagementStack, now time.Time) v1.UserManagementStackStatus {
	const message = "spec.suspend is true: nothing is changed until it is false"
	status := *stack.Status.DeepCopy()
	c := newConditionSet(stack, now)
	ready := meta.FindStatusCondition(stack.Status.Conditions, v1.ConditionReady)
	if ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == stack.Generation {
		c.keep(v1.ConditionReady)
	} else {
		c.set(v1.ConditionReady, metav1.ConditionUnknown, v1.ReasonSuspended, message)
	}
	c.keep(append(componentConditions(), v1.ConditionAvailable)...)
	c.set(v1.ConditionSuspended, metav1.ConditionTrue, v1.ReasonSuspended, message)
	status.ObservedGeneration, status.Conditions = stack.Generation, c.list
	return status
}
