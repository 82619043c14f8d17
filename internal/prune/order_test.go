package prune_test

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/acktest"
	"usermanagement.dev/stack/internal/prune"
)

func names(objects []*unstructured.Unstructured) []string {
	list := []string{}
	for _, object := range objects {
		list = append(list, object.GetName())
	}
	return list
}

func TestNext(t *testing.T) {
	vpc := acktest.Ready(ack.VPC, "vpc")
	subnet := acktest.Ready(ack.Subnet, "subnet", acktest.Needs("vpc"))
	going := acktest.Ready(ack.Subnet, "subnet", acktest.Needs("vpc"), acktest.Deleting(acktest.Start))
	role := acktest.Ready(ack.Role, "role")
	for _, c := range []struct {
		why                string
		doomed             []*unstructured.Unstructured
		delete, wait, held []string
	}{
		{"nothing is left", nil, nil, nil, nil},
		{
			"what others were made from waits, other branches do not",
			[]*unstructured.Unstructured{vpc, role, subnet},
			[]string{"role", "subnet"},
			nil,
			[]string{"vpc"},
		},
		{
			"it waits until those are gone, not only asked to go",
			[]*unstructured.Unstructured{vpc, going},
			nil,
			[]string{"subnet"},
			[]string{"vpc"},
		},
		{"what stays is no reason to wait", []*unstructured.Unstructured{vpc}, []string{"vpc"}, nil, nil},
		{"two objects of one node go at once", []*unstructured.Unstructured{
			acktest.Ready(ack.Instance, "old", acktest.Node("bastion"), acktest.Needs("bastion")),
			acktest.Ready(ack.Instance, "new", acktest.Node("bastion"), acktest.Needs("bastion")), role,
		}, []string{"new", "old", "role"}, nil, nil},
		{"an object without any mark holds nobody and is not held", []*unstructured.Unstructured{
			acktest.Ready(ack.VPC, "a", acktest.Node("")), acktest.Ready(ack.VPC, "b", acktest.Needs("a", "", "")),
		}, []string{"a", "b"}, nil, nil},
		{"a circle that two releases left behind is no reason to wait for ever", []*unstructured.Unstructured{
			acktest.Ready(ack.VPC, "a", acktest.Needs("b")), acktest.Ready(ack.VPC, "b", acktest.Needs("a")),
		}, []string{"a", "b"}, nil, nil},
	} {
		step := prune.Next(c.doomed)
		if !slices.Equal(names(step.Delete), c.delete) || !slices.Equal(names(step.Going), c.wait) || !slices.Equal(names(step.Held),
			c.held) {
			t.Errorf("%s: delete %v, going %v, held %v", c.why, names(step.Delete), names(step.Going), names(step.Held))
		}
		if step.Done() != (len(c.doomed) == 0) {
			t.Errorf("%s: done is %v", c.why, step.Done())
		}
	}
}

// TestADeletionEndsAndKeepsTheOrder deletes random worlds, where what is asked to go takes its time.
func TestADeletionEndsAndKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var left []*unstructured.Unstructured
		for i := range rapid.IntRange(0, 10).Draw(t, "objects") {
			var needs []string
			for j := range i {
				if rapid.Bool().Draw(t, "need") {
					needs = append(needs, fmt.Sprintf("n%d", j))
				}
			}
			left = append(left, acktest.Ready(ack.Subnet, fmt.Sprintf("n%d", i), acktest.Needs(needs...)))
		}
		for pass := 0; ; pass++ {
			left = rapid.Permutation(left).Draw(t, "order")
			step := prune.Next(left)
			if step.Done() {
				return
			}
			if pass > 30 || len(step.Delete)+len(step.Going) == 0 {
				t.Fatalf("pass %d does not get on: %v", pass, names(left))
			}
			for _, object := range step.Delete {
				for _, other := range left {
					if slices.Contains(prune.Needs(other), object.GetName()) {
						t.Fatalf("%s goes while %s, made from it, is there", object.GetName(), other.GetName())
					}
				}
				acktest.Deleting(acktest.Start)(object)
			}
			gone := func(o *unstructured.Unstructured) bool {
				return o.GetDeletionTimestamp() != nil && (pass%3 == 2 || rapid.Bool().Draw(t, "gone"))
			}
			left = slices.DeleteFunc(left, gone)
		}
	})
}
