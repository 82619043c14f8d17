package status_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
	"usermanagement.dev/stack/internal/status"
)

// untouched has an object be that old, and nothing on it of ACK.
func untouched(age time.Duration) Option {
	return func(object *unstructured.Unstructured) {
		Created(now.Add(-age))(object)
		object.SetFinalizers(nil)
		unstructured.RemoveNestedField(object.Object, "status")
	}
}

// TestABusyControllerIsNotAMissingOne: ACK leaves an object untouched in either case.
func TestABusyControllerIsNotAMissingOne(t *testing.T) {
	for _, c := range []struct {
		why string
		age time.Duration
		// heard is how long ago ACK was at work on another object of the kind; never if zero.
		heard time.Duration
		ready string
		also  string
	}{
		{"nobody takes the object up", 2 * time.Minute, 0, "False ControllerMissing", v1.ConditionStalled},
		{
			"ACK is busy with those of other stacks", 2 * time.Minute, 20 * time.Second,
			"False Progressing 6 of 7 resources are ready; waiting for VPC/vpc", v1.ConditionReconciling,
		},
		{"ACK was busy with them until it fell silent", 2 * time.Minute, 2 * time.Minute, "False ControllerMissing", v1.ConditionStalled},
		{"ACK works on others and never comes to this one", time.Hour, 20 * time.Second, "False ControllerMissing", v1.ConditionStalled},
	} {
		facts := status.Facts{Actions: actions(state("vpc", untouched(c.age)))}
		if c.heard > 0 {
			facts.Heard = map[string]time.Time{ack.VPC.Name: now.Add(-c.heard)}
		}
		stack := of(t, facts)
		if got := said(stack, v1.ConditionReady); !strings.HasPrefix(got, c.ready) {
			t.Errorf("%s: Ready is %q, want %q", c.why, got, c.ready)
		}
		if got := said(stack, c.also); !strings.HasPrefix(got, "True") {
			t.Errorf("%s: %s is %q", c.why, c.also, got)
		}
	}
}
