package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/acktest"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/observe"
	"usermanagement.dev/stack/internal/plan"
)

var now = acktest.Start.Add(30 * time.Second)

func allServed() map[string]bool {
	served := map[string]bool{}
	for _, kind := range ack.Kinds() {
		served[kind.Name] = true
	}
	return served
}

// wanted is a node with an object as a build makes it.
func wanted(kind ack.Kind, id, name string, spec map[string]any, missing ...graph.Output) *graph.Node {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(kind.GVK())
	object.SetNamespace("team-a")
	object.SetName(name)
	object.SetLabels(map[string]string{v1.LabelNode: id, v1.LabelStackUID: "stack-uid"})
	object.SetAnnotations(map[string]string{v1.AnnotationNeeds: ""})
	object.SetOwnerReferences([]metav1.OwnerReference{{UID: "stack-uid", Name: "prod", Controller: new(true)}})
	return &graph.Node{ID: id, Object: object, Missing: missing}
}

// applied is what the API server holds after a write over a live object, if there was one: server-side apply, in short.
func applied(desired, live *unstructured.Unstructured) *unstructured.Unstructured {
	object := desired.DeepCopy()
	if live == nil {
		object.SetUID(types.UID("uid-" + desired.GetName()))
		object.SetCreationTimestamp(metav1.NewTime(acktest.Start))
		object.SetGeneration(1)
		return object
	}
	object.SetUID(live.GetUID())
	object.SetCreationTimestamp(live.GetCreationTimestamp())
	object.SetFinalizers(live.GetFinalizers())
	object.SetGeneration(live.GetGeneration() + 1)
	object.Object["status"] = live.Object["status"]
	return object
}

// made has ACK make an object.
func made(object *unstructured.Unstructured, options ...acktest.Option) *unstructured.Unstructured {
	kind, err := ack.KindOf(object.GetKind())
	if err != nil {
		panic(err)
	}
	object.Object["status"] = acktest.Ready(kind, object.GetName()).Object["status"]
	for _, option := range append([]acktest.Option{acktest.Finalizer()}, options...) {
		option(object)
	}
	return object
}

func decide(t interface {
	Helper()
	Fatal(...any)
}, node *graph.Node, objects ...*unstructured.Unstructured,
) plan.Action {
	t.Helper()
	return decideWhere(t, node, allServed(), objects...)
}

func decideWhere(t interface {
	Helper()
	Fatal(...any)
}, node *graph.Node, served map[string]bool, objects ...*unstructured.Unstructured,
) plan.Action {
	t.Helper()
	g, err := graph.New([]*graph.Node{node})
	if err != nil {
		t.Fatal(err)
	}
	actions, err := plan.Make(g, observe.New(objects, served, now), now)
	if err != nil {
		t.Fatal(err)
	}
	return actions[0]
}

func vpc() *graph.Node {
	return wanted(ack.VPC, "vpc", "prod-vpc", map[string]any{"cidrBlocks": []any{"10.0.0.0/16"}, "enableDNSSupport": true})
}

// standing is the object of a node after it was applied and made.
func standing(t *testing.T, node *graph.Node, options ...acktest.Option) *unstructured.Unstructured {
	t.Helper()
	return made(applied(decide(t, node).Desired, nil), options...)
}

func TestVerbs(t *testing.T) {
	changed := wanted(ack.VPC, "vpc", "prod-vpc", map[string]any{"cidrBlocks": []any{"10.0.0.0/16"}, "enableDNSSupport": false})
	lacking := wanted(ack.VPC, "vpc", "prod-vpc", map[string]any{}, graph.Output{Node: "a", Field: "id"},
		graph.Output{Node: "b", Field: "ready"})
	renamed := wanted(ack.VPC, "vpc", "prod-vpc-2", map[string]any{})
	for _, c := range []struct {
		why  string
		node *graph.Node
		live []*unstructured.Unstructured
		verb plan.Verb
		says string
	}{
		{"nothing is there", vpc(), nil, plan.Create, "not there"},
		{"it is what it shall be", vpc(), []*unstructured.Unstructured{standing(t, vpc())}, plan.Keep, ""},
		{"values are missing", lacking, nil, plan.Wait, "a.id, b.ready"},
		{"values are missing for a change", lacking, []*unstructured.Unstructured{standing(t, vpc())}, plan.Wait, "a.id"},
		{"the stack asks for something else", changed, []*unstructured.Unstructured{standing(t, vpc())}, plan.Update, "something else"},
		{"ACK is just making it", changed, []*unstructured.Unstructured{standing(t, vpc(), acktest.Status("vpcID", nil),
			acktest.NoConditions())}, plan.Wait, "must not be disturbed"},
		{"ACK cannot make it, and a change may be the cure", changed, []*unstructured.Unstructured{
			standing(t, vpc(), acktest.Status("vpcID", nil), acktest.Condition("ACK.Terminal", "True", "", time.Time{})),
		}, plan.Update, ""},
		{
			"somebody deletes it", vpc(),
			[]*unstructured.Unstructured{standing(t, vpc(), acktest.Deleting(now))},
			plan.Wait,
			"made again",
		},
		{"it cannot become what is wanted", renamed, []*unstructured.Unstructured{standing(t, vpc())}, plan.Replace, "prod-vpc "},
		{"the marks of the operator were wiped off", vpc(), []*unstructured.Unstructured{
			standing(t, vpc(), func(o *unstructured.Unstructured) { o.SetAnnotations(nil) }),
		}, plan.Update, ""},
	} {
		action := decide(t, c.node, c.live...)
		if action.Verb != c.verb || !strings.Contains(action.Reason, c.says) {
			t.Errorf("%s: got %s, because %s", c.why, action.Verb, action.Reason)
		}
		if (action.Desired != nil) != action.Verb.Writes() {
			t.Errorf("%s: %s with the desired object %v", c.why, action.Verb, action.Desired)
		}
	}
	if action := decideWhere(t, vpc(), map[string]bool{}); action.Verb != plan.Unserved {
		t.Errorf("a kind that the cluster does not know: got %s", action.Verb)
	}
}

func TestHostsOfAnotherRevisionAreLeftToARollout(t *testing.T) {
	host := func(revision string, missing ...graph.Output) *graph.Node {
		n := wanted(ack.Instance, "host-a-0", "prod-host-a-0-"+revision, map[string]any{"imageID": revision}, missing...)
		n.Object.SetLabels(map[string]string{v1.LabelNode: "host-a-0", v1.LabelRevision: revision})
		return n
	}
	old := standing(t, host("r1"))
	older := standing(t, host("r0"), acktest.Created(acktest.Start.Add(-time.Hour)))
	for _, objects := range [][]*unstructured.Unstructured{{old, older}, {older, old}} {
		if action := decide(t, host("r2"), objects...); action.Verb != plan.Roll || action.Live != old {
			t.Errorf("got %s of %v", action.Verb, action.Live)
		}
	}
	if action := decide(t, host("r2", graph.Output{Node: "db", Field: "address"}),
		old); action.Verb != plan.Wait || action.Live != old {
		t.Errorf("a host stands for its node while its revision is not known: got %s of %v", action.Verb, action.Live)
	}
	going := standing(t, host("r1"), acktest.Deleting(now))
	if action := decide(t, host("r2"), going); action.Verb != plan.Replace || action.Desired.GetName() != "prod-host-a-0-r2" {
		t.Errorf("a host that somebody deletes is made again as asked for: got %s", action.Verb)
	}
}

func TestWhatACKGaveUpOnIsMadeAgainWhenItMayTakeOver(t *testing.T) {
	record := func(adoption string, missing ...graph.Output) *graph.Node {
		n := wanted(ack.RecordSet, "dns-a", "prod-dns-a", map[string]any{"name": "a."}, missing...)
		if adoption != "" {
			n.Object.SetAnnotations(map[string]string{ack.AnnotationAdoptionPolicy: adoption})
		}
		return n
	}
	terminal := acktest.Condition("ACK.Terminal", "True", "it already exists", now)
	unheld := func(o *unstructured.Unstructured) { o.SetFinalizers(nil) }
	refused := standing(t, record(""), terminal, unheld)
	for _, c := range []struct {
		why  string
		node *graph.Node
		live *unstructured.Unstructured
		verb plan.Verb
	}{
		{"it may take over now", record(ack.AdoptOrCreate), refused, plan.Remake},
		{"and goes even if the new one has to wait", record(ack.AdoptOrCreate, graph.Output{Node: "a", Field: "b"}), refused, plan.Remake},
		{"it still may not", record(""), refused, plan.Keep},
		{"it has made something", record(ack.AdoptOrCreate), standing(t, record(""), terminal), plan.Update},
		{"it stands", record(ack.AdoptOrCreate), standing(t, record("")), plan.Update},
		{"it goes already", record(ack.AdoptOrCreate), standing(t, record(""), terminal, unheld, acktest.Deleting(now)), plan.Wait},
	} {
		if action := decide(t, c.node, c.live); action.Verb != c.verb || action.Verb == plan.Remake && action.Verb.Writes() {
			t.Errorf("%s: got %s, want %s", c.why, action.Verb, c.verb)
		}
	}
}

func TestDriftIsPutBackAndOurOwnChangeIsNoDrift(t *testing.T) {
	edit := func(path string, value any) *unstructured.Unstructured {
		return standing(t, vpc(), acktest.Spec(path, value))
	}
	for _, c := range []struct {
		why  string
		live *unstructured.Unstructured
		want []string
	}{
		{"a value was changed", edit("enableDNSSupport", false), []string{"spec.enableDNSSupport"}},
		{"a value was taken away", edit("enableDNSSupport", nil), []string{"spec.enableDNSSupport"}},
		{"a label was changed", standing(t, vpc(), acktest.Label(v1.LabelNode, "x")), []string{"metadata.labels." + v1.LabelNode}},
		{
			"an annotation was changed", standing(t, vpc(), acktest.Annotation(v1.AnnotationNeeds, "x")),
			[]string{"metadata.annotations." + v1.AnnotationNeeds},
		},
		{
			"the owner was taken away", standing(t, vpc(), func(o *unstructured.Unstructured) { o.SetOwnerReferences(nil) }),
			[]string{"metadata.ownerReferences"},
		},
	} {
		action := decide(t, vpc(), c.live)
		if action.Verb != plan.Update || !slices.Equal(action.Drift, c.want) {
			t.Errorf("%s: got %s of %v", c.why, action.Verb, action.Drift)
			continue
		}
		if _, noted := action.Desired.GetAnnotations()[v1.AnnotationUpdated]; noted != strings.HasPrefix(c.want[0], "spec") {
			t.Errorf("%s: ACK acts on changes of the spec alone, and only for them its next pass is waited for", c.why)
		}
	}
	for _, c := range []struct {
		why  string
		live *unstructured.Unstructured
	}{
		{"a field of somebody else", edit("instanceTenancy", "default")},
		{"a label of somebody else", standing(t, vpc(), acktest.Label("team", "a"))},
		{"what ACK notes on an object", standing(t, vpc(), acktest.Annotation("services.k8s.aws/adopted", "true"))},
	} {
		if action := decide(t, vpc(), c.live); action.Verb != plan.Keep {
			t.Errorf("%s: got %s, because %s", c.why, action.Verb, action.Reason)
		}
	}
}

func TestANoteOfAnUpdateIsKept(t *testing.T) {
	noted := standing(t, vpc(), acktest.Updated(now.Add(-time.Minute)), acktest.Label(v1.LabelNode, "x"))
	action := decide(t, vpc(), noted)
	if got := action.Desired.GetAnnotations()[v1.AnnotationUpdated]; got != noted.GetAnnotations()[v1.AnnotationUpdated] {
		t.Errorf("an update of a label alone must not lose the note: %q", got)
	}
	again := made(applied(action.Desired, noted))
	if action := decide(t, vpc(), again); action.Verb != plan.Keep {
		t.Errorf("and is done once: %s, %s", action.Verb, action.Reason)
	}
}

func TestAPlanChangesNothingItIsGiven(t *testing.T) {
	node, live := vpc(), standing(t, vpc(), acktest.Spec("enableDNSSupport", false))
	nodeBefore, liveBefore := fmt.Sprint(node.Object.Object), fmt.Sprint(live.Object)
	decide(t, node, live)
	decide(t, node)
	if fmt.Sprint(node.Object.Object) != nodeBefore || fmt.Sprint(live.Object) != liveBefore {
		t.Error("the node or the live object was changed")
	}
}

func TestStaleIsWhatNobodyStandsFor(t *testing.T) {
	g, _ := graph.New([]*graph.Node{vpc()})
	kept, gone := standing(t, vpc()), acktest.Ready(ack.Subnet, "b")
	world := observe.New([]*unstructured.Unstructured{gone, acktest.Ready(ack.Subnet, "a"), kept}, allServed(), now)
	actions, err := plan.Make(g, world, now)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range plan.Stale(actions, world.Objects()) {
		names = append(names, object.GetName())
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("got %v", names)
	}
}

// drawNodes draws a stack of objects of any kinds, each with a spec of any form.
func drawNodes(t *rapid.T) []*graph.Node {
	var nodes []*graph.Node
	for i := range rapid.IntRange(1, 8).Draw(t, "nodes") {
		kind := rapid.SampledFrom(ack.Kinds()).Draw(t, "kind")
		spec := rapid.MapOf(rapid.StringMatching(`[a-z]{1,3}`), rapid.OneOf(
			rapid.Just(any(nil)), rapid.Just(any(false)), rapid.Just(any(int64(0))), rapid.Just(any("")), rapid.Just(any([]any{})),
			rapid.Just(any([]any{"b", "a"})), rapid.Just(any(map[string]any{"k": []any{map[string]any{"key": "x"}}})),
		)).Draw(t, "spec")
		nodes = append(nodes, wanted(kind, fmt.Sprintf("n%d", i), fmt.Sprintf("prod-n%d", i), spec))
	}
	return nodes
}

func TestAPlanOverWhatWasAppliedKeepsAllOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		var world []*unstructured.Unstructured
		for _, node := range nodes {
			live := made(applied(decide(t, node).Desired, nil))
			acktest.Spec("lateInitialised", "by ACK")(live)
			world = append(world, live)
		}
		world = rapid.Permutation(world).Draw(t, "order")
		for _, node := range nodes {
			action := decide(t, node, world...)
			if action.Verb != plan.Keep {
				t.Fatalf("%s: %s, because %s", node.ID, action.Verb, action.Reason)
			}
		}
	})
}

func TestEveryEditIsPutBackByOneUpdate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		node := wanted(ack.VPC, "vpc", "prod-vpc", map[string]any{
			"a": rapid.SampledFrom([]any{false, true, "", "x", int64(0), int64(7)}).Draw(t, "a"), "b": []any{"x", "y"},
			"c": map[string]any{"d": false},
		})
		live := made(applied(decide(t, node).Desired, nil))
		path := rapid.SampledFrom([]string{"a", "b", "c", "c.d"}).Draw(t, "path")
		acktest.Spec(path, rapid.SampledFrom([]any{nil, "edited", int64(99)}).Draw(t, "edit"))(live)
		action := decide(t, node, live)
		if action.Verb != plan.Update || len(action.Drift) != 1 {
			t.Fatalf("got %s of %v", action.Verb, action.Drift)
		}
		if action := decide(t, node, made(applied(action.Desired, live))); action.Verb != plan.Keep {
			t.Fatalf("then %s, because %s", action.Verb, action.Reason)
		}
	})
}
