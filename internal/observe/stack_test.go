package observe_test

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/acktest"
	"usermanagement.dev/stack/internal/observe"
)

var now = acktest.Start.Add(time.Minute)

func bastion(name string, options ...acktest.Option) *unstructured.Unstructured {
	return acktest.Ready(ack.Instance, name, append([]acktest.Option{acktest.Node("bastion")}, options...)...)
}

func TestANodeIsItsYoungestObjectThatNobodyDeletes(t *testing.T) {
	old := bastion("old")
	young := bastion("young", acktest.Created(acktest.Start.Add(time.Second)))
	going := bastion("going", acktest.Created(acktest.Start.Add(time.Hour)), acktest.Deleting(now))
	rapid.Check(t, func(t *rapid.T) {
		s := observe.New(rapid.Permutation([]*unstructured.Unstructured{old, young, going}).Draw(t, "order"), nil, now)
		if id, _ := s.Output("bastion", ack.OutputID); id != "i-young" {
			t.Fatalf("got %q", id)
		}
		if !slices.Equal(s.OfNode("bastion"), []*unstructured.Unstructured{old, young, going}) {
			t.Fatalf("the order of a cache's answer shows: %v", s.OfNode("bastion"))
		}
	})
}

func TestOfTwoWithOneNameOneIsGone(t *testing.T) {
	before := bastion("x")
	after := bastion("x", acktest.Created(acktest.Start.Add(time.Second)))
	after.SetUID("another")
	for _, objects := range [][]*unstructured.Unstructured{{before, after}, {after, before}} {
		s := observe.New(objects, nil, now)
		if s.Object("Instance", "x") != after || len(s.Objects()) != 1 || len(s.OfNode("bastion")) != 1 {
			t.Errorf("got %v", s.Objects())
		}
	}
}

func TestWhatIsNotThereOrGoingIsUnknown(t *testing.T) {
	s := observe.New([]*unstructured.Unstructured{bastion("x", acktest.Deleting(now))}, map[string]bool{"VPC": true}, now)
	_, byNode := s.Output("bastion", ack.OutputID)
	_, byName := s.OutputOf("Instance", "x", ack.OutputID)
	_, nothing := s.Output("vpc", ack.OutputID)
	_, nobody := s.OutputOf("VPC", "vpc", ack.OutputID)
	if byNode || byName || nothing || nobody || s.Ready("bastion") || s.ReadyOf("Instance", "x") || s.Ready("vpc") {
		t.Error("nothing may be made from what is going or was never there")
	}
	if s.Object("Instance", "x") == nil || !s.Serves("VPC") || s.Serves("Subnet") {
		t.Error("what is going is still there")
	}
	ready := observe.New([]*unstructured.Unstructured{bastion("x")}, nil, now)
	if !ready.Ready("bastion") || !ready.ReadyOf("Instance", "x") {
		t.Error("what runs is ready")
	}
}
