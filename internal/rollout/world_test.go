package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/rollout"
)

const (
	tick     = time.Second
	deadline = time.Minute
	drain    = 10 * time.Second
	bootTime = 5 * time.Second
	// lookTime is what a prober needs to judge a host, and ackTime what ACK needs to act.
	lookTime = 3 * time.Second
	ackTime  = 2 * time.Second
)

// world is a small imitation of what a rollout works on: instances that boot, die and fall ill, a target group that lags,
// a status that remembers. What an operator that is killed forgets is what was observed of health.
type world struct {
	now     time.Time
	wanted  map[string]string // node → revision
	nodes   []string
	bad     map[string]bool // revisions whose hosts never get healthy
	hosts   []*host
	rules   rollout.Rules
	assumed bool // nobody is asked

	registered []string
	changed    time.Time
	failure    *rollout.Failure
	// watching is since when the present operator has looked.
	watching time.Time
	serial   int
	log      []string
}

// host is an instance with what an operator cannot see of it.
type host struct {
	rollout.Instance
	ill bool
	// lost says that AWS has terminated it, and that ACK has not noticed.
	lost bool
	gone time.Time // when its object vanishes
	// since is when it began to be as it is, so that the prober needs its time.
	since time.Time
	// told is what the status says of its health.
	told v1.HealthState
}

func newWorld(zones ...string) *world {
	w := &world{
		now:    time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC),
		wanted: map[string]string{}, bad: map[string]bool{},
		rules: rollout.Rules{Deadline: deadline, Drain: drain},
	}
	w.nodes = zones
	w.want("r1")
	w.fill()
	w.pass(bootTime)
	w.fleet() // all are registered
	w.pass(lookTime + ackTime + tick)
	return w
}

// want asks for a release. Hosts of several zones have revisions of their own.
func (w *world) want(release string) {
	for _, node := range w.nodes {
		w.wanted[node] = release + "@" + node
	}
}

func (w *world) release(host *host) string { return releaseOf(host.Revision) }

func releaseOf(revision string) string {
	release, _, _ := strings.Cut(revision, "@")
	return release
}

// fill makes what stands nowhere, as the plan does.
func (w *world) fill() {
	for _, node := range w.nodes {
		if !slices.ContainsFunc(w.hosts, func(h *host) bool { return h.Node == node }) {
			w.create(node, 0)
		}
	}
}

func (w *world) create(node string, replacement int) {
	revision := w.wanted[node]
	name := fmt.Sprintf("%s-%s-%d", node, revision, replacement)
	if w.find(name) != nil {
		panic("created twice: " + name)
	}
	w.serial++
	w.hosts = append(w.hosts, &host{since: w.now, Instance: rollout.Instance{
		Node: node, Name: name, ID: fmt.Sprintf("i-%d", w.serial), Revision: revision, Replacement: replacement,
		Created: w.now, State: "pending",
	}})
}

func (w *world) find(name string) *host {
	for _, h := range w.hosts {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// pass lets time go by with nobody at work but AWS and ACK.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(tick)
		w.hosts = slices.DeleteFunc(w.hosts, func(h *host) bool { return h.Going && !w.now.Before(h.gone) })
		for _, h := range w.hosts {
			if h.State == "pending" && w.now.Sub(h.Created) >= bootTime {
				h.State, h.Running, h.since = "running", true, w.now
			}
		}
	}
}

// die terminates an instance behind everybody's back.
func (w *world) die(h *host) { h.State, h.Running, h.Dead, h.since = "terminated", false, true, w.now }

// targets are those that the group shall have, as the build has it.
func (w *world) targets() []string {
	var ids []string
	for _, h := range w.hosts {
		if h.Running && h.Draining.IsZero() && !h.Going {
			ids = append(ids, h.ID)
		}
	}
	return ids
}

// fleet is what an operator sees now.
func (w *world) fleet() rollout.Fleet {
	targets := w.targets()
	if slices.ContainsFunc(w.hosts, func(h *host) bool { return h.lost && slices.Contains(targets, h.ID) }) {
		// AWS refuses to register what is terminated, and with it all that is new.
		targets = slices.DeleteFunc(targets, func(id string) bool { return !slices.Contains(w.registered, id) })
	}
	if !slices.Equal(targets, w.registered) {
		w.registered, w.changed = targets, w.now
	}
	f := rollout.Fleet{
		Group: rollout.Group{Settled: w.now.Sub(w.changed) >= ackTime, Changed: w.changed},
		Rules: w.rules, Failure: w.failure, Now: w.now,
	}
	for _, node := range w.nodes {
		f.Places = append(f.Places, rollout.Place{Node: node, Revision: w.wanted[node]})
	}
	for _, h := range w.hosts {
		seen := h.Instance
		seen.Health = w.health(h)
		at := slices.Index(w.nodes, h.Node)
		if at < 0 {
			f.Leaving = append(f.Leaving, seen)
			continue
		}
		f.Places[at].Instances = append(f.Places[at].Instances, seen)
	}
	return f
}

// health is what a prober would say.
func (w *world) health(h *host) rollout.Health {
	since := h.since
	if w.watching.After(since) {
		since = w.watching
	}
	switch {
	case w.assumed:
		return rollout.Health{State: v1.HealthAssumed, Since: since}
	case w.now.Sub(since) < lookTime && h.told != "" && w.watching.After(h.since):
		return rollout.Health{State: h.told, Since: since, Carried: true}
	case w.now.Sub(since) < lookTime:
		return rollout.Health{State: v1.HealthUnknown, Since: since}
	case !h.Draining.IsZero() && h.told != "":
		return rollout.Health{State: h.told, Since: since, Carried: true}
	case !h.Draining.IsZero() || !h.Running:
		return rollout.Health{State: v1.HealthUnknown, Since: since}
	case h.lost:
		return rollout.Health{State: v1.HealthNotAnswering, Since: since}
	case !slices.Contains(w.registered, h.ID):
		return rollout.Health{State: v1.HealthNotAnswering, Since: since}
	case h.ill || w.bad[w.release(h)]:
		return rollout.Health{State: v1.HealthUnhealthy, Reason: "database: unreachable", Since: since}
	default:
		return rollout.Health{State: v1.HealthHealthy, Since: since}
	}
}

// restart is a new operator in the place of a killed one.
func (w *world) restart() { w.watching = w.now }

// do carries out a step.
func (w *world) do(s rollout.Step) {
	if s.Verb != rollout.Wait && s.Verb != rollout.Rest {
		w.log = append(w.log, fmt.Sprintf("%s %s %s%s", w.now.Format("04:05"), s.Verb, s.Node, s.Instance))
	}
	switch h := w.find(s.Instance); s.Verb {
	case rollout.Create:
		w.create(s.Node, s.Replacement)
	case rollout.Drain:
		h.Draining = w.now
	case rollout.Withdraw:
		h.Draining, h.Withdrawn = w.now, s.Why
	case rollout.Restore:
		h.Draining, h.Withdrawn, h.since = time.Time{}, "", w.now
	case rollout.Remove:
		h.Going, h.gone = true, w.now.Add(3*tick)
	case rollout.Rest, rollout.Wait:
	}
}

// record writes the status down.
func (w *world) record(o rollout.Outcome) {
	for _, h := range w.hosts {
		h.told = w.health(h).State
	}
	w.failure = nil
	if s := o.Status; s != nil && s.FailedRevision != "" {
		w.failure = &rollout.Failure{Revision: s.FailedRevision, Message: s.FailureMessage, Since: s.Since.Time, Recorded: true}
	}
}

// serving is how many places serve, as far as anybody can see.
func serving(f rollout.Fleet) int {
	n := 0
	for _, p := range f.Places {
		if p.Serves() {
			n++
		}
	}
	return n
}

// truly is how many places have a host that users reach and that can serve them.
func (w *world) truly() int {
	n := 0
	for _, node := range w.nodes {
		if slices.ContainsFunc(w.hosts, func(h *host) bool {
			reached := h.Running && !h.lost && !h.Going && h.Draining.IsZero() && slices.Contains(w.registered, h.ID)
			return h.Node == node && reached && !h.ill && !w.bad[w.release(h)]
		}) {
			n++
		}
	}
	return n
}
