// Package present draws a stack for people in a terminal: as a tree of what it is made of, and as one screen of progress
// while it is made. Drawing is functions from objects to text; Objects alone reads a cluster.
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

// kindColumns is the width of the longest kind.
const kindColumns = len("DBParameterGroup")

// leastNodeColumns is the room that nodes keep in a narrow tree; AWS's ids need the rest.
const leastNodeColumns = len("subnet-public-us-east-2a")

// row is one object in a tree.
type row struct {
	node, kind, name, identity string
	assessment                 ack.Assessment
}

// Tree draws what a stack is made of, by component, each object with its state and its AWS identity.
func Tree(stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time, style Style) string {
	byComponent := map[v1.ComponentName][]row{}
	widest := 0
	for _, object := range objects {
		r := rowOf(object, now)
		widest = max(widest, columns(r.node))
		component := v1.ComponentName(object.GetLabels()[v1.LabelComponent])
		byComponent[component] = append(byComponent[component], r)
	}
	if style.Columns > 0 {
		widest = min(widest, max(leastNodeColumns, style.Columns*3/10))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", style.Strong(v1.Kind+" "+stack.Namespace+"/"+stack.Name))
	var parts []v1.ComponentName
	for _, name := range v1.ComponentNames() {
		if len(byComponent[name]) > 0 {
			parts = append(parts, name)
		}
	}
	for i, name := range parts {
		branch(&out, string(name), byComponent[name], i == len(parts)-1, widest, style)
	}
	return out.String()
}

func branch(out *strings.Builder, name string, rows []row, last bool, widest int, style Style) {
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.node+a.name, b.node+b.name) })
	elbow, rail := "├─ ", "│  "
	if last {
		elbow, rail = "└─ ", "   "
	}
	fmt.Fprintf(out, "%s%s\n", elbow, style.Strong(name))
	for i, r := range rows {
		twig := "├─ "
		if i == len(rows)-1 {
			twig = "└─ "
		}
		fmt.Fprintf(out, "%s%s%s %s  %s  %s\n", rail, twig, style.mark(r.assessment), pad(cut(r.node, widest), widest),
			pad(r.kind, kindColumns), r.outcome(style, widest))
	}
}

// outcome is what AWS calls the resource and, if it is not ready, why.
func (r row) outcome(style Style, widest int) string {
	room := style.remaining(columns("│  ├─ ✓ ") + widest + kindColumns + columns("    "))
	if r.assessment.Verdict == ack.Ready {
		return cut(r.identity, room)
	}
	if r.identity == "" {
		return style.Faint(cut(r.assessment.Message, room))
	}
	return style.Faint(cut(r.identity+"  "+r.assessment.Message, room))
}

func rowOf(object *unstructured.Unstructured, now time.Time) row {
	return row{
		node: object.GetLabels()[v1.LabelNode], kind: object.GetKind(), name: object.GetName(),
		identity: Identity(object), assessment: ack.Assess(object, now),
	}
}

// Identity is what AWS calls the resource behind an object: its id, what its ARN names, or its address.
func Identity(object *unstructured.Unstructured) string {
	for _, output := range []string{ack.OutputID, ack.OutputDNSName, ack.OutputEndpointAddress} {
		if value, ok := ack.Value(object, output); ok {
			return value
		}
	}
	if arn, ok := ack.Value(object, ack.OutputARN); ok {
		parts := strings.SplitN(arn, ":", 6)
		resource := parts[len(parts)-1]
		if at := strings.IndexAny(resource, "/:"); at >= 0 {
			return resource[at+1:]
		}
		return resource
	}
	name, _, _ := unstructured.NestedString(object.Object, "spec", "name")
	return strings.TrimSuffix(name, ".")
}
