// Package rollout replaces hosts, which cannot change in place: one at a time over a whole stack, the new one beside the
// old, and the old one drained only when the new one has proven itself through the load balancer. It is a state machine
// without a state of its own: each pass derives from the world where things stand and what the one next step is, so that
// an operator that is killed at any moment, or another release of it, goes on just there.
package rollout

import (
	"time"

	v1 "usermanagement.dev/stack/api/v1"
)

// Fleet is all hosts of a stack as they are, and what they shall be.
type Fleet struct {
	// Places are the hosts that the spec asks for, by node, in the order in which they are rolled.
	Places []Place
	// Leaving are hosts at nodes that the spec no longer asks for.
	Leaving []Instance
	// Group is the target group that they are registered in.
	Group Group
	Rules Rules
	// Failure is the last failed attempt as it was written down; nil if there is none.
	Failure *Failure
	// Release is what the spec calls the app's version.
	Release string
	// Hold is why no host may be replaced now for reasons of other parts of the stack; empty if one may.
	Hold string
	Now  time.Time
}

// Rules are what the spec says of replacing hosts.
type Rules struct {
	// Deadline is how long a new host may take to become healthy.
	Deadline time.Duration
	// Drain is how long a host that leaves may finish its requests.
	Drain time.Duration
	// Paused holds rollouts where they are.
	Paused bool
	// Replace has broken hosts replaced, and not just reported.
	Replace bool
}

// Group is how far the target group has come.
type Group struct {
	// Settled says that the group's object holds just the targets that it shall, and that ACK has acted on it.
	Settled bool
	// Changed is when the group's object was last changed.
	Changed time.Time
	// Recheck is when time alone may settle it; zero if only an event can.
	Recheck time.Duration
}

// Place is one node of the graph that is a host.
type Place struct {
	Node string
	// Revision is the one that the spec asks for; empty while something that it is made from is not known.
	Revision string
	// Instances are the hosts that stand there, the oldest first: one, and two while one takes the other's place.
	Instances []Instance
}

// Instance is one host.
type Instance struct {
	// Node is where it stands, Name its object's name, ID its EC2 instance's.
	Node, Name, ID string
	Revision       string
	// Replacement counts the hosts of one node and revision, from 0.
	Replacement int
	Created     time.Time
	// State is EC2's word for its state. Example: running
	State string
	// Running says that the load balancer can send it requests; Dead that it will never serve again.
	Running, Dead bool
	// Trouble is what ACK or AWS says of an instance that does not run; may be empty.
	Trouble string
	// Going says that somebody has asked its object to go.
	Going bool
	// Draining is since when the load balancer shall send it nothing new; zero if it serves.
	Draining time.Time
	// Withdrawn is why it was taken back; empty if it was not.
	Withdrawn string
	Health    Health
}

// Health is what is known of an instance's health.
type Health struct {
	State   v1.HealthState
	Version string
	// Reason is the host's own word for its trouble, or why it cannot be asked.
	Reason string
	// Since is when the state was first seen.
	Since time.Time
	// Carried says that the state is the one that the status told of last, and nobody was asked since: an operator has just
	// started. It is good enough to tell, and too old to act on.
	Carried bool
}

// Failure is an attempt to roll out a revision that was given up.
type Failure struct {
	Revision string
	// Message says which host and why.
	Message string
	Since   time.Time
	// Recorded says that the stack's status has it, so that no restart forgets it.
	Recorded bool
}

// known says that the instance was asked often enough to judge it.
func (h Health) known() bool { return !h.Carried && h.State != v1.HealthUnknown && h.State != "" }

// good says that all that was heard of the instance is good.
func (h Health) good() bool { return h.State == v1.HealthHealthy || h.State == v1.HealthAssumed }

// proven says that the load balancer's users would be served by the instance.
func (i Instance) proven() bool { return i.Running && !i.Dead && i.Health.known() && i.Health.good() }

// Serves says that the instance is there for users, as far as anybody can tell.
func (i Instance) Serves() bool {
	return i.Running && !i.Dead && i.Health.good() && !i.Going && i.Draining.IsZero()
}

// Serves says that one of the place's hosts is there for users.
func (p Place) Serves() bool {
	for _, i := range p.Instances {
		if i.Serves() {
			return true
		}
	}
	return false
}

// standing are the instances that nobody has asked to go.
func (p Place) standing() []Instance {
	var found []Instance
	for _, i := range p.Instances {
		if !i.Going {
			found = append(found, i)
		}
	}
	return found
}

// Instances are all hosts, those that leave last.
func (f *Fleet) Instances() []Instance {
	var all []Instance
	for _, p := range f.Places {
		all = append(all, p.Instances...)
	}
	return append(all, f.Leaving...)
}

// Current is the place's instance of the wanted revision, or nil: the youngest that was not withdrawn.
func (p Place) Current() *Instance {
	var current *Instance
	for n, i := range p.Instances {
		if i.Going || i.Withdrawn != "" || p.Revision == "" || i.Revision != p.Revision {
			continue
		}
		if current == nil || i.Replacement >= current.Replacement {
			current = &p.Instances[n]
		}
	}
	return current
}
