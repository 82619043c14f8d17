package present

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

const (
	// barColumns is the length of a component's bar.
	barColumns = 30
	// maxWaiting bounds how many objects a screen of progress names.
	maxWaiting = 6
	// waitingColumns are those of an object's node and kind in a screen of progress.
	waitingColumns = 30
)

// count is how much of something is ready.
type count struct{ ready, total int32 }

// progress is a stack that is being made, counted from the objects themselves: a status is a moment behind them.
type progress struct {
	components []component
	all        count
	waiting    []row
}

type component struct {
	name v1.ComponentName
	count
}

func progressOf(stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time) progress {
	ready := map[v1.ComponentName]int32{}
	var p progress
	for _, object := range objects {
		r := rowOf(object, now)
		if r.assessment.Verdict == ack.Ready {
			ready[v1.ComponentName(object.GetLabels()[v1.LabelComponent])]++
		} else {
			p.waiting = append(p.waiting, r)
		}
	}
	for _, status := range stack.Status.Components {
		c := component{name: status.Name, count: count{ready: min(ready[status.Name], status.Total), total: status.Total}}
		p.components = append(p.components, c)
		p.all.ready += c.ready
		p.all.total += c.total
	}
	slices.SortStableFunc(p.waiting, byUrgency)
	return p
}

// byUrgency puts problems first.
func byUrgency(a, b row) int {
	if a.assessment.Problem() != b.assessment.Problem() {
		if a.assessment.Problem() {
			return -1
		}
		return 1
	}
	return strings.Compare(a.node, b.node)
}

// Progress draws one screen of a stack that is being made: a bar for each component, and what is waited for. It has the
// same number of lines from one look to the next, so that it stands still.
func Progress(stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time, style Style) string {
	p := progressOf(stack, objects, now)
	var out strings.Builder
	out.WriteString("\n")
	for _, c := range p.components {
		fmt.Fprintf(&out, "    %-9s %s  %3d/%d\n", c.name, bar(c.count, style), c.ready, c.total)
	}
	fmt.Fprintf(&out, "    %s\n\n", style.Strong(p.headline()))
	for i := range maxWaiting {
		switch {
		case i >= len(p.waiting):
			out.WriteString("\n")
		case i == maxWaiting-1 && len(p.waiting) > maxWaiting:
			fmt.Fprintf(&out, "    %s\n", style.Faint(fmt.Sprintf("  and %d more", len(p.waiting)-i)))
		default:
			out.WriteString(waitingLine(p.waiting[i], style))
		}
	}
	return out.String()
}

func waitingLine(r row, style Style) string {
	node := cut(r.node, waitingColumns)
	used := columns("    … ") + waitingColumns + columns(" ") + kindColumns + columns(" ")
	message := cut(r.assessment.Message, style.remaining(used))
	return fmt.Sprintf("    %s %s %s %s\n", style.mark(r.assessment), pad(node, waitingColumns), pad(r.kind, kindColumns),
		style.Faint(message))
}

func (p progress) headline() string {
	if p.all.total == 0 {
		return "waiting for the operator to take it up"
	}
	return fmt.Sprintf("%d of %d resources are ready", p.all.ready, p.all.total)
}

// ProgressLine is Progress in one line, for logs.
func ProgressLine(stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time) string {
	p := progressOf(stack, objects, now)
	if p.all.total == 0 {
		return p.headline()
	}
	parts := make([]string, 0, len(p.components))
	for _, c := range p.components {
		parts = append(parts, fmt.Sprintf("%s %d/%d", c.name, c.ready, c.total))
	}
	return fmt.Sprintf("%d/%d  %s", p.all.ready, p.all.total, strings.Join(parts, "  "))
}

func bar(c count, style Style) string {
	if c.total == 0 {
		return style.Faint(strings.Repeat("░", barColumns))
	}
	filled := int(c.ready) * barColumns / int(c.total)
	color := yellow
	if c.ready == c.total {
		color = green
	}
	return style.paint(color, strings.Repeat("█", filled)) + style.Faint(strings.Repeat("░", barColumns-filled))
}
