package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/graph"
)

func nodes(needs map[string][]string) []*graph.Node {
	var list []*graph.Node
	for id, n := range needs {
		list = append(list, &graph.Node{ID: id, Needs: n})
	}
	slices.SortFunc(list, func(a, b *graph.Node) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func TestMistakesInAGraphAreNamed(t *testing.T) {
	for _, c := range []struct {
		why  string
		list []*graph.Node
		says string
	}{
		{"a circle of three", nodes(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a"}}), "a needs b needs c needs a"},
		{"a circle behind a tail", nodes(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}}), "cycle: b needs c needs b"},
		{"a node that needs itself", nodes(map[string][]string{"a": {"a"}}), "a needs a"},
		{"a need that no node has", nodes(map[string][]string{"a": {"x"}}), "a needs x, which no node is called"},
		{"two nodes of one name", []*graph.Node{{ID: "a"}, {ID: "a"}}, "two nodes are called a"},
	} {
		if _, err := graph.New(c.list); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.why, err)
		}
	}
}

func TestEachNodeStandsAfterAllThatItNeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		needs := map[string][]string{}
		count := rapid.IntRange(0, 12).Draw(t, "count")
		for i := range count {
			for j := range i {
				if rapid.Bool().Draw(t, "edge") {
					needs[name(i)] = append(needs[name(i)], name(j))
				}
			}
			needs[name(i)] = append(needs[name(i)], []string{}...)
		}
		g, err := graph.New(rapid.Permutation(nodes(needs)).Draw(t, "order"))
		if err != nil {
			t.Fatal(err)
		}
		place := map[string]int{}
		for i, n := range g.Nodes() {
			place[n.ID] = i
		}
		wave := map[string]int{}
		for i, list := range g.Waves() {
			for _, n := range list {
				wave[n.ID] = i
			}
		}
		if len(place) != count || len(wave) != count {
			t.Fatalf("%d nodes, %d in order, %d in waves", count, len(place), len(wave))
		}
		for id, list := range needs {
			for _, need := range list {
				if place[need] >= place[id] || wave[need] >= wave[id] {
					t.Fatalf("%s needs %s and stands before it", id, need)
				}
			}
		}
	})
}

func name(i int) string { return fmt.Sprintf("n%02d", i) }

// world knows objects by kind and name, and by node one of another name.
type world struct{ ready map[string]bool }

func (w world) Output(node, field string) (string, bool) {
	return "standing " + node + "." + field, true
}

func (w world) OutputOf(_, name, field string) (string, bool) {
	return name + "." + field, strings.HasSuffix(name, "-new")
}
func (w world) Ready(node string) bool      { return w.ready[node] }
func (w world) ReadyOf(_, name string) bool { return w.ready[name] }

func object(name string, labels map[string]string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"kind": "VPC", "status": map[string]any{"x": "y"}}}
	o.SetName(name)
	o.SetLabels(labels)
	return o
}

func TestEdgesComeFromTheValuesThatAreAskedFor(t *testing.T) {
	b := graph.NewBuilder(world{ready: map[string]bool{"c": true}})
	for _, id := range []string{"a", "b", "c", "d"} {
		b.Node(id, v1.ComponentNetwork).Set(object(id+"-new", nil))
	}
	n := b.Node("e", v1.ComponentNetwork)
	n.Value("b", "id")
	n.Value("a", "id")
	n.Value("a", "arn")
	n.Optional("d", "id")
	n.After("c")
	n.Set(object("e-new", nil))
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	e := g.Node("e")
	if !slices.Equal(e.Needs, []string{"a", "b", "c", "d"}) {
		t.Errorf("needs %v", e.Needs)
	}
	if len(e.Missing) != 1 || e.Missing[0].String() != "c.ready" {
		t.Errorf("the new object of c is not ready, whatever the old one is: missing %v", e.Missing)
	}
	if _, found := e.Object.Object["status"]; found {
		t.Error("a status is never ours to set")
	}
}

func TestANodeReadsTheObjectThatIsMeantAndNotTheOneThatIsAboutToGo(t *testing.T) {
	b := graph.NewBuilder(world{})
	b.Node("lb", v1.ComponentBalancer).Set(object("lb-new", nil))
	b.Node("host", v1.ComponentCompute).Set(object("host-r2", map[string]string{v1.LabelRevision: "r2"}))
	b.Node("other", v1.ComponentCompute).Set(object("other", nil))
	n := b.Node("dns", v1.ComponentEndpoint)
	if got := n.Value("lb", "dnsName"); got != "lb-new.dnsName" {
		t.Errorf("got %q", got)
	}
	if got := n.Value("host", "id"); got != "standing host.id" {
		t.Errorf("a host serves whatever its revision: got %q", got)
	}
	if _, known := n.Optional("other", "id"); known {
		t.Error("an object that is not there yet has no values")
	}
	if got, _ := n.Own("arn"); got != "standing dns.arn" {
		t.Errorf("got %q", got)
	}
}

func TestANodeWithoutAnObjectIsAMistakeAndNoPanic(t *testing.T) {
	b := graph.NewBuilder(world{})
	b.Node("lost", v1.ComponentNetwork)
	if _, err := b.Graph(); err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("got %v", err)
	}
}
