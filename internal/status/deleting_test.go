package status_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
	"usermanagement.dev/stack/internal/prune"
	"usermanagement.dev/stack/internal/status"
	"usermanagement.dev/stack/internal/status/statustest"
)

func deleting(t *testing.T, facts status.Teardown) *v1.UserManagementStack {
	t.Helper()
	if facts.Stack == nil {
		facts.Stack = newStack()
	}
	if facts.Now.IsZero() {
		facts.Now = now
	}
	stack := facts.Stack.DeepCopy()
	when := metav1.NewTime(Start)
	stack.DeletionTimestamp = &when
	stack.Status = status.Deleting(facts)
	statustest.Check(t, stack)
	return stack
}

func TestADeletionSaysWhatItWaitsForAndWhy(t *testing.T) {
	refused := Condition("ACK.Recoverable", "True", "DependencyViolation: in use", time.Time{})
	hopeless := Condition("ACK.Terminal", "True", "deletion protection is on", time.Time{})
	vpc := Ready(ack.VPC, "vpc")
	for _, c := range []struct {
		why  string
		step prune.Step
		want map[string]string
	}{
		{
			"objects are going",
			prune.Step{Going: []*unstructured.Unstructured{
				Ready(ack.Subnet, "b", Deleting(now)),
				Ready(ack.Subnet, "a", Deleting(now)),
			}, Held: []*unstructured.Unstructured{vpc}},
			map[string]string{
				"Ready":       "False Deleting deleting; 3 objects are left, waiting for Subnet/a, Subnet/b",
				"Reconciling": "True WaitingForDeletion", "DeletionBlocked": "-", "Available": "False Deleting",
			},
		},
		{
			"nothing is left but a last look",
			prune.Step{},
			map[string]string{"Ready": "False Deleting deleting; waiting for the last objects to go"},
		},
		{
			"AWS refuses for a while, which it does",
			prune.Step{Going: []*unstructured.Unstructured{Ready(ack.VPC, "vpc", Deleting(now),
				refused)}},
			map[string]string{"DeletionBlocked": "-", "Reconciling": "True"},
		},
		{
			"ACK gives up",
			prune.Step{Going: []*unstructured.Unstructured{Ready(ack.DBInstance, "db", Deleting(now), hopeless)}},
			map[string]string{"DeletionBlocked": "True TerminalError DBInstance/db: deletion protection is on; turn the database's"},
		},
		{
			"a protection cannot be taken off",
			prune.Step{Delete: []*unstructured.Unstructured{Ready(ack.DBInstance, "db",
				Spec("deletionProtection", true), Updated(Start), Spec("deletionProtection", nil),
				Status("dbInstanceStatus", "incompatible-network"), Condition("ACK.ResourceSynced", "False", "", Start.Add(9*time.Second)))}},
			map[string]string{"DeletionBlocked": "True DatabaseFailed DBInstance/db: its deletion protection is not off in AWS yet"},
		},
	} {
		stack := deleting(t, status.Teardown{Step: c.step})
		for kind, want := range c.want {
			if got := said(stack, kind); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q, want %q", c.why, kind, got, want)
			}
		}
	}
}

func TestADeletionThatTakesTooLongOrWaitsForSomebodyIsBlocked(t *testing.T) {
	refused := Condition("ACK.Recoverable", "True", "DependencyViolation: in use", time.Time{})
	step := prune.Step{Going: []*unstructured.Unstructured{Ready(ack.VPC, "vpc", Deleting(now), refused)}}
	first := deleting(t, status.Teardown{Step: step})
	long := deleting(t, status.Teardown{Stack: first, Step: step, Now: now.Add(30 * time.Minute)})
	if got := said(long, "DeletionBlocked"); !strings.HasPrefix(got, "True RecoverableError VPC/vpc: DependencyViolation") {
		t.Errorf("after half an hour somebody has to know: %s", got)
	}
	asked := deleting(t, status.Teardown{Step: step, Blocked: &status.Problem{
		Reason:  v1.ReasonDeletionProtected,
		Message: "protected", Hint: "unprotect",
	}})
	if said(asked, "Stalled") != "True DeletionProtected protected; unprotect" || said(asked, "DeletionBlocked") == "-" {
		t.Errorf("got %s", said(asked, "Stalled"))
	}
}

// TestAHeldDeletionShowsWhatServesOn: nothing was deleted, people are served, and nobody may be told otherwise.
func TestAHeldDeletionShowsWhatServesOn(t *testing.T) {
	serving := newStack()
	serving.Status.Conditions = []metav1.Condition{{
		Type: v1.ConditionAvailable, Status: metav1.ConditionTrue, Reason: v1.ReasonSucceeded, Message: "it serves",
		ObservedGeneration: serving.Generation, LastTransitionTime: metav1.NewTime(Start),
	}}
	serving.Status.ObservedGeneration = serving.Generation
	serving.Status.Endpoints.URL = "https://users.example.com"
	serving.Status.Hosts = v1.HostsStatus{Ready: 2, Total: 2, Summary: "2/2"}
	protected := &status.Problem{Reason: v1.ReasonDeletionProtected, Message: "protected", Hint: "unprotect"}
	held := deleting(t, status.Teardown{Stack: serving, Blocked: protected})
	if got := said(held, "Available"); got != "True Succeeded it serves" {
		t.Errorf("Available is %s", got)
	}
	if s := held.Status; s.Endpoints.URL == "" || s.Hosts.Summary != "2/2" {
		t.Errorf("what serves on is not shown: %+v", s)
	}
	freed := deleting(t, status.Teardown{Stack: held})
	if said(freed, "Available") == said(held, "Available") || freed.Status.Endpoints.URL != "" {
		t.Errorf("a deletion that goes on: Available is %s", said(freed, "Available"))
	}
}
