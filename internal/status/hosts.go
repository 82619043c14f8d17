package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/rollout"
)

// nodes says how each planned node is; a host also by what it answers.
func (f Facts) nodes() []Node {
	nodes := Nodes(f)
	for _, place := range f.Fleet.Places {
		at := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == place.Node })
		if _, troubled := f.Problems[place.Node]; at < 0 || troubled || len(place.Instances) == 0 {
			continue
		}
		f.host(&nodes[at], place)
	}
	return nodes
}

// host completes the state of a host's node. While one host takes another's place the node is as well as the one that
// serves.
func (f Facts) host(n *Node, place rollout.Place) {
	n.Rolling = outdated(place)
	shown := shownOf(place)
	if shown.Name != n.Name {
		n.Name, n.Made, n.Pending = shown.Name, true, false
		n.Assessment = ack.Assessment{Verdict: ack.Ready, Reason: v1.ReasonSucceeded}
		if !shown.Running {
			n.Assessment = ack.Assessment{Reason: v1.ReasonProgressing, Message: shown.Fault()}
		}
	}
	switch {
	case shown.Dead && f.Fleet.Rules.Replace && f.Rollout.Failure == nil:
		// It is being replaced: something moves.
		n.Assessment = ack.Assessment{Reason: v1.ReasonInstanceTerminated, Message: shown.Fault(), Hint: "it is replaced"}
	case shown.Dead:
		n.Assessment = ack.Assessment{
			Verdict: ack.Failed, Reason: v1.ReasonInstanceTerminated, Message: shown.Fault(),
			Hint: "delete this object, it is made again; or set spec.hosts.repair to Replace",
		}
	case n.Verdict == ack.Ready && !shown.Serves():
		n.Assessment = f.unwell(shown)
	}
}

// shownOf is the host that stands for its place: one that serves, or else the one that is wanted, or else the oldest.
func shownOf(place rollout.Place) rollout.Instance {
	for _, i := range place.Instances {
		if i.Serves() {
			return i
		}
	}
	if current := place.Current(); current != nil {
		return *current
	}
	return place.Instances[0]
}

// outdated says that a place has no host of the revision that the spec asks for, or still another one beside it.
func outdated(place rollout.Place) bool {
	return place.Revision != "" && slices.ContainsFunc(place.Instances, func(i rollout.Instance) bool {
		return i.Revision != place.Revision
	})
}

// reachGrace is how long a load balancer may not be reached without anything being wrong: its name is new to DNS.
const reachGrace = 2 * time.Minute

// unwell is the state of a host that AWS says is there, and that does not serve. A new one gets time before anybody is
// told; after the rollout's deadline it is not expected to recover by itself.
func (f Facts) unwell(i rollout.Instance) ack.Assessment {
	waited := f.Now.Sub(latest(i.Created, i.Health.Since))
	deadline := f.Fleet.Rules.Deadline
	a := ack.Assessment{Reason: v1.ReasonProgressing, Message: i.Fault(), Recheck: max(deadline-waited, 0)}
	switch {
	case i.Health.State == v1.HealthUnhealthy:
		a.Reason, a.Hint = v1.ReasonHostUnhealthy, hintUnhealthy
	case i.Health.State != v1.HealthNotAnswering:
		return a
	case i.Health.Reason != "" && waited >= min(reachGrace, deadline):
		a.Reason, a.Hint = v1.ReasonBalancerUnreached, unreachedHint(f.Stack)
	case i.Health.Reason != "":
		a.Recheck = min(reachGrace, deadline) - waited
	case i.Health.Version != "" || waited >= deadline:
		a.Reason, a.Hint = v1.ReasonHostNotAnswering, hintNotAnswering
	}
	if waited >= deadline && !f.Fleet.Rules.Replace {
		a.Verdict = ack.Failed
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

const (
	hintUnhealthy = "look at what the host names; its own log, on the host: journalctl -u user-management-app -b"
	hintNoAnswer  = "the load balancer leads nobody to it, or it does not answer: look at its console output and, on the host, at " +
		"journalctl -u user-management-app -b"
	hintNotAnswering = hintNoAnswer + "; deleting this object makes it again"
)

// unreachedHint is the way out for an operator that cannot do what users do.
func unreachedHint(stack *v1.UserManagementStack) string {
	const ways = "let the operator's own address in by spec.ingress.allowedCIDRs, or give it a way with --health-proxy, " +
		"or start it with --health-probe=false, with which a host that runs counts as healthy"
	if stack.Spec.Ingress.Scheme == v1.SchemeInternal {
		return "the load balancer is internal: run the operator where it is reached, or " + ways
	}
	return ways
}

// failed is the rollout that was given up, as a problem that somebody should know of.
func (f Facts) failed() []Node {
	if f.Rollout.Failure == nil || f.Rollout.Status == nil || f.Rollout.Status.Step != v1.RolloutFailed {
		return nil
	}
	node := f.Rollout.Status.Node
	if node == "" {
		node = "hosts"
	}
	return []Node{{ID: node, Kind: ack.Instance.Name, Name: node, Assessment: ack.Assessment{
		Verdict: ack.Failed, Reason: v1.ReasonRolloutFailed, Message: f.Rollout.Failure.Message,
		Hint: "correct the release or the hosts in the spec: another revision is tried at once, this one not again",
	}}}
}

// assumed says that nobody asks the hosts how they are.
func assumed(fleet rollout.Fleet) bool {
	return slices.ContainsFunc(fleet.Places, func(p rollout.Place) bool {
		return slices.ContainsFunc(p.Instances, func(i rollout.Instance) bool { return i.Health.State == v1.HealthAssumed })
	})
}

// rolloutStatus keeps the time of a step while the step lasts.
func rolloutStatus(next, before *v1.RolloutStatus) *v1.RolloutStatus {
	if next == nil {
		return nil
	}
	told := next.DeepCopy()
	told.Message = ack.StableMessage(told.Message, maxMessage)
	told.FailureMessage = ack.StableMessage(told.FailureMessage, maxMessage)
	if before != nil && before.Node == told.Node && before.Step == told.Step && before.FromRevision == told.FromRevision &&
		before.ToRevision == told.ToRevision {
		told.Since = before.Since
	}
	return told
}

// hosts lists the app hosts, by node, and those that leave.
func hosts(fleet rollout.Fleet) v1.HostsStatus {
	h := v1.HostsStatus{Total: int32(len(fleet.Places))} //nolint:gosec // a stack has tens of nodes
	for _, place := range fleet.Places {
		if place.Serves() {
			h.Ready++
		}
		if outdated(place) {
			h.RolloutNeeded++
		}
		for _, i := range place.Instances {
			h.Items = append(h.Items, hostStatus(i, place.Revision == "" || i.Revision == place.Revision))
		}
	}
	for _, i := range fleet.Leaving {
		h.Items = append(h.Items, hostStatus(i, false))
	}
	slices.SortStableFunc(h.Items, func(a, b v1.HostStatus) int { return strings.Compare(a.Node, b.Node) })
	h.Summary = fmt.Sprintf("%d/%d", h.Ready, h.Total)
	return h
}

func hostStatus(i rollout.Instance, current bool) v1.HostStatus {
	zone := strings.TrimPrefix(i.Node, "host-")
	if cut := strings.LastIndex(zone, "-"); cut > 0 {
		zone = zone[:cut]
	}
	return v1.HostStatus{
		Node: i.Node, Name: i.Name, Zone: zone, InstanceID: i.ID, State: i.State,
		Revision: i.Revision, Current: current, Message: ack.StableMessage(hostMessage(i), maxMessage),
		Health: v1.HostHealth{
			State: i.Health.State, Version: i.Health.Version, Since: metav1.NewTime(i.Health.Since.Truncate(time.Second)),
			Reason: ack.StableMessage(i.Health.Reason, maxMessage),
		},
	}
}

// hostMessage is what there is to say of a host that does not just serve.
func hostMessage(i rollout.Instance) string {
	switch {
	case i.Going:
		return "it is being deleted"
	case i.Withdrawn != "":
		return i.Withdrawn
	case !i.Draining.IsZero():
		return "it is drained: the load balancer sends it nothing new"
	case i.Serves():
		return ""
	default:
		return i.Fault()
	}
}
