// Package build turns a stack's spec and what has been seen of its resources into the graph of all objects that shall
// be. It is a function of values: no client, no clock, no randomness, so that the same stack always gives the same graph.
package build

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/graph"
)

// Inputs are facts that stand neither in the spec nor in the world.
type Inputs struct {
	// AppSecretHash is the hash of what the Kubernetes Secret AppSecretName holds; empty while there is no such Secret.
	AppSecretHash string
	// DatabaseCAURL is where hosts fetch the certificates that the database's own is verified by; empty means RDS's
	// bundle of the stack's region.
	DatabaseCAURL string
	// Namespace is the UID of the stack's namespace, which owns every object beside the stack; empty where no cluster is asked.
	Namespace types.UID
	// Serving says that at least one host answers well through the load balancer, or runs where nobody asks. Names that
	// lead somewhere else today are moved only then.
	Serving bool
}

// Stack is the graph of everything that the stack shall be made of. Its nodes and edges follow from the spec alone; the
// world only fills values in. An error means that the spec is one that the API server should have refused.
func Stack(stack *v1.UserManagementStack, world graph.World, in Inputs) (*graph.Graph, error) {
	zones, err := zonesOf(&stack.Spec.Network)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	a := &assembly{Builder: graph.NewBuilder(world), world: world, stack: stack, spec: &stack.Spec, in: in, zones: zones}
	a.network()
	a.securityGroups()
	a.identity()
	a.database()
	a.balancer()
	a.certificate()
	a.dns()
	if err := a.hosts(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if err := a.bastion(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	g, err := a.Graph()
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	return g, nil
}

// assembly is one build under way. Each concern adds its nodes to it, in a file of its own.
type assembly struct {
	*graph.Builder
	world graph.World
	stack *v1.UserManagementStack
	spec  *v1.UserManagementStackSpec
	in    Inputs
	zones []zone
}
