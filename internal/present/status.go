package present

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// Status says how a stack is: its progress, what stands in its way with the way out, and its addresses.
func Status(stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time, style Style) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s\n\n", style.Strong(v1.Kind+" "+stack.Namespace+"/"+stack.Name), readiness(stack, style))
	p := progressOf(stack, objects, now)
	for _, c := range p.components {
		fmt.Fprintf(&out, "  %-9s %s  %3d/%d\n", c.name, bar(c.count, style), c.ready, c.total)
	}
	fmt.Fprintf(&out, "  %s\n", p.headline())
	for _, b := range stack.Status.Blockers {
		fmt.Fprintf(&out, "\n  %s %s %s  %s for %s\n", style.sign(Failed), b.Kind, b.Name, b.Reason, age(b.Since.Time, now))
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

// readiness is the condition Ready in a few words.
func readiness(stack *v1.UserManagementStack, style Style) string {
	ready := meta.FindStatusCondition(stack.Status.Conditions, v1.ConditionReady)
	switch {
	case stack.DeletionTimestamp != nil:
		return style.paint(yellow, "being deleted")
	case ready == nil || ready.ObservedGeneration != stack.Generation:
		return style.paint(yellow, "not seen by the operator yet")
	case ready.Status == "True":
		return style.paint(green, "Ready")
	default:
		return style.paint(yellow, "not Ready: "+ready.Reason) + "\n  " + ready.Message
	}
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
