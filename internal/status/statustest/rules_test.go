package statustest_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack/acktest"
	"usermanagement.dev/stack/internal/status/statustest"
)

var since = metav1.NewTime(acktest.Start)

func set(kind string, status metav1.ConditionStatus, reason, message string) func(*v1.UserManagementStack) {
	return func(stack *v1.UserManagementStack) {
		meta.RemoveStatusCondition(&stack.Status.Conditions, kind)
		stack.Status.Conditions = append(stack.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: message,
			ObservedGeneration: stack.Status.ObservedGeneration, LastTransitionTime: since,
		})
	}
}

func remove(kind string) func(*v1.UserManagementStack) {
	return func(stack *v1.UserManagementStack) { meta.RemoveStatusCondition(&stack.Status.Conditions, kind) }
}

func progress(ready int32, summary string) func(*v1.UserManagementStack) {
	return func(stack *v1.UserManagementStack) {
		stack.Status.Progress = v1.Progress{Ready: ready, Total: 2, Summary: summary}
	}
}

func deleted(stack *v1.UserManagementStack) { stack.DeletionTimestamp = &since }

func blocker(change func(*v1.Blocker)) func(*v1.UserManagementStack) {
	return func(stack *v1.UserManagementStack) {
		b := v1.Blocker{Node: "vpc", Kind: "VPC", Name: "vpc", Reason: v1.ReasonRejected, Message: "no", Hint: "yes", Since: since}
		change(&b)
		stack.Status.Blockers = append(stack.Status.Blockers, b)
	}
}

// ready is a stack whose status breaks no rule.
func ready(changes ...func(*v1.UserManagementStack)) *v1.UserManagementStack {
	stack := &v1.UserManagementStack{}
	stack.Generation, stack.Status.ObservedGeneration = 3, 3
	set(v1.ConditionReady, metav1.ConditionTrue, v1.ReasonSucceeded, "all 2 resources are ready")(stack)
	set(v1.ConditionAvailable, metav1.ConditionTrue, v1.ReasonSucceeded, "")(stack)
	for _, name := range v1.ComponentNames() {
		set(v1.ComponentCondition(name), metav1.ConditionTrue, v1.ReasonSucceeded, "")(stack)
	}
	progress(2, "2/2")(stack)
	for _, change := range changes {
		change(stack)
	}
	return stack
}

// working is a stack that is on its way.
func working(changes ...func(*v1.UserManagementStack)) *v1.UserManagementStack {
	return ready(append([]func(*v1.UserManagementStack){
		set(v1.ConditionReady, metav1.ConditionFalse, v1.ReasonProgressing, "waiting for VPC/a, VPC/b"),
		set(v1.ConditionReconciling, metav1.ConditionTrue, v1.ReasonProgressing, ""), progress(1, "1/2"),
	}, changes...)...)
}

func TestGoodStatusesBreakNoRule(t *testing.T) {
	suspended := set(v1.ConditionSuspended, metav1.ConditionTrue, v1.ReasonSuspended, "")
	for why, stack := range map[string]*v1.UserManagementStack{
		"nobody has written it yet": {},
		"ready":                     ready(),
		"on its way":                working(blocker(func(*v1.Blocker) {})),
		"stalled": working(remove(v1.ConditionReconciling),
			set(v1.ConditionStalled, metav1.ConditionTrue, v1.ReasonRejected, "")),
		"a generation behind":  ready(func(s *v1.UserManagementStack) { s.Generation = 4 }),
		"suspended":            ready(set(v1.ConditionReady, metav1.ConditionUnknown, v1.ReasonSuspended, ""), suspended),
		"suspended when ready": ready(suspended),
		"deleted": working(deleted, set(v1.ConditionDeletionBlocked, metav1.ConditionTrue, v1.ReasonTerminalError, ""),
			remove("NetworkReady")),
	} {
		for _, violation := range statustest.Rules(stack) {
			t.Errorf("%s: %s", why, violation)
		}
	}
}

func TestEachRuleCanBeBroken(t *testing.T) {
	const yes, no = metav1.ConditionTrue, metav1.ConditionFalse
	for _, c := range []struct {
		stack *v1.UserManagementStack
		says  string
	}{
		{ready(remove(v1.ConditionReady)), "Ready is missing"},
		{ready(remove(v1.ConditionAvailable)), "Available is missing"},
		{ready(remove("DataReady")), "DataReady is missing"},
		{ready(func(s *v1.UserManagementStack) {
			s.Status.Conditions = append(s.Status.Conditions, s.Status.Conditions[0])
		}), "Ready is there twice"},
		{ready(set("Healthy", yes, v1.ReasonSucceeded, "")), "no condition is called Healthy"},
		{ready(set(v1.ConditionStalled, no, v1.ReasonSucceeded, "")), "abnormal condition Stalled is False"},
		{ready(set(v1.ConditionDrifted, metav1.ConditionUnknown, v1.ReasonDriftDetected, "")), "abnormal condition Drifted is Unknown"},
		{working(set(v1.ConditionStalled, yes, v1.ReasonRejected, "")), "Reconciling beside Stalled"},
		{working(set(v1.ConditionSuspended, yes, v1.ReasonSuspended, "")), "Suspended beside"},
		{ready(set(v1.ConditionReconciling, yes, v1.ReasonProgressing, "")), "Ready beside Reconciling"},
		{working(remove(v1.ConditionReconciling)), "neither Reconciling, Stalled nor Suspended"},
		{ready(set(v1.ConditionReady, metav1.ConditionUnknown, v1.ReasonProgressing, "")), "neither Reconciling"},
		{ready(set("DataReady", no, v1.ReasonProgressing, "")), "Ready although DataReady"},
		{ready(set(v1.ConditionAvailable, no, v1.ReasonNotServing, "")), "Ready although Available"},
		{ready(set(v1.ConditionDrifted, yes, v1.ReasonDriftDetected, "")), "Ready beside Drifted"},
		{ready(set(v1.ConditionRolloutNeeded, yes, v1.ReasonRolloutNeeded, "")), "Ready beside RolloutNeeded"},
		{ready(func(s *v1.UserManagementStack) { s.Generation = 2 }), "ahead of the stack's"},
		{
			ready(func(s *v1.UserManagementStack) { s.Status.Conditions[1].ObservedGeneration = 2 }),
			"speaks of generation 2 instead of 3",
		},
		{working(func(s *v1.UserManagementStack) { s.Status.Conditions[1].ObservedGeneration = 9 }), "speaks of generation 9"},
		{ready(set("DataReady", yes, "", "")), `the reason ""`},
		{ready(set("DataReady", yes, "Fine", "")), `the reason "Fine"`},
		{ready(func(s *v1.UserManagementStack) { s.Status.Conditions[0].LastTransitionTime = metav1.Time{} }), "no lastTransitionTime"},
		{ready(set("DataReady", yes, v1.ReasonSucceeded, strings.Repeat("x", 1025))), "1025 bytes"},
		{ready(set("DataReady", yes, v1.ReasonSucceeded, "failed, RequestID: 5a-0b")), "a request id"},
		{ready(set("DataReady", yes, v1.ReasonSucceeded, "since 2026-01-02T10:00:00Z")), "a time"},
		{ready(set("DataReady", yes, v1.ReasonSucceeded, "two\nlines")), "not one line"},
		{ready(set("DataReady", yes, v1.ReasonSucceeded, "VPC/b, VPC/a")), "at most 5, sorted"},
		{ready(set("DataReady", yes, v1.ReasonSucceeded, "VPC/a, VPC/b, VPC/c, VPC/d, VPC/e, VPC/f")), "at most 5, sorted"},
		{working(set(v1.ConditionDeletionBlocked, yes, v1.ReasonTerminalError, "")), "nobody deletes"},
		{ready(deleted), "Ready while being deleted"},
		{working(blocker(func(b *v1.Blocker) { b.Hint = "" })), "what to do"},
		{working(blocker(func(b *v1.Blocker) { b.Since = metav1.Time{} })), "since when"},
		{working(blocker(func(b *v1.Blocker) { b.Node = "" })), "does not name its object"},
		{working(blocker(func(b *v1.Blocker) { b.Reason = "Bad" })), `the reason "Bad"`},
		{working(blocker(func(b *v1.Blocker) { b.Message = "at 2026-01-02" })), "a time"},
		{ready(blocker(func(*v1.Blocker) {})), "Ready with 1 blockers"},
		{working(func(s *v1.UserManagementStack) { s.Status.Blockers = make([]v1.Blocker, 11) }), "11 blockers"},
		{ready(progress(1, "1/2")), "Ready with progress 1/2"},
		{working(progress(3, "3/2")), "progress"},
		{working(progress(1, "2/2")), "progress"},
		{
			working(func(s *v1.UserManagementStack) { s.Status.Components = []v1.ComponentStatus{{Ready: 2, Total: 2}} }),
			"the components have 2 of 2",
		},
		{working(func(s *v1.UserManagementStack) { s.Status.Hosts.Ready = 1 }), "hosts"},
	} {
		if violations := strings.Join(statustest.Rules(c.stack), "\n"); !strings.Contains(violations, c.says) {
			t.Errorf("%q is not said of a stack that breaks that rule, but:\n%s", c.says, violations)
		}
	}
}
