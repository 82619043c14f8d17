package api_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack/ackcrd"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/graph/graphtest"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

// TestObjects applies every object of every sample, strictly, to an API server with ACK's definitions, and then the
// objects of every change of a stack to those of the stack before: no field is unknown, no type wrong, and nothing that
// ACK's definitions call immutable is changed under the same name.
func TestObjects(t *testing.T) {
	folders, err := ackcrd.Folders()
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) == 0 {
		t.Skip("no definitions of ACK kinds here: make ack-crds puts them into bin/ack-crds")
	}
	for _, folder := range folders {
		t.Run(folder, func(t *testing.T) {
			// One of its own: two sets of definitions have the same names.
			s := serverWith(t, controlplanetest.Start(t, controlplane.Options{}), folder)
			stacks := buildtest.Samples(t)
			applied := 0
			for name, stack := range stacks {
				t.Run(name, func(t *testing.T) { applied += s.applyAll(t, nil, stack) })
			}
			for _, change := range buildtest.Changes {
				t.Run(change.Name, func(t *testing.T) {
					applied += s.applyAll(t, stacks["production"], buildtest.Production(t, change.Patch))
				})
			}
			t.Logf("%d objects applied", applied)
		})
	}
}

// applyAll applies all objects of a stack as the operator does, or, given what is there already, tries those that differ.
// It returns their number.
func (s server) applyAll(t *testing.T, before, stack *v1.UserManagementStack) int {
	t.Helper()
	applied := 0
	var there *graph.Graph
	if before != nil {
		there = graphOf(t, before)
	}
	for _, n := range graphOf(t, stack).Nodes() {
		if there != nil && there.Node(n.ID) != nil && cmp.Equal(there.Node(n.ID).Object, n.Object) {
			continue
		}
		if err := s.apply(t, n.Object, there != nil); err != nil {
			t.Errorf("%s: %v", n.ID, err)
		}
		applied++
	}
	return applied
}

func graphOf(t *testing.T, stack *v1.UserManagementStack) *graph.Graph {
	t.Helper()
	g, err := build.Stack(stack, graphtest.Full{}, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (s server) apply(t *testing.T, object *unstructured.Unstructured, dryRun bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	client := s.of(t, object)
	manifest, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	options := metav1.PatchOptions{
		FieldManager: v1.ManagedBy, Force: new(true), FieldValidation: metav1.FieldValidationStrict,
	}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err = client.Patch(ctx, object.GetName(), types.ApplyPatchType, manifest, options)
	return err
}
