// Package status says how a stack is: conditions after kstatus, counts, blockers with the way out, addresses. All of it
// is functions of what a pass has seen and done.
package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/plan"
)

// Problem is why a node could not be applied.
type Problem struct {
	Reason, Message, Hint string
}

// assessment is the problem as the state of a node: nothing moves there until somebody acts.
func (p Problem) assessment() ack.Assessment {
	return ack.Assessment{Verdict: ack.Failed, Reason: p.Reason, Message: p.Message, Hint: p.Hint}
}

// Node is how one node of the graph is.
type Node struct {
	ID         string
	Component  v1.ComponentName
	Kind, Name string
	// Made says whether its object is there.
	Made bool
	// Rolling says that it is a host of another revision than the wanted one.
	Rolling bool
	// Pending says that its object is there and is not, or not surely, what it shall be: a change has to wait.
	Pending bool
	ack.Assessment
}

// Nodes says how each planned node is, by its object alone. A node that was written in this pass is at work, whatever its object
// said before.
func Nodes(f Facts) []Node {
	nodes := make([]Node, 0, len(f.Actions))
	for _, action := range f.Actions {
		nodes = append(nodes, f.nodeOf(action))
	}
	return nodes
}

func (f Facts) nodeOf(action plan.Action) Node {
	object := action.Node.Object
	n := Node{
		ID: action.Node.ID, Component: action.Node.Component, Kind: object.GetKind(), Name: object.GetName(),
		Made: action.Live != nil, Rolling: action.Verb == plan.Roll,
		Pending: action.Live != nil && action.Verb == plan.Wait,
	}
	if action.Live != nil {
		n.Name = action.Live.GetName()
	}
	problem, troubled := f.Problems[n.ID]
	switch {
	case troubled:
		n.Assessment = problem.assessment()
	case action.Verb == plan.Unserved:
		n.Assessment = unserved(object)
	case action.Verb == plan.Remake:
		n.Assessment = ack.Assessment{Reason: v1.ReasonProgressing, Message: "made again: " + action.Reason}
	case action.Verb.Writes():
		n.Made = true
		n.Assessment = ack.Assessment{Reason: v1.ReasonProgressing, Message: "just applied"}
	case action.Live == nil:
		n.Assessment = ack.Assessment{Reason: v1.ReasonDependencyNotReady, Message: action.Reason}
	default:
		n.Assessment = f.inTurn(ack.Assess(action.Live, f.Now), action.Live)
	}
	return n
}

const (
	// silence is how long ACK may be at work on no object of a kind, while some wait, before its controller counts as missing.
	silence = time.Minute
	// longestTurn is how long an object may wait for ACK while that is at work on others: longer than its longest backoff.
	longestTurn = 20 * time.Minute
)

// inTurn corrects what was said of an object that ACK has not taken up for long: it may only be busy. ACK works on the objects of
// a kind one after the other, and AWS throttles it, so that the last of a hundred stacks may wait for many minutes.
func (f Facts) inTurn(a ack.Assessment, object *unstructured.Unstructured) ack.Assessment {
	heard, ok := f.Heard[object.GetKind()]
	alone := !ok || f.Now.Sub(heard) >= silence || f.Now.Sub(ack.Changed(object)) >= longestTurn
	if a.Reason != v1.ReasonControllerMissing || alone {
		return a
	}
	return ack.Assessment{
		Reason: v1.ReasonProgressing, Message: "ACK is busy with other objects of its kind",
		Recheck: silence - max(0, f.Now.Sub(heard)),
	}
}

func unserved(object *unstructured.Unstructured) ack.Assessment {
	kind, err := ack.KindOf(object.GetKind())
	if err != nil {
		return Problem{Reason: v1.ReasonCRDMissing, Message: err.Error()}.assessment()
	}
	return Problem{
		Reason:  v1.ReasonCRDMissing,
		Message: "the cluster has no CustomResourceDefinition " + kind.CRD(),
		Hint:    fmt.Sprintf("install the ACK %s controller with its CRDs; the stack goes on by itself", kind.Service),
	}.assessment()
}

// ready says whether the node counts as ready: its object is usable, and it is the one that is asked for.
func (n Node) ready() bool { return n.Verdict == ack.Ready && !n.Pending }

// moving says whether the node will change without anybody's help.
func (n Node) moving() bool {
	return n.Made && (n.Verdict == ack.Waiting || n.Verdict == ack.Ready && n.Pending)
}

// troubled says whether somebody should know of this node. One that only waits for others is not to blame.
func (n Node) troubled() bool { return n.Problem() && n.Reason != v1.ReasonDependencyNotReady }

// label is the node's object as messages name it.
func (n Node) label() string { return label(n.Kind, cmp.Or(n.Name, n.ID)) }

func label(kind, name string) string { return kind + "/" + name }

func labels(nodes []Node) []string {
	names := make([]string, 0, len(nodes))
	for _, n := range nodes {
		names = append(names, n.label())
	}
	return names
}

func objectLabels(groups ...[]*unstructured.Unstructured) []string {
	var names []string
	for _, group := range groups {
		for _, object := range group {
			names = append(names, label(object.GetKind(), object.GetName()))
		}
	}
	return names
}

// maxNames bounds how many objects a message names.
const maxNames = 5

// list names a few objects, in order of their names, and counts the rest.
func list(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if len(names) <= maxNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
}
