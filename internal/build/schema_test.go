package build_test

import (
	"testing"

	"usermanagement.dev/stack/internal/ack/ackcrd"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/crdschema"
	"usermanagement.dev/stack/internal/graph"
)

// TestObjectsFitACK holds everything that samples and their changes become against ACK's own schemas: no field that a
// schema does not know, no type that it does not take.
func TestObjectsFitACK(t *testing.T) {
	sets := ackSchemas(t)
	if len(sets) == 0 {
		t.Skip("no definitions of ACK kinds here: make ack-crds puts them into bin/ack-crds")
	}
	var graphs []*graph.Graph
	for _, stack := range buildtest.Samples(t) {
		graphs = append(graphs, built(t, stack))
	}
	for _, c := range buildtest.Changes {
		graphs = append(graphs, built(t, buildtest.Production(t, c.Patch)))
	}
	for folder, schemas := range sets {
		checked := 0
		for _, g := range graphs {
			checked += checkAgainst(t, folder, schemas, g)
		}
		t.Logf("%d objects fit the definitions of %s", checked, folder)
	}
}

func checkAgainst(t reporter, folder string, schemas map[string]*crdschema.Schema, g *graph.Graph) int {
	t.Helper()
	for _, n := range g.Nodes() {
		schema := schemas[n.Object.GetKind()]
		if unknown := schema.Unknown(n.Object.Object); len(unknown) > 0 {
			t.Errorf("%s: %s has fields that ACK does not know: %v", folder, n.ID, unknown)
		}
		if errs := schema.Validate(t.Context(), n.Object.Object); len(errs) > 0 {
			t.Errorf("%s: %s: %v", folder, n.ID, errs.ToAggregate())
		}
	}
	return len(g.Nodes())
}

// ackSchemas are the schemas of all kinds, by folder and kind.
func ackSchemas(t testing.TB) map[string]map[string]*crdschema.Schema {
	t.Helper()
	folders, err := ackcrd.Folders()
	if err != nil {
		t.Fatal(err)
	}
	sets := make(map[string]map[string]*crdschema.Schema)
	for _, folder := range folders {
		definitions, err := ackcrd.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		sets[folder] = make(map[string]*crdschema.Schema)
		for kind, definition := range definitions {
			if sets[folder][kind.Name], err = crdschema.Load(definition); err != nil {
				t.Fatal(err)
			}
		}
	}
	return sets
}
