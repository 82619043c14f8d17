package observe_test

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
	"usermanagement.dev/stack/internal/observe"
)

func host(name, revision string, options ...Option) *unstructured.Unstructured {
	return Ready(ack.Instance, name, append([]Option{Node("host-a-0"), Label(v1.LabelRevision, revision)}, options...)...)
}

func world(objects ...*unstructured.Unstructured) *observe.Stack {
	return observe.New(objects, map[string]bool{ack.Instance.Name: true}, Start)
}

func TestTargetsAreTheHostsThatRunAndAreNotDrained(t *testing.T) {
	draining := Annotation(v1.AnnotationDraining, Start.Format(time.RFC3339Nano))
	w := world(
		host("old", "r1"), host("new", "r2"), host("drained", "r1", draining), host("going", "r1", Deleting(Start)),
		host("pending", "r2", Status("state.name", "pending")), host("stopped", "r2", Status("state.name", "stopped")),
		Ready(ack.Instance, "bastion"), host("leaving", "r1", Node("host-a-7")),
	)
	got := w.Targets()
	slices.Sort(got)
	if want := []string{"i-leaving", "i-new", "i-old"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAReplacementIsCountedByWhatStandsThere(t *testing.T) {
	first, second := host("h", "r1"), host("h-1", "r1", Label(v1.LabelReplacement, "1"))
	gone := host("h-2", "r1", Label(v1.LabelReplacement, "2"), Deleting(Start))
	withdrawn := host("h-3", "r1", Label(v1.LabelReplacement, "3"), Annotation(v1.AnnotationDraining, "x"),
		Annotation(v1.AnnotationWithdrawn, "it does not answer"))
	for _, c := range []struct {
		why   string
		there []*unstructured.Unstructured
		want  int
	}{
		{"nothing", nil, 0},
		{"the first", []*unstructured.Unstructured{first}, 0},
		{"the first and its replacement", []*unstructured.Unstructured{second, first}, 1},
		{"the replacement alone", []*unstructured.Unstructured{second}, 1},
		{"one that goes", []*unstructured.Unstructured{gone}, 2},
		{"one that goes beside one that stands", []*unstructured.Unstructured{gone, first}, 0},
		{"one that was taken back", []*unstructured.Unstructured{first, withdrawn}, 0},
		{"only one that was taken back", []*unstructured.Unstructured{withdrawn}, 3},
		{"another revision", []*unstructured.Unstructured{host("x", "r2", Label(v1.LabelReplacement, "9"))}, 0},
	} {
		if got := world(c.there...).Replacement("host-a-0", "r1"); got != c.want {
			t.Errorf("%s: %d, want %d", c.why, got, c.want)
		}
	}
}
