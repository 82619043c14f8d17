package present_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/present"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// object is one of the stack's, with one condition.
func object(node string, component v1.ComponentName, kind, condition, message string, status map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion("ec2.services.k8s.aws/v1alpha1")
	o.SetKind(kind)
	o.SetName("prod-" + node)
	o.SetCreationTimestamp(metav1.NewTime(noon.Add(-time.Hour)))
	o.SetLabels(map[string]string{v1.LabelNode: node, v1.LabelComponent: string(component)})
	if status == nil {
		status = map[string]any{}
	}
	status["conditions"] = []any{map[string]any{"type": condition, "status": "True", "message": message}}
	o.Object["status"] = status
	return o
}

func objects() []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		object("vpc", v1.ComponentNetwork, "VPC", "ACK.ResourceSynced", "", map[string]any{"vpcID": "vpc-0a1b", "state": "available"}),
		object("igw", v1.ComponentNetwork, "InternetGateway", "ACK.ResourceSynced", "", nil),
		object("sg-alb", v1.ComponentSecurity, "SecurityGroup", "ACK.Terminal",
			"InvalidGroup: the group's description is longer than AWS takes, by far", nil),
	}
}

func stack() *v1.UserManagementStack {
	s := &v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "prod", Generation: 2}}
	s.Status.Components = []v1.ComponentStatus{
		{Name: v1.ComponentNetwork, Ready: 0, Total: 2}, {Name: v1.ComponentSecurity, Total: 1}, {Name: v1.ComponentData},
	}
	s.Status.Conditions = []metav1.Condition{{
		Type: v1.ConditionReady, Status: "False", Reason: "TerminalError", Message: "AWS refuses sg-alb", ObservedGeneration: 2,
	}}
	s.Status.Blockers = []v1.Blocker{{
		Node: "sg-alb", Kind: "SecurityGroup", Name: "prod-sg-alb", Reason: "TerminalError", Message: "InvalidGroup",
		Hint: "change it", Since: metav1.NewTime(noon.Add(-90 * time.Minute)),
	}}
	s.Status.Endpoints = v1.Endpoints{URL: "https://users.example.com", Bastion: "198.18.0.5"}
	return s
}

func compare(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(strings.TrimPrefix(want, "\n"), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTree(t *testing.T) {
	compare(t, `
UserManagementStack team-a/prod
├─ Network
│  ├─ … igw     InternetGateway   waiting for its id
│  └─ ✓ vpc     VPC               vpc-0a1b
└─ Security
   └─ ✗ sg-alb  SecurityGroup     InvalidGroup: the group's description is longer than AWS takes, by far
`, present.Tree(stack(), objects(), noon, present.Style{}))
}

func TestProgressStandsStill(t *testing.T) {
	screen := present.Progress(stack(), objects(), noon, present.Style{Columns: 80})
	compare(t, `

    Network   ███████████████░░░░░░░░░░░░░░░    1/2
    Security  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░    0/1
    Data      ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░    0/0
    1 of 3 resources are ready

    ✗ sg-alb                         SecurityGroup    InvalidGroup: the group'…
    … igw                            InternetGateway  waiting for its id




`, screen)
	var many []*unstructured.Unstructured
	for range 10 {
		many = append(many, objects()...)
	}
	crowded := present.Progress(stack(), many, noon, present.Style{Columns: 80})
	if got, want := strings.Count(crowded, "\n"), strings.Count(screen, "\n"); got != want {
		t.Errorf("the screen has %d lines with many objects and %d with few", got, want)
	}
	if !strings.Contains(crowded, "and 15 more") {
		t.Errorf("the screen does not say how many it leaves out:\n%s", crowded)
	}
}

func TestProgressLine(t *testing.T) {
	if got, want := present.ProgressLine(stack(), objects(), noon), "1/3  Network 1/2  Security 0/1  Data 0/0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := present.ProgressLine(&v1.UserManagementStack{}, nil, noon); got != "waiting for the operator to take it up" {
		t.Errorf("before the first status: %q", got)
	}
}

func TestStatus(t *testing.T) {
	compare(t, `
UserManagementStack team-a/prod  not Ready: TerminalError
  AWS refuses sg-alb

  Network   ███████████████░░░░░░░░░░░░░░░    1/2
  Security  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░    0/1
  Data      ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░    0/0
  1 of 3 resources are ready

  ✗ SecurityGroup prod-sg-alb  TerminalError for 1h30m
    InvalidGroup
    → change it

  URL            https://users.example.com
  Bastion        198.18.0.5
`, present.Status(stack(), objects(), noon, present.Style{}))
	changed := stack()
	changed.Generation = 3
	if got := present.Status(changed, nil, noon, present.Style{}); !strings.Contains(got, "not seen by the operator yet") {
		t.Errorf("a status of an older spec is taken for news:\n%s", got)
	}
}

func TestStatusShowsHostsAndTheirRollout(t *testing.T) {
	s := stack()
	s.Status.Blockers, s.Status.Endpoints, s.Status.Components = nil, v1.Endpoints{}, nil
	s.Status.Conditions = []metav1.Condition{
		{Type: v1.ConditionReady, Status: "False", Reason: "RollingOut", Message: "host-a is replaced", ObservedGeneration: 2},
		{Type: v1.ConditionAvailable, Status: "True", ObservedGeneration: 2},
	}
	s.Status.Hosts.Items = []v1.HostStatus{
		{Node: "host-a", InstanceID: "i-0a", Health: v1.HostHealth{State: v1.HealthHealthy, Version: "1.4.0"}},
		{Node: "host-a", Current: true, Health: v1.HostHealth{State: v1.HealthUnknown}, Message: "its instance does not run"},
		{Node: "host-bb", Name: "old", InstanceID: "i-0c", Health: v1.HostHealth{State: v1.HealthNotAnswering}, Message: "it is drained"},
		{Node: "host-bb", Name: "new", InstanceID: "i-0b", Current: true, Health: v1.HostHealth{State: v1.HealthUnhealthy, Version: "1.4.1"}},
	}
	s.Status.Rollout = &v1.RolloutStatus{
		Node: "host-a", Step: v1.RolloutStarting, Message: "waiting for it to run", Since: metav1.NewTime(noon.Add(-2 * time.Minute)),
	}
	compare(t, `
UserManagementStack team-a/prod  not Ready: RollingOut; users are served
  host-a is replaced

  waiting for the operator to take it up

  ✓ host-a   Healthy       1.4.0    i-0a  of another revision than the spec asks for
  … host-a   Unknown
    its instance does not run
  … host-bb  NotAnswering           i-0c  of another revision than the spec asks for
    it is drained
  ✗ host-bb  Unhealthy     1.4.1    i-0b

  Rollout: Starting host-a for 2m
    waiting for it to run
`, present.Status(s, nil, noon, present.Style{}))
}

// TestStatusSaysWhatHoldsAStack: a deletion that waits for a decision, and a suspension, say so in the first lines.
func TestStatusSaysWhatHoldsAStack(t *testing.T) {
	ready := func(status metav1.ConditionStatus, generation int64) metav1.Condition {
		return metav1.Condition{Type: v1.ConditionReady, Status: status, Message: "an old word", ObservedGeneration: generation}
	}
	holds := func(kind, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: "True", Message: message, ObservedGeneration: 2}
	}
	type conditions []metav1.Condition
	left, held := holds(v1.ConditionReconciling, "7 are left"), holds(v1.ConditionSuspended, "it is held")
	for name, c := range map[string]struct {
		deleting   bool
		conditions conditions
		want       string
	}{
		"a deletion that was not seen": {true, conditions{ready("True", 1)}, "being deleted\n  the operator has not begun with it\n"},
		"a deletion under way":         {true, conditions{ready("False", 2), left}, "being deleted\n  7 are left\n"},
		"a deletion that is blocked": {
			true,
			conditions{ready("False", 2), left, holds(v1.ConditionDeletionBlocked, "it is protected")},
			"being deleted\n  it is protected\n",
		},
		"a deletion that is suspended": {true, conditions{ready("Unknown", 2), held}, "being deleted\n  it is held\n"},
		"a stack in a fight": {
			false,
			conditions{ready("False", 2), holds(v1.ConditionDrifted, "somebody changes it")},
			"not Ready: \n  an old word\n  somebody changes it\n",
		},
		"a suspended stack that is Ready":     {false, conditions{ready("True", 2), held}, "Ready, suspended\n  it is held\n"},
		"a suspended stack that is not Ready": {false, conditions{ready("Unknown", 2), held}, "suspended\n  it is held\n"},
	} {
		s := stack()
		s.Status.Conditions = c.conditions
		if c.deleting {
			s.DeletionTimestamp = &metav1.Time{Time: noon}
		}
		if c.deleting {
			s.Status.Components = nil
		}
		got := present.Status(s, nil, noon, present.Style{})
		if c.deleting && strings.Contains(got, "take it up") {
			t.Errorf("%s: the operator has taken the stack up long ago:\n%s", name, got)
		}
		if !strings.HasPrefix(got, "UserManagementStack team-a/prod  "+c.want) {
			t.Errorf("%s: want %q in\n%s", name, c.want, got)
		}
	}
}

// TestWidth draws everything narrowly: no line may wrap, and colors take no room.
func TestWidth(t *testing.T) {
	for _, columns := range []int{60, 80, 100} {
		style := present.Style{Columns: columns}
		colored := present.Style{Columns: columns, Color: true}
		for name, draw := range map[string]func(present.Style) string{
			"tree":     func(s present.Style) string { return present.Tree(stack(), objects(), noon, s) },
			"progress": func(s present.Style) string { return present.Progress(stack(), objects(), noon, s) },
			"step": func(s present.Style) string {
				return s.Step(present.Done, strings.Repeat("a long word ", 20), "1m5s") + s.Note(strings.Repeat("note ", 50))
			},
		} {
			plain := draw(style)
			for line := range strings.Lines(plain) {
				if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width >= columns {
					t.Errorf("%s at %d columns has a line of %d: %s", name, columns, width, line)
				}
			}
			if got := withoutColors(draw(colored)); got != plain {
				t.Errorf("%s at %d columns is another one in color:\n%s", name, columns, cmp.Diff(plain, got))
			}
		}
	}
}

func withoutColors(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "\x1b[") {
		if i > 0 {
			_, part, _ = strings.Cut(part, "m")
		}
		out.WriteString(part)
	}
	return out.String()
}

// wanted is a node whose object shall have this spec.
func wanted(node, kind string, spec map[string]any) *graph.Node {
	o := object(node, v1.ComponentNetwork, kind, "ACK.ResourceSynced", "", nil)
	o.Object["spec"] = spec
	return &graph.Node{ID: node, Object: o}
}

// is makes a node's object as it stands, with this spec.
func is(node *graph.Node, spec map[string]any) *unstructured.Unstructured {
	o := node.Object.DeepCopy()
	o.Object["spec"] = spec
	return o
}

func TestChanges(t *testing.T) {
	db := wanted("db", "DBInstance", map[string]any{"allocatedStorage": int64(200), "engine": "mysql"})
	host := wanted("host-a", "Instance", map[string]any{"imageID": "ami-2", "userData": "bG9uZw=="})
	vpc := wanted("vpc", "VPC", map[string]any{})
	bastion := wanted("bastion", "Instance", map[string]any{"instanceType": "t3.small"})
	old := is(bastion, map[string]any{"instanceType": "t3.micro"})
	actions := []plan.Action{
		{Verb: plan.Keep, Node: vpc, Live: vpc.Object},
		{Verb: plan.Update, Node: db, Desired: db.Object, Live: is(db, map[string]any{"allocatedStorage": int64(20), "engine": "mysql"})},
		{Verb: plan.Roll, Node: host, Live: is(host, map[string]any{"imageID": "ami-1", "userData": "c2hvcnQ="})},
		{Verb: plan.Replace, Node: bastion},
		{Verb: plan.Create, Node: wanted("dns-b", "RecordSet", map[string]any{})},
		{Verb: plan.Wait, Node: wanted("listener", "Listener", map[string]any{}), Reason: "waiting for cert.arn"},
	}
	stale := []*unstructured.Unstructured{old, object("dns-a", v1.ComponentEndpoint, "RecordSet", "ACK.ResourceSynced", "", nil)}
	compare(t, `UserManagementStack team-a/prod

~ db        DBInstance        changed in place
    spec.allocatedStorage: 20 → 200

± host-a    Instance          replaced in a rollout: another host beside it, proven and drained, then this one goes
    spec.imageID: "ami-1" → "ami-2"
    spec.userData: what it does at its first boot

± bastion   Instance          another is made, and the old one is deleted
    spec.instanceType: "t3.micro" → "t3.small"

+ dns-b     RecordSet         made

… listener  Listener          may change: waiting for cert.arn

- dns-a     RecordSet         deleted

1 made, 1 changed in place, 2 replaced, 1 may change, 1 deleted; 1 stay as they are.
`, present.Changes(stack(), actions, stale, present.Style{}))
	compare(t, "UserManagementStack team-a/prod\n\nNothing would change: all 1 resources are as the manifest says.\n",
		present.Changes(stack(), actions[:1], nil, present.Style{}))
	suspended := stack()
	suspended.Spec.Suspend = true
	if got := present.Changes(suspended, actions, stale, present.Style{}); !strings.Contains(got, "spec.suspend") {
		t.Errorf("of a suspended stack it does not say that nothing is done:\n%s", got)
	}
}

// Of a list, what differs is told, and not the whole of it twice.
func TestChangesOfLists(t *testing.T) {
	tag := func(key, value string) any { return map[string]any{"key": key, "value": value} }
	db := wanted("db", "DBInstance", map[string]any{
		"tags": []any{tag("Name", "db"), tag("team", "blue"), tag("new", "1")}, "vpcSecurityGroupIDs": []any{"sg-1", "sg-3"},
	})
	live := is(db, map[string]any{
		"tags": []any{tag("Name", "db"), tag("team", "red"), tag("gone", "1")}, "vpcSecurityGroupIDs": []any{"sg-1", "sg-2"},
	})
	actions := []plan.Action{{Verb: plan.Update, Node: db, Desired: db.Object, Live: live}}
	compare(t, `UserManagementStack team-a/prod

~ db  DBInstance        changed in place
    spec.tags[gone]: "1" → nothing
    spec.tags[new]: nothing → "1"
    spec.tags[team]: "red" → "blue"
    spec.vpcSecurityGroupIDs: + "sg-3"
    spec.vpcSecurityGroupIDs: - "sg-2"

1 changed in place; 0 stay as they are.
`, present.Changes(stack(), actions, nil, present.Style{}))
}
