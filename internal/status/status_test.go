package status_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/rollout"
	"usermanagement.dev/stack/internal/status"
	"usermanagement.dev/stack/internal/status/statustest"
)

var now = Start.Add(30 * time.Second)

func newStack() *v1.UserManagementStack {
	stack := &v1.UserManagementStack{}
	stack.Namespace, stack.Name, stack.UID, stack.Generation = "team-a", "prod", "stack-uid", 3
	return stack
}

// small is a stack's nodes, each of another component, and all that users are served by.
var small = []struct {
	kind      ack.Kind
	id        string
	component v1.ComponentName
}{
	{ack.VPC, "vpc", v1.ComponentNetwork},
	{ack.SecurityGroup, "sg-app", v1.ComponentSecurity},
	{ack.DBInstance, "db", v1.ComponentData},
	{ack.LoadBalancer, "alb", v1.ComponentBalancer},
	{ack.Listener, "listener-http", v1.ComponentBalancer},
	{ack.Instance, "host-us-east-2a-0", v1.ComponentCompute},
	{ack.Instance, "bastion", v1.ComponentCompute},
}

// actions are the plan of the small stack, all of it kept, but for the changes.
func actions(changes ...func(map[string]*plan.Action)) []plan.Action {
	list := make([]plan.Action, len(small))
	byID := map[string]*plan.Action{}
	for i, n := range small {
		list[i] = plan.Action{
			Verb: plan.Keep, Live: Ready(n.kind, n.id),
			Node: &graph.Node{ID: n.id, Component: n.component, Object: New(n.kind, n.id)},
		}
		if strings.HasPrefix(n.id, "host-") {
			Label(v1.LabelRevision, "r1")(list[i].Node.Object)
			Label(v1.LabelRevision, "r1")(list[i].Live)
			list[i].Node.Revision = "r1"
		}
		byID[n.id] = &list[i]
	}
	for _, change := range changes {
		change(byID)
	}
	return list
}

func verb(id string, v plan.Verb) func(map[string]*plan.Action) {
	return func(all map[string]*plan.Action) { all[id].Verb = v }
}

// missing takes objects away.
func missing(ids ...string) func(map[string]*plan.Action) {
	return func(all map[string]*plan.Action) {
		for _, id := range ids {
			all[id].Verb, all[id].Live, all[id].Reason = plan.Wait, nil, "waiting for x.id"
		}
	}
}

func state(id string, options ...Option) func(map[string]*plan.Action) {
	return func(all map[string]*plan.Action) {
		for _, option := range options {
			option(all[id].Live)
		}
	}
}

// of is the status of a stack, checked against all rules.
func of(t *testing.T, facts status.Facts) *v1.UserManagementStack {
	t.Helper()
	if facts.Stack == nil {
		facts.Stack = newStack()
	}
	if facts.Now.IsZero() {
		facts.Now = now
	}
	stack := facts.Stack.DeepCopy()
	fleetOf(&facts)
	stack.Status = status.Of(facts)
	statustest.Check(t, stack)
	return stack
}

// fleetOf fills in the hosts of a plan, unless a test has its own.
func fleetOf(facts *status.Facts) {
	if facts.Fleet.Places != nil {
		return
	}
	facts.Fleet = rollout.Observe(rollout.Facts{
		Stack: facts.Stack, Actions: facts.Actions, Hosts: hostsOf(facts.Actions), Stale: facts.Stale, Now: facts.Now,
	})
	facts.Rollout = rollout.Next(facts.Fleet)
}

// hostsOf are the hosts of a plan as they are.
func hostsOf(actions []plan.Action) []*unstructured.Unstructured {
	var hosts []*unstructured.Unstructured
	for _, action := range actions {
		if action.Live != nil && action.Live.GetLabels()[v1.LabelRevision] != "" {
			hosts = append(hosts, action.Live)
		}
	}
	return hosts
}

func said(stack *v1.UserManagementStack, kind string) string {
	c := meta.FindStatusCondition(stack.Status.Conditions, kind)
	if c == nil {
		return "-"
	}
	return fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message)
}

var (
	problem   = map[string]status.Problem{"alb": {Reason: v1.ReasonRejected, Message: "spec.name is too long", Hint: "shorten it"}}
	terminal  = Condition("ACK.Terminal", "True", "bad value", time.Time{})
	throttled = Condition("ACK.Recoverable", "True", "Rate exceeded, RequestID: 12-ab", time.Time{})
)

// sayings has what stacks say in their conditions, by the beginning of each; - is for one that is not there.
var sayings = []struct {
	why   string
	facts status.Facts
	want  map[string]string
}{
	{"all is there", status.Facts{Actions: actions()}, map[string]string{
		"Ready": "True Succeeded all 7 resources are ready", "Reconciling": "-", "Stalled": "-",
		"Available": "True", "EndpointReady": "True NoDomain spec.ingress.domain", "NetworkReady": "True Succeeded all 1",
	}},
	{
		"nothing is there yet",
		status.Facts{Actions: actions(verb("vpc", plan.Create),
			missing("sg-app", "db", "alb", "listener-http", "host-us-east-2a-0", "bastion"),
			func(all map[string]*plan.Action) { all["vpc"].Live = nil })},
		map[string]string{
			"Ready": "False Progressing 0 of 7 resources are ready; waiting for VPC/vpc", "Reconciling": "True Progressing",
			"Available":    "False NotServing not there: a listener, the database, a healthy host",
			"ComputeReady": "False Progressing waiting for Instance/bastion, Instance/host-us-east-2a-0",
		},
	},
	{
		"one waits and the others say nothing",
		status.Facts{Actions: actions(state("db", Status("dbInstanceStatus", "creating")),
			missing("bastion"))},
		map[string]string{
			"Ready":     "False Progressing 5 of 7 resources are ready; waiting for DBInstance/db",
			"Available": "False NotServing not there: the database",
		},
	},
	{
		"one is hopeless and nothing else moves",
		status.Facts{Actions: actions(state("vpc", terminal))},
		map[string]string{
			"Ready": "False TerminalError 6 of 7", "Stalled": "True TerminalError",
			"NetworkReady": "False TerminalError VPC/vpc: bad value", "Available": "True",
		},
	},
	{
		"one is hopeless and another moves",
		status.Facts{Actions: actions(state("vpc", terminal),
			state("db", Status("dbInstanceStatus", "modifying")))},
		map[string]string{
			"Ready": "False TerminalError", "Stalled": "-", "Reconciling": "True Progressing work goes on",
			"Available": "True",
		},
	},
	{
		"what ACK tries again is not hopeless",
		status.Facts{Actions: actions(state("vpc", throttled))},
		map[string]string{
			"Ready":       "False RecoverableError 6 of 7 resources are ready; VPC/vpc: Rate exceeded",
			"Reconciling": "True", "Stalled": "-",
		},
	},
	{
		"the hopeless comes before what ACK tries again",
		status.Facts{Actions: actions(state("vpc", throttled), state("sg-app", terminal))},
		map[string]string{"Ready": "False TerminalError 5 of 7 resources are ready; SecurityGroup/sg-app"},
	},
	{
		"the API server refuses an object",
		status.Facts{Actions: actions(verb("alb", plan.Update)), Problems: problem},
		map[string]string{
			"Ready": "False Rejected", "Stalled": "True Rejected",
			"BalancerReady": "False Rejected LoadBalancer/alb: spec.name is too long",
		},
	},
	{
		"a kind is not installed",
		status.Facts{Actions: actions(verb("db", plan.Unserved))},
		map[string]string{
			"Ready":     "False CRDMissing",
			"DataReady": "False CRDMissing DBInstance/db: the cluster has no CustomResourceDefinition dbinstances.rds.services.k8s.aws",
		},
	},
	{
		"a change of the database does not make users wait",
		status.Facts{Actions: actions(verb("db", plan.Update))},
		map[string]string{"Ready": "False Progressing 6 of 7", "Available": "True"},
	},
	{
		"a change that has to wait is not done, however well its object is",
		status.Facts{Actions: actions(verb("sg-app", plan.Wait))},
		map[string]string{
			"Ready":       "False Progressing 6 of 7 resources are ready; waiting for SecurityGroup/sg-app",
			"Reconciling": "True", "SecurityReady": "False",
		},
	},
	{
		"a fight is no readiness",
		status.Facts{
			Actions:   actions(verb("sg-app", plan.Wait)),
			Contested: []string{"SecurityGroup/sg-app"},
		},
		map[string]string{"Ready": "False", "Drifted": "True DriftDetected somebody keeps changing SecurityGroup/sg-app"},
	},
	{
		"somebody deletes an object",
		status.Facts{Actions: actions(verb("sg-app", plan.Wait), state("sg-app", Deleting(now)))},
		map[string]string{"Ready": "False DeletedOutside", "Reconciling": "True"},
	},
	{"what nobody asks for any more is going", status.Facts{Actions: actions(), Stale: []*unstructured.Unstructured{
		Ready(ack.Subnet, "z"), Ready(ack.Instance, "b", Deleting(now)),
	}}, map[string]string{
		"Ready":       "False Progressing removing what is no longer asked for: Instance/b, Subnet/z",
		"Reconciling": "True",
	}},
	{"as long as something is going, something moves", status.Facts{
		Actions: actions(state("vpc", terminal)), Stale: []*unstructured.Unstructured{Ready(ack.Instance, "b", Deleting(now))},
	}, map[string]string{"Ready": "False TerminalError", "Stalled": "-", "Reconciling": "True"}},
	{
		"a host of another revision is a rollout's work",
		status.Facts{Actions: actions(verb("host-us-east-2a-0", plan.Roll),
			state("host-us-east-2a-0", Label(v1.LabelRevision, "r0")))},
		map[string]string{
			"Ready":       "False RollingOut Instance/host-us-east-2a-0: a host of revision r1 is made beside it",
			"Reconciling": "True RollingOut", "Stalled": "-",
			"RolloutNeeded": "True RolloutNeeded Instance/host-us-east-2a-0", "Available": "True",
		},
	},
	{
		"a host that was stopped",
		status.Facts{Actions: actions(state("host-us-east-2a-0", Status("state.name", "stopped")))},
		map[string]string{
			"Ready": "False InstanceTerminated", "Stalled": "True",
			"Available": "False NotServing not there: a healthy host",
		},
	},
	{
		"a bastion is no host",
		status.Facts{Actions: actions(missing("host-us-east-2a-0"))},
		map[string]string{"Available": "False NotServing not there: a healthy host"},
	},
}

func TestWhatAStackSays(t *testing.T) {
	for _, c := range sayings {
		t.Run(c.why, func(t *testing.T) {
			stack := of(t, c.facts)
			for kind, want := range c.want {
				if got := said(stack, kind); !strings.HasPrefix(got, want) {
					t.Errorf("%s is %q, want %q", kind, got, want)
				}
			}
		})
	}
}

func TestEndpointsAndHosts(t *testing.T) {
	stack := of(t, status.Facts{Actions: actions(
		state("bastion", Status("publicIPAddress", "203.0.113.9")), state("host-us-east-2a-0", Label(v1.LabelRevision, "r1")),
	)})
	want := v1.Endpoints{
		URL: "http://prod-1.us-east-2.elb.amazonaws.com", LoadBalancer: "prod-1.us-east-2.elb.amazonaws.com",
		Bastion: "203.0.113.9", Database: "db.c0ffee.us-east-2.rds.amazonaws.com:3306",
	}
	if stack.Status.Endpoints != want {
		t.Errorf("got %+v", stack.Status.Endpoints)
	}
	hosts := stack.Status.Hosts
	if hosts.Summary != "1/1" || len(hosts.Items) != 1 || hosts.Items[0] != (v1.HostStatus{
		Node: "host-us-east-2a-0", Name: "host-us-east-2a-0", Zone: "us-east-2a", InstanceID: "i-host-us-east-2a-0",
		State: "running", Revision: "r1", Current: true,
		Health: v1.HostHealth{State: v1.HealthAssumed, Since: metav1.NewTime(now)},
	}) {
		t.Errorf("got %+v", hosts)
	}
	named := newStack()
	named.Spec.Ingress.Domain = &v1.DomainSpec{Name: "users.example.com"}
	if url := of(t, status.Facts{Stack: named, Actions: actions()}).Status.Endpoints.URL; url != "https://users.example.com" {
		t.Errorf("got %q", url)
	}
	half := of(t, status.Facts{Actions: actions(state("db", Status("endpoint.port", nil)))})
	if address := half.Status.Endpoints.Database; address != "" {
		t.Errorf("an address without its port is of no use: %q", address)
	}
}

func TestABlockerKeepsItsTimeWhileItLasts(t *testing.T) {
	broken := actions(state("vpc", Condition("ACK.Terminal", "True", "bad", time.Time{})))
	first := of(t, status.Facts{Actions: broken})
	second := of(t, status.Facts{Stack: first, Actions: broken, Now: now.Add(time.Hour)})
	if since := second.Status.Blockers[0].Since; !since.Time.Equal(now) {
		t.Errorf("since %s", since)
	}
	other := actions(state("vpc", Condition("ACK.Recoverable", "True", "worse", time.Time{})))
	third := of(t, status.Facts{Stack: second, Actions: other, Now: now.Add(2 * time.Hour)})
	if since := third.Status.Blockers[0].Since; !since.Time.Equal(now.Add(2 * time.Hour)) {
		t.Errorf("another cause is another blocker: since %s", since)
	}
}

func TestLongListsAreCounted(t *testing.T) {
	var many []plan.Action
	problems := map[string]status.Problem{}
	for i := range 14 {
		id := fmt.Sprintf("subnet-%02d", 13-i)
		many = append(many, plan.Action{Verb: plan.Wait, Node: &graph.Node{
			ID: id, Component: v1.ComponentNetwork,
			Object: New(ack.Subnet, id),
		}})
		problems[id] = status.Problem{Reason: v1.ReasonRejected, Message: strings.Repeat("no ", 900), Hint: "yes"}
	}
	stack := of(t, status.Facts{Actions: many})
	want := "False Progressing waiting for Subnet/subnet-00, Subnet/subnet-01, Subnet/subnet-02, Subnet/subnet-03, " +
		"Subnet/subnet-04 and 9 more"
	if got := said(stack, "NetworkReady"); got != want {
		t.Errorf("got %q", got)
	}
	if got := len(of(t, status.Facts{Actions: many, Problems: problems}).Status.Blockers); got != 10 {
		t.Errorf("%d blockers", got)
	}
}

func TestASuspendedStackDoesNotFakeReadiness(t *testing.T) {
	stack := of(t, status.Facts{Actions: actions()})
	suspended := func(stack *v1.UserManagementStack) *v1.UserManagementStack {
		stack = stack.DeepCopy()
		stack.Status = status.Suspended(stack, now)
		statustest.Check(t, stack)
		return stack
	}
	if got := said(suspended(stack), "Ready"); !strings.HasPrefix(got, "True Succeeded") {
		t.Errorf("what was ready for this generation stays so: %s", got)
	}
	newer := stack.DeepCopy()
	newer.Generation++
	once := suspended(newer)
	twice := suspended(once)
	if got := said(twice, "Ready"); !strings.HasPrefix(got, "Unknown Suspended") {
		t.Errorf("nobody looked at this generation: %s", got)
	}
	if got := said(twice, "NetworkReady"); !strings.HasPrefix(got, "True") {
		t.Errorf("the parts are as they were: %s", got)
	}
	if before, after := text(t, once.Status), text(t, twice.Status); before != after {
		t.Errorf("a second pass writes another status:\n%s\n%s", before, after)
	}
	suspended(newStack())
}

func TestAnInvalidSpecStallsAndLeavesTheRestAsItWas(t *testing.T) {
	stack := of(t, status.Facts{Actions: actions()})
	stack.Generation++
	stack.Status = status.Invalid(stack, "spec.network.zones: too few\n"+strings.Repeat("x", 3000), now)
	statustest.Check(t, stack)
	if got := said(stack, "Stalled"); !strings.HasPrefix(got, "True InvalidSpec spec.network.zones") {
		t.Errorf("got %s", got)
	}
	if stack.Status.Progress.Summary != "7/7" || said(stack, "Available") == "-" || stack.Status.Endpoints.URL == "" {
		t.Error("what runs, runs on")
	}
	first := newStack()
	first.Status = status.Invalid(first, "no", now)
	statustest.Check(t, first)
}

func TestTransitionTimesAreThoseOfTransitions(t *testing.T) {
	first := of(t, status.Facts{Actions: actions()})
	second := of(t, status.Facts{Stack: first, Actions: actions(), Now: now.Add(time.Hour)})
	if text(t, first.Status) != text(t, second.Status) {
		t.Error("an hour later the same world has another status")
	}
	broken := of(t, status.Facts{Stack: second, Actions: actions(verb("db", plan.Update)), Now: now.Add(time.Hour)})
	ready := meta.FindStatusCondition(broken.Status.Conditions, "Ready")
	vpc := meta.FindStatusCondition(broken.Status.Conditions, "NetworkReady")
	if !ready.LastTransitionTime.Time.Equal(now.Add(time.Hour)) || !vpc.LastTransitionTime.Time.Equal(now) {
		t.Errorf("got %s and %s", ready.LastTransitionTime, vpc.LastTransitionTime)
	}
}

func text(t interface{ Fatal(...any) }, value any) string {
	document, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

func TestWhatIsStaleAndCannotGoIsABlocker(t *testing.T) {
	stuck := Ready(ack.Subnet, "old", Deleting(now), Condition("ACK.Recoverable", "True", "DependencyViolation", time.Time{}))
	stack := of(t, status.Facts{Actions: actions(), Stale: []*unstructured.Unstructured{stuck}})
	if len(stack.Status.Blockers) != 1 || stack.Status.Blockers[0].Name != "old" {
		t.Errorf("got %+v", stack.Status.Blockers)
	}
}

func TestUrgency(t *testing.T) {
	entry := func(name string) v1.InventoryEntry { return v1.InventoryEntry{Node: name, Kind: "VPC", Name: name} }
	base := of(t, status.Facts{
		Actions:   actions(verb("db", plan.Update)),
		Inventory: []v1.InventoryEntry{entry("a"), entry("b")},
	}).Status
	done := of(t, status.Facts{Actions: actions(), Inventory: base.Inventory}).Status
	failing := of(t, status.Facts{
		Actions:   actions(state("db", Status("dbInstanceStatus", "failed"))),
		Inventory: base.Inventory,
	}).Status
	change := func(from v1.UserManagementStackStatus, f func(*v1.UserManagementStackStatus)) v1.UserManagementStackStatus {
		s := *from.DeepCopy()
		f(&s)
		return s
	}
	for _, c := range []struct {
		why           string
		before, after v1.UserManagementStackStatus
		want          bool
	}{
		{"nothing changed", base, base, false},
		{"one resource more is ready", base, of(t, status.Facts{
			Actions:   actions(verb("db", plan.Update), verb("vpc", plan.Update)),
			Inventory: base.Inventory,
		}).Status, false},
		{
			"an object must be written down before it is made", base,
			change(base, func(s *v1.UserManagementStackStatus) { s.Inventory = append(s.Inventory, entry("c")) }), true,
		},
		{"one is written down for another", base, change(base,
			func(s *v1.UserManagementStackStatus) { s.Inventory = []v1.InventoryEntry{entry("a"), entry("c")} }), true},
		{
			"what is gone may stand there a little longer", base,
			change(base, func(s *v1.UserManagementStackStatus) { s.Inventory = s.Inventory[:1] }), false,
		},
		{"it became ready", base, done, true},
		{"it is no longer ready", done, base, true},
		{"something is wrong", base, failing, true},
		{"an address of a finished stack changed", done, change(done,
			func(s *v1.UserManagementStackStatus) { s.Endpoints.Bastion = "x" }), true},
		{"another generation is looked at", base, change(base, func(s *v1.UserManagementStackStatus) { s.ObservedGeneration++ }), true},
	} {
		if got := status.Urgent(c.before, c.after); got != c.want {
			t.Errorf("%s: got %v", c.why, got)
		}
	}
}
