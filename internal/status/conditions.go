package status

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// conditionSet collects a pass's conditions. What is not set in a pass is not kept from the one before.
type conditionSet struct {
	before     []metav1.Condition
	generation int64
	now        metav1.Time
	list       []metav1.Condition
}

func newConditionSet(stack *v1.UserManagementStack, now time.Time) *conditionSet {
	return &conditionSet{
		before: stack.Status.Conditions, generation: stack.Generation, now: metav1.NewTime(now.Truncate(time.Second)),
	}
}

// maxMessage bounds a condition's message, in bytes.
const maxMessage = 1024

// set puts a condition in. Its time of transition stays while its status does.
func (c *conditionSet) set(kind string, status metav1.ConditionStatus, reason, message string) {
	condition := metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: ack.StableMessage(message, maxMessage),
		ObservedGeneration: c.generation, LastTransitionTime: c.now,
	}
	if old := meta.FindStatusCondition(c.before, kind); old != nil && old.Status == status {
		condition.LastTransitionTime = old.LastTransitionTime
	}
	c.list = append(c.list, condition)
}

// keep takes conditions over as they were, with the generation that they speak of. One that never was is Unknown.
func (c *conditionSet) keep(kinds ...string) {
	for _, kind := range kinds {
		if old := meta.FindStatusCondition(c.before, kind); old != nil {
			c.list = append(c.list, *old)
		} else {
			c.set(kind, metav1.ConditionUnknown, v1.ReasonProgressing, "not looked at yet")
		}
	}
}

// componentConditions are the conditions of all parts of the stack.
func componentConditions() []string {
	names := v1.ComponentNames()
	kinds := make([]string, 0, len(names))
	for _, name := range names {
		kinds = append(kinds, v1.ComponentCondition(name))
	}
	return kinds
}

// components sets one condition for each part of the stack.
func (c *conditionSet) components(nodes []Node, domain bool) []v1.ComponentStatus {
	names := v1.ComponentNames()
	counts := make([]v1.ComponentStatus, 0, len(names))
	for _, name := range names {
		part := outcomeOf(slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return n.Component != name }))
		counts = append(counts, v1.ComponentStatus{
			Name: name, Ready: int32(part.ready), Total: int32(part.total), //nolint:gosec // a stack has tens of nodes
		})
		c.component(name, part, domain)
	}
	return counts
}

func (c *conditionSet) component(name v1.ComponentName, part outcome, domain bool) {
	kind := v1.ComponentCondition(name)
	switch problems := part.problems(); {
	case len(problems) > 0:
		worst := problems[0]
		c.set(kind, metav1.ConditionFalse, worst.Reason, worst.label()+": "+worst.Message)
	case len(part.waiting) > 0:
		c.set(kind, metav1.ConditionFalse, v1.ReasonProgressing, "waiting for "+list(labels(part.waiting)))
	case name == v1.ComponentEndpoint && !domain:
		c.set(kind, metav1.ConditionTrue, v1.ReasonNoDomain,
			"spec.ingress.domain is not set: the app is served over plain HTTP under the load balancer's own name")
	case part.total == 0:
		c.set(kind, metav1.ConditionTrue, v1.ReasonSucceeded, "nothing of this part is asked for")
	default:
		c.set(kind, metav1.ConditionTrue, v1.ReasonSucceeded, fmt.Sprintf("all %d resources are ready", part.total))
	}
}

// outcome is a stack's nodes, sorted by what they mean for Ready.
type outcome struct {
	total, ready     int
	failed, troubled []Node
	waiting, rolling []Node
	moving           bool
}

func outcomeOf(nodes []Node) outcome {
	o := outcome{total: len(nodes)}
	for _, n := range nodes {
		o.moving = o.moving || n.moving()
		if n.Rolling {
			o.rolling = append(o.rolling, n)
		}
		switch {
		case n.ready():
			o.ready++
		case n.Verdict == ack.Failed:
			o.failed = append(o.failed, n)
		case n.troubled():
			o.troubled = append(o.troubled, n)
		default:
			o.waiting = append(o.waiting, n)
		}
	}
	return o
}

// problems are the nodes that somebody should know of, the hopeless ones first.
func (o outcome) problems() []Node { return slices.Concat(o.failed, o.troubled) }

// summarize sets Ready with Reconciling or Stalled beside it. Stalled is said only when nothing moves by itself.
func (c *conditionSet) summarize(o outcome, stale []string, roll *v1.RolloutStatus) {
	counted := fmt.Sprintf("%d of %d resources are ready", o.ready, o.total)
	switch problems := o.problems(); {
	case len(problems) > 0:
		first := problems[0]
		message := fmt.Sprintf("%s; %s: %s", counted, first.label(), first.Message)
		c.set(v1.ConditionReady, metav1.ConditionFalse, first.Reason, message)
		if o.moving {
			c.set(v1.ConditionReconciling, metav1.ConditionTrue, v1.ReasonProgressing, "work goes on where it can")
		} else {
			c.set(v1.ConditionStalled, metav1.ConditionTrue, first.Reason, message)
		}
	case len(o.waiting) > 0:
		c.reconciling(counted + "; waiting for " + list(labels(frontier(o.waiting))))
	case len(stale) > 0:
		c.reconciling("removing what is no longer asked for: " + list(stale))
	case roll != nil:
		c.rolling(roll)
	case len(o.rolling) > 0:
		c.reconciling(fmt.Sprintf("%d of the hosts run another revision than the spec asks for", len(o.rolling)))
	default:
		c.set(v1.ConditionReady, metav1.ConditionTrue, v1.ReasonSucceeded, fmt.Sprintf("all %d resources are ready", o.total))
	}
}

// rolling says how a rollout goes, of a stack that is all there otherwise.
func (c *conditionSet) rolling(roll *v1.RolloutStatus) {
	switch roll.Step {
	case v1.RolloutFailed:
		c.stalled(v1.ReasonRolloutFailed,
			roll.FailureMessage+"; the hosts from before serve on until the spec asks for another revision")
	case v1.RolloutPaused:
		c.stalled(v1.ReasonRolloutPaused, roll.Message)
	default:
		c.set(v1.ConditionReady, metav1.ConditionFalse, v1.ReasonRollingOut, roll.Message)
		c.set(v1.ConditionReconciling, metav1.ConditionTrue, v1.ReasonRollingOut, roll.Message)
	}
}

func (c *conditionSet) stalled(reason, message string) {
	c.set(v1.ConditionReady, metav1.ConditionFalse, reason, message)
	c.set(v1.ConditionStalled, metav1.ConditionTrue, reason, message)
}

func (c *conditionSet) reconciling(message string) {
	c.set(v1.ConditionReady, metav1.ConditionFalse, v1.ReasonProgressing, message)
	c.set(v1.ConditionReconciling, metav1.ConditionTrue, v1.ReasonProgressing, message)
}

// frontier is what is really waited for: the objects that are there, or all if none is.
func frontier(waiting []Node) []Node {
	var made []Node
	for _, n := range waiting {
		if n.Made {
			made = append(made, n)
		}
	}
	if len(made) == 0 {
		return waiting
	}
	return made
}
