// Package graph holds a stack's resources as nodes and the values that flow between them as edges. It knows no
// Kubernetes client and no clock: a graph is a value, made anew in every pass.
package graph

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// Output names one value that a node publishes once it is there. Example: {vpc vpcID}
type Output struct {
	Node, Field string
}

// String is the output as messages show it.
func (o Output) String() string { return o.Node + "." + o.Field }

// Node is one resource of a stack.
type Node struct {
	// ID is the node's place in the stack. Example: subnet-app-us-east-2a
	ID string
	// Component is the part of the stack that counts this node.
	Component v1.ComponentName
	// Object is what shall be: only fields that the operator means to own. It is complete only if Missing is empty.
	Object *unstructured.Unstructured
	// Needs are the nodes that this one takes values from or waits for, sorted. They go after it in a deletion.
	Needs []string
	// Missing are the values that are not there yet, in the order in which they were asked for.
	Missing []Output
	// Revision is what the object shall be in the parts that cannot change in place; a live object of this node with
	// another revision is kept until it is replaced in good order. Empty for nodes that have no such parts, and while
	// a value that it is made from is not known.
	Revision string
}

// Runnable says whether everything that the object is made from is known.
func (n *Node) Runnable() bool { return len(n.Missing) == 0 }

// Graph is a stack's nodes in an order in which each stands after all that it needs.
type Graph struct {
	nodes []*Node
	byID  map[string]*Node
}

// New orders the nodes. It fails on two nodes of one name, on a need that no node has, and on a cycle, which it names.
func New(nodes []*Node) (*Graph, error) {
	g := &Graph{byID: make(map[string]*Node, len(nodes))}
	for _, n := range nodes {
		if g.byID[n.ID] != nil {
			return nil, fmt.Errorf("graph: two nodes are called %s", n.ID)
		}
		g.byID[n.ID] = n
	}
	o := ordering{graph: g, state: make(map[string]visit, len(nodes))}
	for _, n := range nodes {
		if err := o.visit(n.ID, nil); err != nil {
			return nil, err
		}
	}
	g.nodes = o.sorted
	return g, nil
}

// Nodes are all nodes, each after all that it needs.
func (g *Graph) Nodes() []*Node { return g.nodes }

// Node is the node of that name, or nil.
func (g *Graph) Node(id string) *Node { return g.byID[id] }

// Waves groups the nodes by their distance from those that need nothing: what stands in one wave can be made at once.
func (g *Graph) Waves() [][]*Node {
	depth := make(map[string]int, len(g.nodes))
	var waves [][]*Node
	for _, n := range g.nodes {
		d := 0
		for _, need := range n.Needs {
			d = max(d, depth[need]+1)
		}
		depth[n.ID] = d
		for len(waves) <= d {
			waves = append(waves, nil)
		}
		waves[d] = append(waves[d], n)
	}
	return waves
}

type visit int

const (
	unseen visit = iota
	open
	done
)

// ordering is a depth-first walk that yields needs before those who need them.
type ordering struct {
	graph  *Graph
	state  map[string]visit
	sorted []*Node
}

func (o *ordering) visit(id string, path []string) error {
	n := o.graph.byID[id]
	if n == nil {
		return fmt.Errorf("graph: %s needs %s, which no node is called", path[len(path)-1], id)
	}
	switch o.state[id] {
	case done:
		return nil
	case open:
		loop := append(slices.Clone(path[slices.Index(path, id):]), id)
		return fmt.Errorf("graph: a cycle: %s", strings.Join(loop, " needs "))
	case unseen:
	}
	o.state[id] = open
	for _, need := range n.Needs {
		if err := o.visit(need, append(slices.Clone(path), id)); err != nil {
			return err
		}
	}
	o.state[id] = done
	o.sorted = append(o.sorted, n)
	return nil
}
