package present

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/observe"
	"usermanagement.dev/stack/internal/plan"
)

// change is one object that would not stay as it is.
type change struct {
	sign, color string
	node, kind  string
	// what would become of it, and the fields that are the cause.
	what   string
	fields []string
}

// Changes lists what a plan would do with a stack's objects, each with the fields that make it so. Objects that nothing
// asks for any more are those in stale; one that another of the same node replaces is told of with that one.
func Changes(stack *v1.UserManagementStack, actions []plan.Action, stale []*unstructured.Unstructured, style Style) string {
	changes, staying := changesOf(actions, stale)
	counts := map[string]int{}
	widest := 0
	for _, c := range changes {
		widest = max(widest, columns(c.node))
		counts[c.sign]++
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", style.Strong(v1.Kind+" "+stack.Namespace+"/"+stack.Name))
	for _, c := range changes {
		c.write(&out, widest, style)
	}
	fmt.Fprintf(&out, "\n%s\n", tally(counts, staying))
	if stack.Spec.Suspend {
		fmt.Fprintf(&out, "%s\n", style.paint(yellow, "With spec.suspend none of it is done until that is false."))
	}
	return out.String()
}

// Going says of a stack that is being deleted why there is nothing to compare.
func Going(stack *v1.UserManagementStack, style Style) string {
	return style.Strong(v1.Kind+" "+stack.Namespace+"/"+stack.Name) +
		"\n\nIt is being deleted: apply the manifest when it is gone, and all of it is made anew.\n"
}

// changesOf are all changes, and how many nodes have none.
func changesOf(actions []plan.Action, stale []*unstructured.Unstructured) (changes []change, staying int) {
	going := map[string]*unstructured.Unstructured{}
	for _, object := range stale {
		going[object.GetLabels()[v1.LabelNode]] = object
	}
	for _, action := range actions {
		if action.Verb == plan.Replace && action.Live == nil {
			action.Live = going[action.Node.ID]
			stale = slices.DeleteFunc(slices.Clone(stale), func(o *unstructured.Unstructured) bool { return o == action.Live })
		}
		if c, ok := changeOf(action); ok {
			changes = append(changes, c)
		} else {
			staying++
		}
	}
	for _, object := range stale {
		changes = append(changes, leaving(object))
	}
	return changes, staying
}

const (
	signMade     = "+"
	signChanged  = "~"
	signReplaced = "±"
	signWaiting  = "…"
	signDeleted  = "-"
)

// changeOf says what would become of a node; nothing if it stays as it is.
func changeOf(action plan.Action) (change, bool) {
	c := change{node: action.Node.ID, kind: action.Node.Object.GetKind(), color: yellow}
	switch action.Verb {
	case plan.Create:
		c.sign, c.color, c.what = signMade, green, "made"
	case plan.Update:
		c.sign, c.what = signChanged, "changed in place"
		c.fields = fields(action.Desired, action.Live)
	case plan.Replace:
		c.sign, c.what = signReplaced, "another is made, and the old one is deleted"
		if action.Live != nil {
			c.fields = fields(action.Node.Object, action.Live)
		}
	case plan.Remake:
		c.sign, c.what = signReplaced, "deleted and made again: "+action.Reason
	case plan.Roll:
		c.sign, c.what = signReplaced, "replaced in a rollout: another host beside it, proven and drained, then this one goes"
		c.fields = fields(action.Node.Object, action.Live)
	case plan.Wait:
		c.sign, c.what = signWaiting, "may change: "+action.Reason
	case plan.Keep, plan.Unserved:
		return c, false
	}
	return c, true
}

// leaving is an object that nothing asks for any more. A host among them goes by a rollout.
func leaving(object *unstructured.Unstructured) change {
	c := change{
		sign: signDeleted, color: red, node: object.GetLabels()[v1.LabelNode], kind: object.GetKind(), what: "deleted",
	}
	if observe.IsHost(object) {
		c.what = "drained, then deleted"
	}
	return c
}

func (c change) write(out *strings.Builder, widest int, style Style) {
	room := style.remaining(columns("+ ") + widest + kindColumns + columns("    "))
	fmt.Fprintf(out, "\n%s %s  %s  %s\n", style.paint(c.color, c.sign), pad(c.node, widest), pad(c.kind, kindColumns), cut(c.what, room))
	for _, field := range c.fields {
		fmt.Fprintf(out, "    %s\n", style.Faint(cut(field, style.remaining(columns("    ")))))
	}
}

// tally counts what would happen, in one sentence.
func tally(counts map[string]int, staying int) string {
	var parts []string
	for _, kind := range []struct{ sign, what string }{
		{signMade, "made"},
		{signChanged, "changed in place"},
		{signReplaced, "replaced"},
		{signWaiting, "may change"},
		{signDeleted, "deleted"},
	} {
		if n := counts[kind.sign]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind.what))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("Nothing would change: all %d resources are as the manifest says.", staying)
	}
	return fmt.Sprintf("%s; %d stay as they are.", strings.Join(parts, ", "), staying)
}
