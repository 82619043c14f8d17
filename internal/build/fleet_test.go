package build_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/build/buildtest"
	"usermanagement.dev/stack/internal/graph/graphtest"
)

// fleet is a full world with hosts of its own choice.
type fleet struct {
	graphtest.Full
	targets     []string
	replacement int
}

func (f fleet) Targets() []string { return f.targets }

func (f fleet) Replacement(node, _ string) int {
	if node != "host-us-east-2a-0" {
		return 0
	}
	return f.replacement
}

// TestTargetsFollowTheFleet: while one host replaces another, the group has those that the world names, whatever node
// they stand at.
func TestTargetsFollowTheFleet(t *testing.T) {
	g, err := build.Stack(buildtest.Samples(t)["production"], fleet{targets: []string{"i-3", "i-1", "i-2"}}, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	targets, _, _ := unstructured.NestedSlice(g.Node("tg").Object.Object, "spec", "targets")
	if got := fmt.Sprint(targets); got != "[map[id:i-1 port:8080] map[id:i-2 port:8080] map[id:i-3 port:8080]]" {
		t.Errorf("got %s", got)
	}
}

// TestAReplacementHasANameOfItsOwn, and nothing else of its own: its revision is the one before's.
func TestAReplacementHasANameOfItsOwn(t *testing.T) {
	stack := buildtest.Samples(t)["production"]
	first, err := build.Stack(stack, fleet{}, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	third, err := build.Stack(stack, fleet{replacement: 2}, buildtest.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	before, after := first.Node("host-us-east-2a-0"), third.Node("host-us-east-2a-0")
	if after.Revision != before.Revision || after.Object.GetName() != before.Object.GetName()+"-2" ||
		after.Object.GetLabels()[v1.LabelReplacement] != "2" || before.Object.GetLabels()[v1.LabelReplacement] != "" {
		t.Errorf("%s %v after %s", after.Object.GetName(), after.Object.GetLabels(), before.Object.GetName())
	}
	next := after.Object.DeepCopy()
	build.SetReplacement(next, 3)
	if next.GetName() != before.Object.GetName()+"-3" || next.GetLabels()[v1.LabelReplacement] != "3" {
		t.Errorf("the next one is called %s", next.GetName())
	}
	checkNames(t, "a replacement", after)
}
