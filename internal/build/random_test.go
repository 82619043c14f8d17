package build_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/crdschema"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/graph/graphtest"
)

// TestRandomStacks: no stack makes the program panic, and each that the API server would take becomes objects that
// Kubernetes, ACK and AWS take, in a graph that depends on the stack alone.
func TestRandomStacks(t *testing.T) {
	valid := 0
	check := property(ackSchemas(t), &valid)
	rapid.Check(t, check)
	if valid == 0 {
		t.Error("not one of the stacks was valid: nothing was shown")
	}
	t.Logf("%d of the stacks were valid", valid)
}

// FuzzStack is the same, led by coverage.
func FuzzStack(f *testing.F) {
	valid := 0
	f.Fuzz(rapid.MakeFuzz(property(ackSchemas(f), &valid)))
}

func property(schemas map[string]map[string]*crdschema.Schema, valid *int) func(*rapid.T) {
	return func(t *rapid.T) {
		stack := buildtest.Random(t)
		seed := partial(rapid.Byte().Draw(t, "world"))
		early, err := build.Stack(stack, seed, buildtest.Inputs)
		if errs := build.Validate(t.Context(), stack); len(errs) > 0 {
			return // built or not, nothing panicked
		}
		*valid++
		if err != nil {
			t.Fatalf("valid, but not built: %v", err)
		}
		full, err := build.Stack(stack, graphtest.Full{}, buildtest.Inputs)
		if err != nil {
			t.Fatalf("valid, but not built: %v", err)
		}
		if diff := cmp.Diff(needs(early), needs(full)); diff != "" {
			t.Errorf("the edges depend on the world: %s", diff)
		}
		again, err := build.Stack(stack.DeepCopy(), graphtest.Full{}, buildtest.Inputs)
		if err != nil || len(difference(full, again)) > 0 {
			t.Errorf("built twice, it differs: %v %v", difference(full, again), err)
		}
		for _, n := range full.Nodes() {
			checkNames(t, stack.Name, n)
		}
		for folder := range schemas {
			checkAgainst(t, folder, schemas[folder], full)
		}
	}
}

func needs(g *graph.Graph) map[string][]string {
	found := make(map[string][]string)
	for _, n := range g.Nodes() {
		found[n.ID] = n.Needs
	}
	return found
}
