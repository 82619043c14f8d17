package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/status"
)

// report says how the stack is, and asks to be called again when time alone may change that.
func (p *pass) report(ctx context.Context) error {
	for _, node := range p.nodes() {
		p.again(node.Recheck)
	}
	p.again(p.rollout.Recheck)
	next := status.Of(p.facts())
	p.look(next)
	return p.writeStatus(ctx, next)
}

// nodes are how each node is, by its object alone.
func (p *pass) nodes() []status.Node {
	return status.Nodes(status.Facts{
		Actions: p.actions, Problems: p.problems, Heard: p.pulse.heard(p.stack.Namespace), Now: p.now,
	})
}

// facts are what the pass has found out so far.
func (p *pass) facts() status.Facts {
	return status.Facts{
		Stack: p.stack, Actions: p.actions, Problems: p.problems, Stale: p.stale, Contested: p.contested,
		Fleet: p.fleet, Rollout: p.rollout,
		Inventory: union(entries(p.actions, p.world.Objects()), p.unseen()), SetupSecret: p.secret.name,
		Heard: p.pulse.heard(p.stack.Namespace), Now: p.now,
	}
}

// unseen is the inventory's part that cannot be looked at, because its kind is not served.
func (p *pass) unseen() []v1.InventoryEntry {
	return slices.DeleteFunc(slices.Clone(p.stack.Status.Inventory), func(e v1.InventoryEntry) bool { return p.served[e.Kind] })
}

// writeStatus writes a status if its meaning changed. Mere progress is written in growing intervals: a stack's forty
// resources become ready one by one, and nobody reads that fast.
func (p *pass) writeStatus(ctx context.Context, next v1.UserManagementStackStatus) error {
	if equality.Semantic.DeepEqual(p.stack.Status, next) {
		return nil
	}
	if !status.Urgent(p.stack.Status, next) {
		if wait := p.progressDue().Sub(p.now); wait > 0 {
			p.again(wait)
			return nil
		}
	}
	before := p.stack
	after := before.DeepCopy()
	after.Status = next
	if err := p.client.Status().Patch(ctx, after, client.MergeFrom(before), client.FieldOwner(v1.ManagedBy)); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	p.written.wrote(after)
	p.written.tell(p.stack.UID, p.now)
	p.stack = after
	p.announce(before.Status, next)
	return nil
}

// progressDue is when progress may be told next: when the work has taken three times as long as when it was told last,
// but not sooner than after two seconds and not later than after a minute.
func (p *pass) progressDue() time.Time {
	const shortest, longest = 2 * time.Second, time.Minute
	told := p.written.toldAt(p.stack.UID)
	since := p.stack.CreationTimestamp.Time
	if ready := meta.FindStatusCondition(p.stack.Status.Conditions, v1.ConditionReady); ready != nil {
		since = ready.LastTransitionTime.Time
	}
	return told.Add(min(max(2*told.Sub(since), shortest), longest))
}

// announce tells of transitions: of Ready, and of every new blocker.
func (p *pass) announce(before, after v1.UserManagementStackStatus) {
	was := meta.FindStatusCondition(before.Conditions, v1.ConditionReady)
	is := meta.FindStatusCondition(after.Conditions, v1.ConditionReady)
	if is != nil && (was == nil || was.Status != is.Status) {
		switch {
		case is.Status == metav1.ConditionTrue:
			p.tell("Ready", "Report", "%s", is.Message)
			if was != nil {
				readySeconds.Observe(p.now.Sub(was.LastTransitionTime.Time).Seconds())
			}
		case was != nil:
			p.tell(is.Reason, "Report", "%s", is.Message)
		}
	}
	p.announceRollout(before.Rollout, after.Rollout)
	for _, blocker := range after.Blockers {
		if !hasBlocker(before.Blockers, blocker) && !p.ordinary(blocker) {
			p.warn(blocker.Reason, "Report", "%s/%s: %s", blocker.Kind, blocker.Name, blocker.Message)
		}
	}
	blocked := meta.FindStatusCondition(after.Conditions, v1.ConditionDeletionBlocked)
	if blocked != nil && !meta.IsStatusConditionTrue(before.Conditions, v1.ConditionDeletionBlocked) {
		p.warn(blocked.Reason, "Report", "%s", blocked.Message)
	}
}

// ordinary says that a blocker is what every deletion meets: AWS lets go of things a while after what used them is gone.
// When that takes too long the condition DeletionBlocked says so.
func (p *pass) ordinary(b v1.Blocker) bool {
	return p.stack.DeletionTimestamp != nil && b.Reason == v1.ReasonRecoverableError
}

func hasBlocker(list []v1.Blocker, wanted v1.Blocker) bool {
	for _, b := range list {
		if b.Node == wanted.Node && b.Name == wanted.Name && b.Reason == wanted.Reason {
			return true
		}
	}
	return false
}

func (p *pass) tell(reason, action, format string, args ...any) {
	p.events.Eventf(p.stack, nil, corev1.EventTypeNormal, reason, action, format, args...)
}

func (p *pass) warn(reason, action, format string, args ...any) {
	p.events.Eventf(p.stack, nil, corev1.EventTypeWarning, reason, action, format, args...)
}
