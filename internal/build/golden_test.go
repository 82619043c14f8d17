package build_test

import (
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/graph/graphtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares everything that each sample becomes with what it became before, so that a review shows what a
// change of the program means in AWS.
func TestGolden(t *testing.T) {
	for name, stack := range buildtest.Samples(t) {
		t.Run(name, func(t *testing.T) {
			empty, err := build.Stack(stack, graphtest.Empty{}, build.Inputs{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".graph.txt", describe(empty))
			full, err := build.Stack(stack, graphtest.Full{}, buildtest.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".objects.yaml", manifests(t, full))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./internal/build -update writes it", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s is not what it was (-was +is); if that is meant, go test ./internal/build -update\n%s", name, diff)
	}
}

// describe is the graph as text: what can be made at once, and what each node waits for.
func describe(g *graph.Graph) string {
	var text strings.Builder
	for i, wave := range g.Waves() {
		fmt.Fprintf(&text, "wave %d\n", i)
		for _, n := range wave {
			fmt.Fprintf(&text, "  %s (%s, %s)\n", n.ID, n.Object.GetKind(), n.Component)
			for _, missing := range n.Missing {
				fmt.Fprintf(&text, "    waits for %s\n", missing)
			}
		}
	}
	return text.String()
}

func manifests(t *testing.T, g *graph.Graph) string {
	t.Helper()
	var text strings.Builder
	for _, n := range g.Nodes() {
		document, err := yaml.Marshal(readable(t, n.Object))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "---\n# %s\n%s", n.ID, document)
	}
	return text.String()
}

// readable is an object with its user data as text.
func readable(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	encoded, found, _ := unstructured.NestedString(object.Object, "spec", "userData")
	if !found {
		return object
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	object = object.DeepCopy()
	if err := unstructured.SetNestedField(object.Object, string(text), "spec", "userData"); err != nil {
		t.Fatal(err)
	}
	return object
}
