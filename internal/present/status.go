package present

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// Status says how a stack is: its progress, its hosts and their rollout, what stands in its way with the way out, and its
// addresses.
func Status(stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time, style Style) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s\n", style.Strong(v1.Kind+" "+stack.Namespace+"/"+stack.Name), readiness(stack, style))
	if p := progressOf(stack, objects, now); len(p.components) > 0 || stack.DeletionTimestamp == nil {
		// A stack on its way out counts no components.
		out.WriteString("\n" + p.bars(style))
	}
	out.WriteString(hosts(stack, now, style))
	for _, b := range stack.Status.Blockers {
		fmt.Fprintf(&out, "\n  %s %s %s  %s for %s\n", style.sign(graveness(stack, b)), b.Kind, b.Name, b.Reason, age(b.Since.Time, now))
		if b.Message != "" {
			fmt.Fprintf(&out, "    %s\n", b.Message)
		}
		if b.Hint != "" {
			fmt.Fprintf(&out, "    %s %s\n", style.paint(yellow, "→"), b.Hint)
		}
	}
	if addresses := Endpoints(stack, style); addresses != "" {
		fmt.Fprintf(&out, "\n%s", indent(addresses))
	}
	return out.String()
}

// graveness is how bad a blocker is. In a deletion AWS lets go of most things a while after what used them is gone.
func graveness(stack *v1.UserManagementStack, b v1.Blocker) State {
	if stack.DeletionTimestamp != nil && b.Reason == v1.ReasonRecoverableError && held(stack, v1.ConditionDeletionBlocked) == "" {
		return UnderWay
	}
	return Failed
}

// bars are the components' and, below them, the sum.
func (p progress) bars(style Style) string {
	var out strings.Builder
	for _, c := range p.components {
		fmt.Fprintf(&out, "  %-9s %s  %3d/%d\n", c.name, bar(c.count, style), c.ready, c.total)
	}
	fmt.Fprintf(&out, "  %s\n", p.headline())
	return out.String()
}

// readiness is the condition Ready in a few words, and below it what the stack says of itself unless all is well.
func readiness(stack *v1.UserManagementStack, style Style) string {
	ready := meta.FindStatusCondition(stack.Status.Conditions, v1.ConditionReady)
	current := ready != nil && ready.ObservedGeneration == stack.Generation
	isReady := meta.IsStatusConditionTrue(stack.Status.Conditions, v1.ConditionReady)
	switch {
	case stack.DeletionTimestamp != nil:
		return style.paint(yellow, "being deleted") + below(deletion(stack))
	case !current:
		return style.paint(yellow, "not seen by the operator yet")
	case meta.IsStatusConditionTrue(stack.Status.Conditions, v1.ConditionSuspended):
		text := "suspended"
		if isReady {
			text = "Ready, suspended"
		}
		return style.paint(yellow, text) + below(held(stack, v1.ConditionSuspended))
	case isReady:
		return style.paint(green, "Ready")
	default:
		return style.paint(yellow, "not Ready: "+ready.Reason+served(stack)) + below(ready.Message) +
			below(held(stack, v1.ConditionDrifted))
	}
}

// deletion is what a deletion waits for: somebody's decision, or the objects that are left.
func deletion(stack *v1.UserManagementStack) string {
	return cmp.Or(held(stack, v1.ConditionDeletionBlocked), held(stack, v1.ConditionStalled), held(stack, v1.ConditionSuspended),
		held(stack, v1.ConditionReconciling), "the operator has not begun with it")
}

// held is the message of a condition that is true and speaks of the present spec; empty otherwise.
func held(stack *v1.UserManagementStack, name string) string {
	c := meta.FindStatusCondition(stack.Status.Conditions, name)
	if c == nil || c.Status != metav1.ConditionTrue || c.ObservedGeneration != stack.Generation {
		return ""
	}
	return c.Message
}

// served says of a stack that is not Ready whether people notice, where that is known.
func served(stack *v1.UserManagementStack) string {
	switch c := meta.FindStatusCondition(stack.Status.Conditions, v1.ConditionAvailable); {
	case c == nil || c.Status == metav1.ConditionUnknown:
		return ""
	case c.Status == metav1.ConditionTrue:
		return "; users are served"
	default:
		return "; users are not served"
	}
}

func below(message string) string {
	if message == "" {
		return ""
	}
	return "\n  " + message
}

// age is a time span as people say it.
func age(since, now time.Time) string {
	d := now.Sub(since)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	default:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}
