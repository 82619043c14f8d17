package status_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/health"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/observe"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/prune"
	"usermanagement.dev/stack/internal/rollout"
	"usermanagement.dev/stack/internal/status"
	"usermanagement.dev/stack/internal/status/statustest"
)

// words are what anybody may say of an object.
var words = rapid.OneOf(
	rapid.String(),
	rapid.SampledFrom([]string{
		"", "available", "running", "ISSUED", "PENDING_VALIDATION", "FAILED", "failed", "stopped", "terminated", "pending",
		"modifying", "deleting", "storage-optimization", "INSYNC", "PENDING", "\xff\xfe",
		"operation error EC2: DeleteVpc, https response error StatusCode: 400, RequestID: 5a0b-6f, " +
			"api error DependencyViolation: in use",
		"Signature expired: 20260102T100000Z is now earlier than 2026-01-02T10:15:00.123Z", "resource is pending, requeue",
		"Resource already exists: not managed by ACK", "2026-01-0request id: 7;2-03", "request\n id = 5",
	}),
	rapid.Map(rapid.IntRange(900, 1500), func(n int) string { return strings.Repeat("long ä ", n/7) }),
)

// scraps are values that should not be where they are.
var scraps = rapid.OneOf(
	rapid.Just(any(nil)), rapid.Just(any("x")), rapid.Just(any(int64(7))), rapid.Just(any(1.5)),
	rapid.Just(any([]any{nil, "x", map[string]any{}})),
	rapid.Just(any(map[string]any{"state": map[string]any{}})), rapid.Just(any(true)),
)

// change draws something that may happen to an object.
func change(t *rapid.T) Option {
	when := rapid.Map(rapid.IntRange(-90, 90), func(s int) time.Time { return Start.Add(time.Duration(s) * time.Second) })
	at, word := when.Draw(t, "at"), words.Draw(t, "word")
	switch rapid.IntRange(0, 9).Draw(t, "change") {
	case 0:
		return Condition("ACK.Terminal", rapid.SampledFrom([]string{"True", "False"}).Draw(t, "is"), word, time.Time{})
	case 1:
		return Condition("ACK.Recoverable", "True", word, time.Time{})
	case 2:
		return Condition("ACK.ResourceSynced", rapid.SampledFrom([]string{"True", "False", "Unknown", ""}).Draw(t, "is"), word, at)
	case 3:
		return NoConditions()
	case 4:
		return Deleting(at)
	case 5:
		return Updated(at)
	case 6:
		path := rapid.SampledFrom([]string{
			"status", "state", "dbInstanceStatus", "vpcID", "failureReason", "endpoint", "ackResourceMetadata", "conditions",
		}).Draw(t, "path")
		return Status(path, rapid.OneOf(scraps, rapid.Map(words, func(w string) any { return w })).Draw(t, "value"))
	case 7:
		return func(object *unstructured.Unstructured) {
			unstructured.RemoveNestedField(object.Object, rapid.SampledFrom([]string{"status", "spec"}).Draw(t, "field"))
		}
	case 8:
		return Spec("edited", word)
	default:
		return Label(v1.LabelNode, word)
	}
}

// drawObject draws an object of a node in some state, or none.
func drawObject(t *rapid.T, kind ack.Kind, name string, options ...Option) *unstructured.Unstructured {
	base := rapid.SampledFrom([]func(ack.Kind, string, ...Option) *unstructured.Unstructured{Ready, Ready, New, nil}).Draw(t, "base")
	if base == nil {
		return nil
	}
	object := base(kind, name, options...)
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3}).Draw(t, "changes") {
		func() {
			// A change may not fit onto what another one has left of the object.
			defer func() { _ = recover() }()
			change(t)(object)
		}()
	}
	return object
}

// drawWorld draws a stack, its objects, and what a pass knows of them besides.
type drawn struct {
	stack   *v1.UserManagementStack
	nodes   []*graph.Node
	objects []*unstructured.Unstructured
	served  map[string]bool
	facts   status.Facts
	// observed is what the hosts answer; nil where nobody asks.
	observed *health.Observation
}

func drawWorld(t *rapid.T) drawn {
	d := drawn{stack: newStack(), served: map[string]bool{}}
	if rapid.Bool().Draw(t, "domain") {
		d.stack.Spec.Ingress.Domain = &v1.DomainSpec{Name: "users.example.com"}
	}
	for _, kind := range ack.Kinds() {
		d.served[kind.Name] = rapid.IntRange(0, 20).Draw(t, "served") > 0
	}
	problems := map[string]status.Problem{}
	reasons := rapid.SampledFrom([]string{
		v1.ReasonRejected, v1.ReasonForeignObject, v1.ReasonSecretMissing,
		v1.ReasonAPIRequestFailed,
	})
	for i := range rapid.IntRange(3, 12).Draw(t, "nodes") {
		kind := rapid.SampledFrom(ack.Kinds()).Draw(t, "kind")
		id := rapid.SampledFrom([]string{"n", "host-us-east-2a-", "bastion"}).Draw(t, "id") + strconv.Itoa(i)
		if i < 3 { // every stack has these
			kind, id = []ack.Kind{ack.Listener, ack.DBInstance, ack.Instance}[i], []string{"listener-http", "db", "host-us-east-2a-0"}[i]
		}
		node := &graph.Node{ID: id, Component: rapid.SampledFrom(v1.ComponentNames()).Draw(t, "component"), Object: New(kind, id)}
		if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
			node.Missing = []graph.Output{{Node: "x", Field: "id"}}
		}
		d.nodes = append(d.nodes, node)
		if kind == ack.Instance && strings.HasPrefix(id, "host-") {
			d.drawHosts(t, node)
			continue
		}
		if object := drawObject(t, kind, id); object != nil {
			d.objects = append(d.objects, object)
		}
		if rapid.IntRange(0, 9).Draw(t, "problem") == 0 {
			problems[id] = status.Problem{
				Reason: reasons.Draw(t, "reason"), Message: words.Draw(t, "message"),
				Hint: words.Draw(t, "hint"),
			}
		}
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "stale") {
		if object := drawObject(t, ack.Subnet, fmt.Sprintf("old%d", i),
			Created(Start.Add(time.Duration(i)*time.Second))); object != nil {
			d.objects = append(d.objects, object)
		}
	}
	d.facts = status.Facts{Problems: problems, Contested: rapid.SliceOfN(rapid.StringMatching(`VPC/[a-z]{1,3}`), 0, 7).Draw(t,
		"contested")}
	return d
}

// drawHosts draws what stands at a host's node, and what it answers.
func (d *drawn) drawHosts(t *rapid.T, node *graph.Node) {
	Label(v1.LabelRevision, "r1")(node.Object)
	if node.Runnable() {
		node.Revision = "r1"
	}
	if d.observed == nil && rapid.Bool().Draw(t, "asked") {
		d.observed = &health.Observation{Hosts: map[string]health.Host{}, Trouble: words.Draw(t, "trouble")}
	}
	for _, suffix := range []string{"", "-x", "-1"}[:rapid.IntRange(0, 3).Draw(t, "hosts")] {
		name := node.ID + suffix
		options := []Option{
			Node(node.ID), Label(v1.LabelRevision, rapid.SampledFrom([]string{"r1", "r0"}).Draw(t, "revision")),
		}
		if rapid.IntRange(0, 3).Draw(t, "drained") == 0 {
			since := rapid.OneOf(words, rapid.Just("2026-01-02T10:00:00Z")).Draw(t, "since")
			options = append(options, Annotation(v1.AnnotationDraining, since))
		}
		if rapid.IntRange(0, 5).Draw(t, "withdrawn") == 0 {
			options = append(options, Annotation(v1.AnnotationWithdrawn, words.Draw(t, "why")))
		}
		if object := drawObject(t, ack.Instance, name, options...); object != nil {
			d.objects = append(d.objects, object)
		}
		if d.observed != nil {
			d.observed.Hosts[hostcontract.HostID("i-"+name)] = health.Host{
				State: rapid.SampledFrom([]v1.HealthState{
					v1.HealthHealthy, v1.HealthUnhealthy, v1.HealthNotAnswering, v1.HealthUnknown,
				}).Draw(t, "health"),
				Version: "1.0.0", Reason: words.Draw(t, "reason"),
			}
		}
	}
}

// pass is the status of a world at a time, its objects and nodes seen in some order.
func (d *drawn) pass(t *rapid.T, stack *v1.UserManagementStack, at time.Time) v1.UserManagementStackStatus {
	g, err := graph.New(d.nodes)
	if err != nil {
		t.Fatal(err)
	}
	world := observe.New(rapid.Permutation(d.objects).Draw(t, "order"), d.served, at)
	actions, err := plan.Make(g, world, at)
	if err != nil {
		t.Fatal(err)
	}
	facts := d.facts
	facts.Stack, facts.Actions, facts.Now = stack, actions, at
	facts.Stale = slices.DeleteFunc(plan.Stale(actions, world.Objects()), observe.IsHost)
	// Whose correction waits is what a plan would have put back.
	facts.Contested = nil
	for i := range actions {
		if actions[i].Verb == plan.Update && len(d.facts.Contested) > 0 {
			actions[i].Verb = plan.Wait
			facts.Contested = append(facts.Contested, actions[i].Live.GetKind()+"/"+actions[i].Live.GetName())
		}
	}
	facts.Fleet = rollout.Observe(rollout.Facts{
		Stack: stack, Actions: actions, Hosts: world.Hosts(), Stale: facts.Stale, Observed: d.observed, Now: at,
	})
	facts.Rollout = rollout.Next(facts.Fleet)
	return status.Of(facts)
}

// checkWorld takes a drawn world through passes, a suspension and a deletion: no status may break a rule, and none may
// depend on the order in which things are seen.
func checkWorld(t *rapid.T) {
	d := drawWorld(t)
	stack := d.stack
	at := Start.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
	for range 2 {
		next := stack.DeepCopy()
		next.Status = d.pass(t, stack, at)
		rules(t, next)
		if again := d.pass(t, stack, at); text(t, again) != text(t, next.Status) {
			t.Fatalf("the same world, seen in another order:\n%s\n%s", text(t, next.Status), text(t, again))
		}
		stack, at = next, at.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "later"))*time.Second)
	}
	held := stack.DeepCopy()
	held.Generation += int64(rapid.IntRange(0, 1).Draw(t, "edited"))
	held.Status = status.Suspended(held, at)
	rules(t, held)
	held.Status = status.Invalid(held, words.Draw(t, "problem"), at)
	rules(t, held)
	d.tearDown(t, stack, at)
}

func (d *drawn) tearDown(t *rapid.T, stack *v1.UserManagementStack, at time.Time) {
	when := metav1.NewTime(at)
	stack = stack.DeepCopy()
	stack.DeletionTimestamp = &when
	for range 2 {
		teardown := func() status.Teardown {
			objects := rapid.Permutation(slices.Clone(d.objects)).Draw(t, "order")
			return status.Teardown{Stack: stack, Step: prune.Next(observe.New(objects, d.served, at).Objects()), Now: at}
		}
		next := stack.DeepCopy()
		next.Status = status.Deleting(teardown())
		rules(t, next)
		if again := status.Deleting(teardown()); text(t, again) != text(t, next.Status) {
			t.Fatalf("the same deletion, seen in another order:\n%s\n%s", text(t, next.Status), text(t, again))
		}
		stack, at = next, at.Add(time.Hour)
	}
}

func rules(t *rapid.T, stack *v1.UserManagementStack) {
	for _, violation := range statustest.Rules(stack) {
		t.Errorf("%s\n%s", violation, text(t, stack.Status))
	}
	if t.Failed() {
		t.FailNow()
	}
}

func TestNoWorldBreaksARule(t *testing.T) { rapid.Check(t, checkWorld) }

func FuzzStatus(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkWorld)) }
