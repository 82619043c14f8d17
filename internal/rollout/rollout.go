package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
)

// Next is where the hosts stand and the one step to take now.
//
// A place where something is under way comes first, and as long as there is one no other host is made: so there is never
// more than one host too many. Hosts that nobody asks for any more leave beside that, as soon as all others serve.
func Next(f Fleet) Outcome {
	f.Failure = f.failure()
	m := f.underWay()
	recheck := time.Duration(0)
	if !m.acts() {
		leaving := f.leave()
		if m != nil {
			recheck = m.recheck
		}
		if leaving != nil {
			recheck = sooner(recheck, leaving.recheck)
		}
		if leaving.acts() || m == nil {
			m = cmp.Or(leaving, m)
		}
	}
	if m == nil || m.idle() {
		started, again := f.start()
		m, recheck = cmp.Or(started, m), sooner(recheck, again)
	}
	return f.outcome(m, recheck)
}

// idle says that a move waits for something that no new host would be in the way of: only the hosts that leave.
func (m *move) idle() bool { return m.step.Verb == Wait && m.step.Node == "" }

// failure is what must not be tried again: what stands on an instance that was taken back, or else what was written down.
// A revision that nobody asks for any more has no failure.
func (f *Fleet) failure() *Failure {
	for _, p := range f.Places {
		for _, i := range p.Instances {
			if i.Withdrawn == "" || !f.wants(i.Revision) {
				continue
			}
			if f.Failure != nil && f.Failure.Revision == i.Revision {
				return f.Failure
			}
			return &Failure{Revision: i.Revision, Message: i.Withdrawn, Since: i.Draining}
		}
	}
	if f.Failure != nil && (f.wants(f.Failure.Revision) || f.blind()) && !f.overcome(f.Failure.Revision) {
		return f.Failure
	}
	return nil
}

// blind says that it is not known of every place what the spec asks for.
func (f *Fleet) blind() bool {
	return slices.ContainsFunc(f.Places, func(p Place) bool { return p.Revision == "" })
}

// overcome says that every host of a revision that failed once serves now.
func (f *Fleet) overcome(revision string) bool {
	wanted := false
	for _, p := range f.Places {
		if p.Revision == "" {
			return false
		}
		if p.Revision != revision {
			continue
		}
		wanted = true
		if current := p.Current(); current == nil || !current.Serves() {
			return false
		}
	}
	return wanted
}

// underWay is the next move at the first place where there is one.
func (f *Fleet) underWay() *move {
	for _, p := range f.Places {
		if m := f.settle(p); m != nil {
			return m
		}
	}
	return nil
}

// leave is the next move for the hosts that nobody asks for any more. They may all be drained at once: what is asked for
// serves without them.
func (f *Fleet) leave() *move {
	if len(f.Leaving) == 0 {
		return nil
	}
	missing := slices.ContainsFunc(f.Places, func(p Place) bool { return !p.Serves() })
	wait := &move{
		step: Step{Verb: Wait}, phase: v1.RolloutRemoving, since: f.Now,
		message: fmt.Sprintf("removing %d hosts that are no longer asked for", len(f.Leaving)),
	}
	for _, i := range f.Leaving {
		if i.Going {
			continue
		}
		if i.Dead {
			return f.farewell(i, Remove, "its instance is "+i.State)
		}
		if i.Draining.IsZero() {
			if missing {
				wait.message = fmt.Sprintf("%d hosts that are no longer asked for go when all others serve", len(f.Leaving))
				continue
			}
			return f.farewell(i, Drain, "it is no longer asked for")
		}
		left, known := f.drained(i)
		if known && left <= 0 {
			return f.farewell(i, Remove, "it is drained")
		}
		wait.recheck = sooner(wait.recheck, left)
	}
	return wait
}

func (f *Fleet) farewell(i Instance, verb Verb, why string) *move {
	return &move{
		step: Step{Verb: verb, Node: i.Node, Instance: i.Name, Why: why}, phase: v1.RolloutRemoving,
		from: i.Revision, since: f.Now, message: i.label() + ": " + why,
	}
}

// start is the first move at the place whose host is the next to be replaced: those that serve nobody come first. Beside
// it is when time alone makes one ripe for repair.
func (f *Fleet) start() (*move, time.Duration) {
	var due []Place
	recheck := time.Duration(0)
	for _, p := range f.Places {
		if len(p.Instances) != 1 || p.Instances[0].Going || p.Revision == "" {
			continue
		}
		if p.Instances[0].Revision != p.Revision {
			due = append(due, p)
			continue
		}
		broken, left := f.broken(p)
		if broken && f.Failure == nil {
			return f.create(p), 0
		}
		recheck = sooner(recheck, left)
	}
	if len(due) == 0 {
		return nil, recheck
	}
	slices.SortStableFunc(due, func(a, b Place) int { return compare(a.Serves(), b.Serves()) })
	next := due[0]
	if m := f.held(due); m != nil {
		m.from, m.to = next.Instances[0].Revision, next.Revision
		return m, recheck
	}
	return f.create(next), 0
}

// compare orders false before true.
func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// held is why none of the places that are due may be rolled now, or nil.
func (f *Fleet) held(due []Place) *move {
	wait := move{step: Step{Verb: Wait, Node: due[0].Node}, phase: v1.RolloutWaiting, since: f.Now}
	switch {
	case f.Failure != nil:
		wait.phase, wait.since, wait.message = v1.RolloutFailed, f.Failure.Since, f.Failure.Message
		wait.step.Verb = Rest
	case f.Rules.Paused:
		wait.phase, wait.message = v1.RolloutPaused, pausedMessage
		wait.step.Verb = Rest
	case f.Hold != "":
		wait.message = f.Hold
	case !due[0].Serves(): // there is nothing to lose
		return nil
	default:
		for _, p := range f.Places {
			current := p.Current()
			if current != nil && current.Running && !current.Dead && !current.Serves() {
				wait.message = "the new " + current.label() + " must be healthy before the next: " + current.Fault()
				return &wait
			}
		}
		return nil
	}
	return &wait
}

// create makes the next host of a place, with a counter of its own if one of the revision stands there.
func (f *Fleet) create(p Place) *move {
	replacement := 0
	for _, i := range p.Instances {
		if i.Revision == p.Revision {
			replacement = max(replacement, i.Replacement+1)
		}
	}
	why := "a host of revision " + p.Revision + " is made beside it"
	if replacement > 0 {
		why = "it is replaced: " + p.Instances[0].Fault()
	}
	return &move{
		step:  Step{Verb: Create, Node: p.Node, Replacement: replacement, Why: why},
		phase: v1.RolloutCreating, from: p.Instances[0].Revision, to: p.Revision, since: f.Now,
		message: p.Instances[0].label() + ": " + why,
	}
}

// broken says whether a place's host is to be replaced by one of its own revision, and else when it may come to that. A
// host that does not answer while no other does either is not to blame.
func (f *Fleet) broken(p Place) (bool, time.Duration) {
	i := p.Instances[0]
	if !f.Rules.Replace {
		return false, 0
	}
	if i.Dead {
		return true, 0
	}
	if !i.Health.known() || i.Serves() || !slices.ContainsFunc(f.Places, Place.Serves) {
		return false, 0
	}
	left := later(i.Health.Since, i.Created).Add(f.Rules.Deadline).Sub(f.Now)
	return left <= 0, max(left, 0)
}

// outcome is what is decided, with what to tell of it.
func (f *Fleet) outcome(m *move, recheck time.Duration) Outcome {
	o := Outcome{Failure: f.Failure, Recheck: recheck}
	if m != nil {
		o.Step = m.step
		o.Status = &v1.RolloutStatus{
			Node: m.step.Node, Step: m.phase, FromRevision: m.from, ToRevision: m.to, Message: m.message,
		}
		o.Status.Since.Time = m.since.Truncate(time.Second)
		if m.step.Verb == Withdraw {
			o.Failure = &Failure{Revision: m.to, Message: m.step.Why, Since: f.Now}
		}
	}
	if o.Failure == nil {
		return o
	}
	if o.Status == nil {
		o.Status = &v1.RolloutStatus{Step: v1.RolloutFailed, Message: o.Failure.Message}
		o.Status.Since.Time = o.Failure.Since.Truncate(time.Second)
	}
	o.Status.FailedRevision, o.Status.FailureMessage = o.Failure.Revision, o.Failure.Message
	return o
}
