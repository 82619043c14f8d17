package rollout

import (
	"time"

	v1 "usermanagement.dev/stack/api/v1"
)

// Verb is what a step does.
type Verb string

// The verbs. There is at most one step in a pass, for the whole stack.
const (
	// Rest does nothing: all hosts are as they shall be, or nothing can be done about it.
	Rest Verb = ""
	// Wait does nothing now; an event or time brings the next step.
	Wait Verb = "wait"
	// Create makes a host beside the one that stands at the node.
	Create Verb = "create"
	// Drain has the load balancer send an instance nothing new.
	Drain Verb = "drain"
	// Restore has a drained instance serve again.
	Restore Verb = "restore"
	// Withdraw takes a new host back, which did not prove itself: it is drained, and its revision not tried again.
	Withdraw Verb = "withdraw"
	// Remove deletes an instance that serves nobody any more.
	Remove Verb = "remove"
)

// Step is the one thing to do now.
type Step struct {
	Verb Verb
	Node string
	// Instance is the name of the object that the step is about; empty for Create.
	Instance string
	// Replacement is the counter of the host to create: more than 0 where one of its revision stands there already.
	Replacement int
	// Why says it for people; of Withdraw it is kept on the instance and in the status.
	Why string
}

// Outcome is where the hosts stand.
type Outcome struct {
	Step Step
	// Status is what to tell of a rollout; nil if there is none.
	Status *v1.RolloutStatus
	// Failure is the attempt that was given up and would be tried again if it were forgotten; nil if there is none.
	Failure *Failure
	// Recheck is when time alone may bring the next step; zero if only an event can.
	Recheck time.Duration
}

// move is a step under consideration, and what the status says while it is the one.
type move struct {
	step     Step
	phase    v1.RolloutStep
	from, to string
	since    time.Time
	message  string
	recheck  time.Duration
}

// acts says that the move does something now.
func (m *move) acts() bool { return m != nil && m.step.Verb != Rest && m.step.Verb != Wait }
