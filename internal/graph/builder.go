package graph

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "usermanagement.dev/stack/api/v1"
)

// World is what has been seen of a stack's resources so far.
type World interface {
	// Output is a value that a node publishes, if it is known.
	Output(node, field string) (string, bool)
	// Ready says whether the node is made and usable.
	Ready(node string) bool
}

// NamedWorld is a world that can tell apart the objects of one node, of which there are two while one replaces the
// other. A node that is already built then reads the object it means, not the one that is about to go.
type NamedWorld interface {
	World
	// OutputOf is a value that one object publishes, if it is known.
	OutputOf(kind, name, field string) (string, bool)
	// ReadyOf says whether one object is made and usable.
	ReadyOf(kind, name string) bool
}

// Builder collects nodes. The edges between them come from the values they ask for, so that no dependency is ever
// written down by hand. Every value must be asked for in every pass, known or not: the edges must not depend on the world.
type Builder struct {
	world World
	nodes []*Node
	errs  []error
}

// NewBuilder begins a graph over the given world.
func NewBuilder(world World) *Builder { return &Builder{world: world} }

// Graph is all nodes so far, in order. Each must have its object.
func (b *Builder) Graph() (*Graph, error) {
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	for _, n := range b.nodes {
		if n.Object == nil {
			return nil, fmt.Errorf("graph: %s has no object", n.ID)
		}
	}
	return New(b.nodes)
}

// output reads the object that was built for the node where that is known, and the node's standing object otherwise.
func (b *Builder) output(node, field string) (string, bool) {
	if world, object := b.named(node); object != nil {
		return world.OutputOf(object.GetKind(), object.GetName(), field)
	}
	return b.world.Output(node, field)
}

// ready looks at the object that was built for the node where that is known, and at the node's standing object otherwise.
func (b *Builder) ready(node string) bool {
	if world, object := b.named(node); object != nil {
		return world.ReadyOf(object.GetKind(), object.GetName())
	}
	return b.world.Ready(node)
}

// named is the object that was built for a node, if the world can tell it from others. Of a host any revision will do.
func (b *Builder) named(node string) (NamedWorld, *unstructured.Unstructured) {
	world, ok := b.world.(NamedWorld)
	if !ok {
		return nil, nil
	}
	for _, n := range b.nodes {
		if n.ID == node && n.Object != nil && n.Object.GetName() != "" && n.Object.GetLabels()[v1.LabelRevision] == "" {
			return world, n.Object
		}
	}
	return nil, nil
}

// Fail makes Graph fail. A nil error is none.
func (b *Builder) Fail(err error) {
	if err != nil {
		b.errs = append(b.errs, err)
	}
}

// Node begins a node.
func (b *Builder) Node(id string, component v1.ComponentName) *NodeBuilder {
	n := &Node{ID: id, Component: component}
	b.nodes = append(b.nodes, n)
	return &NodeBuilder{builder: b, node: n}
}

// NodeBuilder collects one node's needs and, last, its object.
type NodeBuilder struct {
	builder *Builder
	node    *Node
}

// ID is the node's name.
func (n *NodeBuilder) ID() string { return n.node.ID }

// Component is the part of the stack that counts the node.
func (n *NodeBuilder) Component() v1.ComponentName { return n.node.Component }

// Value is another node's output. While it is unknown this node is not runnable.
func (n *NodeBuilder) Value(node, field string) string {
	n.need(node)
	value, ok := n.builder.output(node, field)
	if !ok {
		n.node.Missing = append(n.node.Missing, Output{Node: node, Field: field})
	}
	return value
}

// Optional is another node's output where this node can be made before it is known and completed after.
func (n *NodeBuilder) Optional(node, field string) (string, bool) {
	n.need(node)
	return n.builder.output(node, field)
}

// After makes this node wait until another one is ready, beyond having its values.
func (n *NodeBuilder) After(node string) {
	n.need(node)
	if !n.builder.ready(node) {
		n.node.Missing = append(n.node.Missing, Output{Node: node, Field: "ready"})
	}
}

// Own is an output of this very node: what can only be said in a second step.
func (n *NodeBuilder) Own(field string) (string, bool) {
	return n.builder.world.Output(n.node.ID, field)
}

// Standing says whether this very node is made and usable already.
func (n *NodeBuilder) Standing() bool { return n.builder.world.Ready(n.node.ID) }

// Lack makes this node wait for something that no node publishes. Example: kubernetes-secret
func (n *NodeBuilder) Lack(field string) {
	n.node.Missing = append(n.node.Missing, Output{Node: n.node.ID, Field: field})
}

// Complete says whether every value asked for so far is known and all that it waits for is ready.
func (n *NodeBuilder) Complete() bool { return n.node.Runnable() }

// Needs are the nodes asked so far, sorted.
func (n *NodeBuilder) Needs() []string { return slices.Clone(n.node.Needs) }

// Revise gives the node its revision.
func (n *NodeBuilder) Revise(revision string) { n.node.Revision = revision }

// Set ends the node with its object: a typed object with TypeMeta set, or an unstructured one. Status and creation time
// are dropped, since the operator owns neither.
func (n *NodeBuilder) Set(object runtime.Object) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		n.builder.errs = append(n.builder.errs, fmt.Errorf("graph: the object of %s: %w", n.node.ID, err))
		return
	}
	u := &unstructured.Unstructured{Object: content}
	unstructured.RemoveNestedField(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	n.node.Object = u
}

func (n *NodeBuilder) need(node string) {
	at, found := slices.BinarySearch(n.node.Needs, node)
	if !found {
		n.node.Needs = slices.Insert(n.node.Needs, at, node)
	}
}
