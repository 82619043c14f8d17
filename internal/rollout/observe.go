package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/health"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/observe"
	"usermanagement.dev/stack/internal/plan"
)

// Facts is what a pass knows of a stack's hosts.
type Facts struct {
	Stack   *v1.UserManagementStack
	Actions []plan.Action
	// Hosts are the objects of all hosts, the oldest first; Stale those of any kind that no node stands for.
	Hosts, Stale []*unstructured.Unstructured
	// Observed is what the hosts answer; nil where nobody asks them.
	Observed *health.Observation
	Now      time.Time
}

// Observe is the fleet as a pass sees it. All that it remembers of earlier passes stands on the objects and in the
// stack's status.
func Observe(facts Facts) Fleet {
	spec := &facts.Stack.Spec
	f := Fleet{
		Now: facts.Now, Release: spec.App.Version, Group: groupOf(facts),
		Failure: remembered(facts.Stack.Status.Rollout), Hold: hold(facts.Stale),
		Rules: Rules{
			Deadline: spec.Rollout.DeadlineTime(), Drain: spec.Rollout.DrainTime(), Paused: spec.Rollout.Paused,
			Replace: spec.Hosts.Repair == v1.RepairReplace,
		},
	}
	for _, action := range facts.Actions {
		if action.Node.Object.GetLabels()[v1.LabelRevision] == "" || action.Node.Object.GetKind() != ack.Instance.Name {
			continue
		}
		place := Place{Node: action.Node.ID}
		if action.Node.Runnable() {
			place.Revision = action.Node.Revision
		}
		f.Places = append(f.Places, place)
	}
	slices.SortFunc(f.Places, func(a, b Place) int { return strings.Compare(a.Node, b.Node) })
	for _, object := range facts.Hosts {
		i := instanceOf(object, facts)
		at := slices.IndexFunc(f.Places, func(p Place) bool { return p.Node == i.Node })
		if at < 0 {
			f.Leaving = append(f.Leaving, i)
			continue
		}
		f.Places[at].Instances = append(f.Places[at].Instances, i)
	}
	return f
}

// groupOf is how far the target group has come towards the targets that it shall have.
func groupOf(facts Facts) Group {
	for _, action := range facts.Actions {
		if action.Node.Object.GetKind() != ack.TargetGroup.Name || action.Live == nil {
			continue
		}
		acted, recheck := ack.Acted(action.Live, facts.Now)
		return Group{Settled: action.Verb == plan.Keep && acted, Changed: ack.Changed(action.Live), Recheck: recheck}
	}
	return Group{}
}

// hold keeps hosts from being replaced while a second target group still sends requests to those that are there.
func hold(stale []*unstructured.Unstructured) string {
	for _, object := range stale {
		if object.GetKind() == ack.TargetGroup.Name {
			return "waiting for TargetGroup/" + object.GetName() + " to go, which still leads to the hosts"
		}
	}
	return ""
}

// remembered is the failure that a status tells of.
func remembered(status *v1.RolloutStatus) *Failure {
	if status == nil || status.FailedRevision == "" {
		return nil
	}
	return &Failure{
		Revision: status.FailedRevision, Message: status.FailureMessage, Since: status.Since.Time, Recorded: true,
	}
}

func instanceOf(object *unstructured.Unstructured, facts Facts) Instance {
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	i := Instance{
		Node: labels[v1.LabelNode], Name: object.GetName(), Revision: labels[v1.LabelRevision],
		Replacement: observe.ReplacementOf(object), Created: object.GetCreationTimestamp().Time,
		Running: ack.Serving(object), Dead: ack.InstanceGone(object), Going: object.GetDeletionTimestamp() != nil,
		Withdrawn: observe.WithdrawnFor(object),
	}
	i.ID, _ = ack.Value(object, ack.OutputID)
	i.State, _ = ack.Value(object, ack.OutputState)
	if i.Dead && i.State == "running" { // ACK shows the state from before
		i.State = "terminated"
	}
	if mark := annotations[v1.AnnotationDraining]; mark != "" {
		// Whoever writes nonsense there has drained the host all the same; the time is then the object's own.
		i.Draining = i.Created
		if at, err := time.Parse(time.RFC3339Nano, mark); err == nil {
			i.Draining = at
		}
	}
	if !i.Running && !i.Going {
		i.Trouble = ack.Assess(object, facts.Now).Message
	}
	i.Health = healthOf(i, facts)
	return i
}

// healthOf is what is known of an instance. The time since when is the one that the status has, if it says the same; and
// as long as nobody was asked, all that the status says still holds.
func healthOf(i Instance, facts Facts) Health {
	h := Health{State: v1.HealthUnknown, Since: facts.Now.Truncate(time.Second)}
	switch {
	case !i.Running || !i.Draining.IsZero():
	case facts.Observed == nil:
		h.State = v1.HealthAssumed
	default:
		if seen, ok := facts.Observed.Hosts[hostcontract.HostID(i.ID)]; ok {
			h.State, h.Version, h.Reason = seen.State, seen.Version, seen.Reason
		}
		if trouble := facts.Observed.Trouble; trouble != "" && h.State != v1.HealthHealthy {
			h.Reason = trouble
		}
	}
	for _, before := range facts.Stack.Status.Hosts.Items {
		said := before.Health
		switch {
		case before.Name != i.Name || said.State == "":
		case said.State == h.State:
			h.Since, h.Version = said.Since.Time, cmp.Or(h.Version, said.Version)
		case h.State == v1.HealthUnknown && i.Running && said.State != v1.HealthAssumed: // a drained one is not asked any more
			return Health{State: said.State, Version: said.Version, Reason: said.Reason, Since: said.Since.Time, Carried: true}
		}
	}
	return h
}
