package rollout

import (
	"fmt"
	"slices"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
)

// assumedAfter is how long a host is left alone after its registration where nobody asks it: what the load balancer needs
// to find it healthy by itself, twice at ten seconds, and a little more.
const assumedAfter = 25 * time.Second

// settle is the next move at a place where something is under way: more than one instance, or one that is drained. It is
// nil where all is at rest.
func (f *Fleet) settle(p Place) *move {
	standing := p.standing()
	if len(standing) == 0 {
		return nil // the plan makes another
	}
	keep := p.Current()
	if keep == nil {
		keep = best(standing)
	}
	rest := slices.DeleteFunc(standing, func(i Instance) bool { return i.Name == keep.Name })
	for _, i := range rest {
		if i.Dead && !f.forgetful(i) {
			return f.about(p, i, keep, Remove, v1.RolloutRemoving, "its instance is "+i.State)
		}
	}
	switch {
	case len(rest) > 0 && p.Revision == "":
		return f.about(p, *keep, keep, Wait, v1.RolloutWaiting, "what the hosts are made from is not known yet")
	case p.Current() != nil && slices.ContainsFunc(rest, Instance.kept):
		return f.gate(p, keep, rest)
	case !keep.Draining.IsZero():
		return f.about(p, *keep, keep, Restore, v1.RolloutWithdrawing, "it is the one to keep")
	case !keep.proven() && slices.ContainsFunc(rest, Instance.unjudged):
		return f.about(p, *keep, keep, Wait, v1.RolloutChecking, "it is not known yet which of the hosts serves")
	case len(rest) > 0:
		return f.release(p, keep, rest)
	case len(p.Instances) > len(standing):
		return f.about(p, *keep, keep, Wait, v1.RolloutRemoving, "waiting for the host before it to go")
	default:
		return nil
	}
}

// gate has the current host prove itself before the others leave.
func (f *Fleet) gate(p Place, current *Instance, others []Instance) *move {
	if !current.Draining.IsZero() {
		return f.about(p, *current, current, Restore, v1.RolloutChecking, "its revision is asked for again")
	}
	good, recheck := f.good(*current, others)
	repair := !slices.ContainsFunc(others, func(i Instance) bool { return i.Revision != p.Revision })
	paused := f.Rules.Paused && !repair
	switch {
	case good && paused:
		return f.paused(p, current)
	case good:
		return f.release(p, current, others)
	case current.Dead && p.begun().After(current.Created):
		return f.about(p, *current, &others[0], Remove, v1.RolloutRemoving, "its instance is "+current.State)
	case current.Dead:
		return f.withdraw(p, current, "its instance is "+current.State)
	}
	if n := slices.IndexFunc(others, Instance.restorable); current.judged() && n >= 0 {
		return f.about(p, others[n], current, Restore, v1.RolloutChecking, "its successor does not serve")
	}
	if paused {
		return f.paused(p, current)
	}
	return f.prove(p, current, others, recheck)
}

// begun is when the last host was made at a place. One of the wanted revision that is older stood there before, and is
// asked for again: it was not the attempt that the last one was.
func (p Place) begun() time.Time {
	var last time.Time
	for _, i := range p.Instances {
		last = later(last, i.Created)
	}
	return last
}

// prove waits for a host to get healthy, until its time is up.
func (f *Fleet) prove(p Place, current *Instance, others []Instance, recheck time.Duration) *move {
	if n := slices.IndexFunc(others, f.lost); n >= 0 {
		return f.about(p, others[n], current, Drain, v1.RolloutChecking,
			"it does not answer, and its successor cannot be registered beside it")
	}
	left := p.begun().Add(f.Rules.Deadline).Sub(f.Now)
	if left <= 0 && current.judged() {
		return f.withdraw(p, current, "it did not get healthy within "+f.Rules.Deadline.String()+": "+current.Fault())
	}
	m := f.about(p, *current, current, Wait, v1.RolloutChecking, "")
	recheck = sooner(recheck, left)
	m.since, m.recheck = current.Created, recheck
	m.message = "waiting for " + current.label() + " to get healthy: " + current.Fault()
	if !current.Running {
		m.phase, m.message = v1.RolloutStarting, "waiting for "+current.label()+" to run: "+current.Fault()
	}
	return m
}

// kept says that the instance was not taken back: another one has to prove itself before it goes.
func (i Instance) kept() bool { return i.Withdrawn == "" }

// judged says that there is something to judge a new host by.
func (i Instance) judged() bool { return !i.Running || i.Health.known() }

// unjudged says that the instance may serve, and that nobody knows yet.
func (i Instance) unjudged() bool {
	return i.Running && i.kept() && i.Draining.IsZero() && !i.Health.known()
}

// drains says that the instance runs and is drained, though not because it was taken back: it could serve again.
func (i Instance) drains() bool {
	return i.Running && !i.Dead && !i.Draining.IsZero() && i.Withdrawn == ""
}

// restorable says that a drained instance was well when it was last asked: it can serve again.
func (i Instance) restorable() bool {
	return i.drains() && i.Health.State != v1.HealthNotAnswering && i.Health.State != v1.HealthUnhealthy
}

// lost says that an instance runs as far as ACK knows, and that nobody answers there while others do. AWS may have
// terminated it, which ACK notices hours later; until it is taken out of the target group, ACK registers no other target.
func (f *Fleet) lost(i Instance) bool {
	return i.Running && i.kept() && i.Draining.IsZero() && i.Health.known() && i.Health.State == v1.HealthNotAnswering &&
		i.Health.Reason == "" && slices.ContainsFunc(f.Places, Place.Serves)
}

// good says whether an instance is proven, and when that may be so by time alone. Where nobody is asked, the decision to
// drain the others is the proof that it was.
func (f *Fleet) good(i Instance, others []Instance) (bool, time.Duration) {
	if i.Health.State != v1.HealthAssumed || !i.Running || slices.ContainsFunc(others, Instance.drains) {
		return i.proven(), 0
	}
	if !f.Group.Settled {
		return false, f.Group.Recheck
	}
	left := later(i.Created, f.Group.Changed).Add(assumedAfter).Sub(f.Now)
	return left <= 0, max(left, 0)
}

// release drains and removes what is not kept at a place, one by one.
func (f *Fleet) release(p Place, keep *Instance, rest []Instance) *move {
	for _, i := range rest {
		if i.Draining.IsZero() {
			return f.about(p, i, keep, Drain, v1.RolloutDraining, "a newer host has taken its place")
		}
	}
	var wait *move
	for _, i := range rest {
		left, known := f.drained(i)
		done := known && left <= 0
		if done && !f.forgetful(i) {
			return f.about(p, i, keep, Remove, v1.RolloutRemoving, "it is drained")
		}
		m := f.about(p, i, keep, Wait, v1.RolloutDraining, "")
		if i.Withdrawn != "" {
			m.phase = v1.RolloutWithdrawing
		}
		m.since, m.recheck, m.message = i.Draining, max(left, 0), i.label()+" finishes its requests"
		if done {
			m.recheck = recordLook
		}
		if wait == nil || m.recheck < wait.recheck {
			wait = m
		}
	}
	return wait
}

// recordLook is when to look whether the status has taken up a failure.
const recordLook = 100 * time.Millisecond

// drained is how long an instance still has to finish its requests; not known while the load balancer may still send some.
func (f *Fleet) drained(i Instance) (left time.Duration, known bool) {
	if !i.Running || i.Dead {
		return 0, true
	}
	if !f.Group.Settled {
		return f.Group.Recheck, false
	}
	return later(i.Draining, f.Group.Changed).Add(f.Rules.Drain).Sub(f.Now), true
}

// forgetful says that with the instance the memory of its failure would go.
func (f *Fleet) forgetful(i Instance) bool {
	if i.Withdrawn == "" || !f.wants(i.Revision) {
		return false
	}
	return f.Failure == nil || f.Failure.Revision != i.Revision || !f.Failure.Recorded
}

// wants says whether a revision is asked for anywhere.
func (f *Fleet) wants(revision string) bool {
	return slices.ContainsFunc(f.Places, func(p Place) bool { return p.Revision == revision })
}

func (f *Fleet) withdraw(p Place, current *Instance, why string) *move {
	why = fmt.Sprintf("%s, revision %s (release %s), is withdrawn: %s", current.label(), current.Revision, f.Release, why)
	return f.about(p, *current, current, Withdraw, v1.RolloutWithdrawing, why)
}

func (f *Fleet) paused(p Place, current *Instance) *move {
	m := f.about(p, *current, current, Wait, v1.RolloutPaused, "")
	m.since, m.message = current.Created, pausedMessage
	return m
}

const pausedMessage = "spec.rollout.paused is true: nothing goes on until it is false"

// about is a move that concerns one instance of a place.
func (f *Fleet) about(p Place, i Instance, keep *Instance, verb Verb, phase v1.RolloutStep, why string) *move {
	m := &move{step: Step{Verb: verb, Node: p.Node, Instance: i.Name, Why: why}, phase: phase, since: f.Now, message: why}
	if verb != Wait && verb != Withdraw {
		m.message = fmt.Sprintf("%s: %s", i.label(), why)
	}
	m.to = keep.Revision
	for _, other := range p.Instances {
		if other.Name != keep.Name {
			m.from = other.Revision
			break
		}
	}
	return m
}

// best is the instance to keep of several of which none is of the wanted revision.
func best(standing []Instance) *Instance {
	rank := func(i Instance) int {
		score := 0
		for n, bad := range []bool{!i.proven(), !i.Draining.IsZero(), i.Withdrawn != "", i.Dead} {
			if bad {
				score += 1 << n
			}
		}
		return score
	}
	found := &standing[0]
	for n := range standing {
		if rank(standing[n]) < rank(*found) {
			found = &standing[n]
		}
	}
	kept := *found
	return &kept
}

// label is the instance as messages name it.
func (i Instance) label() string { return "Instance/" + i.Name }

// Fault is what speaks against an instance.
func (i Instance) Fault() string {
	switch {
	case i.Dead:
		return "its instance is " + i.State
	case !i.Running && i.Trouble != "":
		return i.Trouble
	case !i.Running:
		return "its instance does not run"
	case i.Health.State == v1.HealthUnhealthy && i.Health.Reason != "":
		return "it says " + i.Health.Reason
	case i.Health.State == v1.HealthUnhealthy:
		return "it says that it cannot serve"
	case i.Health.State == v1.HealthNotAnswering && i.Health.Reason != "":
		return i.Health.Reason
	case i.Health.State == v1.HealthNotAnswering:
		return "it does not answer through the load balancer"
	case i.Health.State == v1.HealthAssumed:
		return "the load balancer gets time to find it"
	default:
		return "it was not asked often enough yet"
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the smaller of two waits, of which one that is not positive does not count.
func sooner(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return max(b, 0)
	}
	return a
}
