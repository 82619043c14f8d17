package status

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/prune"
)

// Teardown is what a deletion has come to.
type Teardown struct {
	Stack *v1.UserManagementStack
	Step  prune.Step
	// Blocked is why the deletion cannot go on, or nil.
	Blocked *Problem
	// Inventory is what is still there.
	Inventory []v1.InventoryEntry
	Now       time.Time
}

// Deleting is the status of a stack on its way out: what it waits for, by name, and why that takes long.
func Deleting(t Teardown) v1.UserManagementStackStatus {
	if t.Blocked != nil {
		return t.held()
	}
	status := *t.Stack.Status.DeepCopy()
	c := newConditionSet(t.Stack, t.Now)
	left := len(t.Step.Delete) + len(t.Step.Going) + len(t.Step.Held)
	status.Blockers = blockers(t.refused(), t.Stack.Status.Blockers, t.Now)
	message := "deleting; waiting for the last objects to go"
	if names := objectLabels(t.Step.Going, t.Step.Delete); len(names) > 0 {
		message = fmt.Sprintf("deleting; %d objects are left, waiting for %s", left, list(names))
	}
	c.set(v1.ConditionReady, metav1.ConditionFalse, v1.ReasonDeleting, message)
	c.set(v1.ConditionReconciling, metav1.ConditionTrue, v1.ReasonWaitingForDeletion, message)
	c.deletionBlocked(status.Blockers, t.Now)
	c.set(v1.ConditionAvailable, metav1.ConditionFalse, v1.ReasonDeleting, "the stack is being deleted")
	status.ObservedGeneration, status.Conditions = t.Stack.Generation, c.list
	status.Inventory = t.Inventory
	status.Progress = progressOf(0, left)
	status.Components, status.Hosts, status.Rollout, status.Endpoints = nil, v1.HostsStatus{}, nil, v1.Endpoints{}
	return status
}

// held is the status of a stack whose deletion waits for somebody's decision. What it has serves on as before, and is shown
// as it was seen last.
func (t Teardown) held() v1.UserManagementStackStatus {
	status := *t.Stack.Status.DeepCopy()
	c := newConditionSet(t.Stack, t.Now)
	status.Blockers = blockers(t.refused(), t.Stack.Status.Blockers, t.Now)
	message := t.Blocked.Message + "; " + t.Blocked.Hint
	c.set(v1.ConditionReady, metav1.ConditionFalse, v1.ReasonDeleting, t.Blocked.Message)
	c.set(v1.ConditionStalled, metav1.ConditionTrue, t.Blocked.Reason, message)
	c.set(v1.ConditionDeletionBlocked, metav1.ConditionTrue, t.Blocked.Reason, message)
	c.keep(v1.ConditionAvailable)
	for _, kind := range componentConditions() {
		if meta.FindStatusCondition(c.before, kind) != nil {
			c.keep(kind)
		}
	}
	status.ObservedGeneration, status.Conditions = t.Stack.Generation, c.list
	status.Inventory = t.Inventory
	return status
}

// refusalsEnd is how long AWS may refuse a deletion without anything being wrong: RDS lets go of a subnet group only when
// the database in it is really gone, which takes a quarter of an hour.
const refusalsEnd = 20 * time.Minute

// deletionBlocked says that a deletion needs somebody: ACK has given it up, or AWS refuses it longer than it ever does by
// itself.
func (c *conditionSet) deletionBlocked(blockers []v1.Blocker, now time.Time) {
	for _, b := range blockers {
		if b.Reason != v1.ReasonRecoverableError || now.Sub(b.Since.Time) >= refusalsEnd {
			c.set(v1.ConditionDeletionBlocked, metav1.ConditionTrue, b.Reason,
				fmt.Sprintf("%s: %s; %s", label(b.Kind, b.Name), b.Message, b.Hint))
			return
		}
	}
}

// refused are the objects whose deletion AWS or ACK refuses at present, and those that cannot be asked to go yet.
func (t Teardown) refused() []Node {
	nodes := refusals(t.Step.Going)
	for _, object := range t.Step.Delete {
		if !ack.MustSettle(object) || ack.Settled(object, t.Now) {
			continue
		}
		if assessment := ack.Assess(object, t.Now); assessment.Problem() {
			assessment.Message = "its deletion protection is not off in AWS yet: " + assessment.Message
			nodes = append(nodes, nodeFrom(object, assessment))
		}
	}
	return nodes
}

// refusals are the objects whose deletion is refused.
func refusals(going []*unstructured.Unstructured) []Node {
	var nodes []Node
	for _, object := range going {
		if object.GetDeletionTimestamp() == nil {
			continue
		}
		if refusal, ok := ack.Refusal(object); ok {
			nodes = append(nodes, nodeFrom(object, refusal))
		}
	}
	return nodes
}

func nodeFrom(object *unstructured.Unstructured, assessment ack.Assessment) Node {
	return Node{
		ID: cmp.Or(object.GetLabels()[v1.LabelNode], object.GetName()), Kind: object.GetKind(), Name: object.GetName(),
		Made: true, Assessment: assessment,
	}
}
