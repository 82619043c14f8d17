package build_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/graph/graphtest"
)

// TestChanges shows that each field reaches the objects that it is for, and no others.
func TestChanges(t *testing.T) {
	before := built(t, buildtest.Samples(t)["production"])
	for _, c := range buildtest.Changes {
		t.Run(c.Name, func(t *testing.T) {
			got := difference(before, built(t, buildtest.Production(t, c.Patch)))
			want := strings.Fields(c.Want)
			slices.Sort(want)
			if !slices.Equal(want, got) {
				t.Errorf("changes %q, want %q", got, want)
			}
		})
	}
}

// TestChangesOfEverything are those that reach every object that can show them.
func TestChangesOfEverything(t *testing.T) {
	before := built(t, buildtest.Samples(t)["production"])
	t.Run("tags", func(t *testing.T) {
		for _, id := range difference(before, built(t, buildtest.Production(t, `{spec: {tags: {team: other}}}`))) {
			if strings.HasSuffix(id, "!") {
				t.Errorf("a tag replaces %s", id)
			}
		}
		after := built(t, buildtest.Production(t, `{spec: {tags: {team: other}}}`))
		for _, n := range after.Nodes() {
			_, tagged, _ := unstructured.NestedSlice(n.Object.Object, "spec", "tags")
			if tagged == (n.Object.GetKind() == "RecordSet") {
				t.Errorf("%s is tagged: %t", n.ID, tagged)
			}
			if tagged && cmp.Equal(n.Object, before.Node(n.ID).Object) {
				t.Errorf("the tag does not reach %s", n.ID)
			}
		}
	})
	t.Run("retain", func(t *testing.T) {
		for _, n := range built(t, buildtest.Production(t, `{spec: {deletionPolicy: Retain}}`)).Nodes() {
			if n.Object.GetAnnotations()["services.k8s.aws/deletion-policy"] != "retain" {
				t.Errorf("%s would go from AWS", n.ID)
			}
		}
	})
}

func built(t *testing.T, stack *v1.UserManagementStack) *graph.Graph {
	t.Helper()
	g, err := build.Stack(stack, graphtest.Full{}, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// difference names the nodes by which two graphs differ, in the notation of change.
func difference(before, after *graph.Graph) []string {
	var found []string
	for _, n := range before.Nodes() {
		other := after.Node(n.ID)
		switch {
		case other == nil:
			found = append(found, "-"+n.ID)
		case other.Object.GetName() != n.Object.GetName():
			found = append(found, n.ID+"!")
		case !cmp.Equal(n.Object, other.Object):
			found = append(found, n.ID)
		}
	}
	for _, n := range after.Nodes() {
		if before.Node(n.ID) == nil {
			found = append(found, "+"+n.ID)
		}
	}
	slices.Sort(found)
	return found
}
