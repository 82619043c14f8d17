package statustest

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	v1 "usermanagement.dev/stack/api/v1"
)

// kstatus: what GitOps tools compute from the object is what the status means to say.
func (c *check) kstatus() {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(c.stack)
	if err != nil {
		c.violated("kstatus: %v", err)
		return
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	if err != nil {
		c.violated("kstatus: %v", err)
		return
	}
	if want := c.meant(); result.Status != want {
		c.violated("kstatus says %s instead of %s: %s", result.Status, want, result.Message)
	}
}

// meant is what kstatus should make of the stack.
func (c *check) meant() status.Status {
	switch {
	case c.deleting():
		return status.TerminatingStatus
	case c.stack.Status.ObservedGeneration != c.stack.Generation:
		return status.InProgressStatus
	case c.isTrue(v1.ConditionReady):
		return status.CurrentStatus
	case c.has(v1.ConditionStalled):
		return status.FailedStatus
	default:
		return status.InProgressStatus
	}
}
