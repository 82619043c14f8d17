package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/rollout"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// advance is one pass and a second of time. No step may take a serving host away, make one host too many, or remove one
// that may still get requests.
func (w *world) advance(t failer) rollout.Outcome {
	t.Helper()
	w.fill()
	before := w.fleet()
	o := rollout.Next(before)
	truly := w.truly()
	w.check(t, o.Step, before)
	w.do(o.Step)
	w.record(o)
	after := w.fleet()
	if serving(after) < serving(before) || !w.assumed && w.truly() < truly {
		t.Fatalf("%s %s took a serving host away\n%s", o.Step.Verb, o.Step.Instance, w.story())
	}
	for _, p := range before.Places {
		if o.Step.Verb == rollout.Create && len(p.Instances) > 1 {
			t.Fatalf("a host is made at %s while %d stand at %s\n%s", o.Step.Node, len(p.Instances), p.Node, w.story())
		}
	}
	w.pass(tick)
	return o
}

func (w *world) check(t failer, s rollout.Step, f rollout.Fleet) {
	t.Helper()
	if s.Verb != rollout.Remove {
		return
	}
	h := w.find(s.Instance)
	finished := !h.Draining.IsZero() && f.Group.Settled && w.now.Sub(w.changed) >= drain && w.now.Sub(h.Draining) >= drain
	if h.Running && !finished {
		t.Fatalf("%s is removed while it may still answer\n%s", h.Name, w.story())
	}
}

func (w *world) story() string {
	var text strings.Builder
	for _, line := range w.log {
		fmt.Fprintln(&text, line)
	}
	for _, h := range w.hosts {
		fmt.Fprintf(&text, "  %+v ill=%v\n", h.Instance, h.ill)
	}
	fmt.Fprintf(&text, "  wanted %v, failure %+v\n", w.wanted, w.failure)
	return text.String()
}

// longest bounds a rollout of these small worlds, and calm is when nothing will happen any more, in seconds.
const (
	longest = 900
	calm    = 100
)

// finish goes on until nothing moves any more.
func (w *world) finish(t failer) rollout.Outcome {
	t.Helper()
	still := 0
	for range longest {
		o := w.advance(t)
		still++
		if o.Step.Verb != rollout.Rest && o.Step.Verb != rollout.Wait {
			still = 0
		}
		if o.Step.Verb == rollout.Rest && o.Recheck == 0 && w.quiet() || still > calm {
			return o
		}
	}
	t.Fatalf("it comes to no end\n%s", w.story())
	return rollout.Outcome{}
}

// quiet says that nobody is on the way in or out.
func (w *world) quiet() bool {
	return !slices.ContainsFunc(w.hosts, func(h *host) bool { return h.Going || !slices.Contains(w.nodes, h.Node) })
}

// runs is which releases run, by node.
func (w *world) runs() string {
	var list []string
	for _, h := range w.hosts {
		list = append(list, strings.TrimSuffix(h.Name, fmt.Sprintf("-%d", h.Replacement))+strings.Repeat("'", h.Replacement))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func (w *world) verbs() string {
	var list []string
	for _, line := range w.log {
		list = append(list, strings.Fields(line)[1])
	}
	return strings.Join(list, " ")
}

func wantRuns(t *testing.T, w *world, want string) {
	t.Helper()
	if got := w.runs(); got != want {
		t.Errorf("there runs %s, want %s\n%s", got, want, w.story())
	}
}

func TestAReleaseReplacesHostAfterHost(t *testing.T) {
	w := newWorld("a", "b")
	w.want("r2")
	if o := w.finish(t); o.Status != nil {
		t.Errorf("all is done, and yet the status says %+v", o.Status)
	}
	wantRuns(t, w, "a-r2@a b-r2@b")
	if got := w.verbs(); got != "create drain remove create drain remove" {
		t.Errorf("the steps were %s", got)
	}
}

func TestWhereNobodyIsAskedAHostGetsTimeInstead(t *testing.T) {
	w := newWorld("a", "b")
	w.assumed = true
	w.want("r2")
	w.finish(t)
	wantRuns(t, w, "a-r2@a b-r2@b")
	if got := w.verbs(); got != "create drain remove create drain remove" {
		t.Errorf("the steps were %s", got)
	}
}

func TestABadReleaseIsWithdrawnAndNotTriedAgain(t *testing.T) {
	w := newWorld("a", "b")
	w.bad["r2"] = true
	w.want("r2")
	o := w.finish(t)
	wantRuns(t, w, "a-r1@a b-r1@b")
	if o.Status == nil || o.Status.Step != v1.RolloutFailed || o.Status.FailedRevision != "r2@a" ||
		!strings.Contains(o.Status.Message, "within 1m0s: it says database: unreachable") {
		t.Fatalf("the status says %+v", o.Status)
	}
	w.restart()
	w.finish(t)
	if got := w.verbs(); got != "create withdraw remove" {
		t.Errorf("it is tried again after a restart: %s", got)
	}
	w.want("r3")
	if o := w.finish(t); o.Status != nil {
		t.Errorf("after the correction the status says %+v", o.Status)
	}
	wantRuns(t, w, "a-r3@a b-r3@b")
	w.want("r2")
	w.finish(t)
	if got := w.verbs(); !strings.HasSuffix(got, "create withdraw remove") {
		t.Errorf("a revision that is asked for anew is tried anew: %s", got)
	}
}

func TestTheReleaseIsChangedWhileItIsRolledOut(t *testing.T) {
	for seconds := 1; seconds < 70; seconds++ {
		for _, second := range []string{"r3", "r1"} {
			for _, bad := range []bool{false, true} {
				w := newWorld("a", "b")
				w.bad["r2"] = bad
				w.want("r2")
				for range seconds {
					w.advance(t)
				}
				w.want(second)
				w.finish(t)
				wantRuns(t, w, fmt.Sprintf("a-%[1]s@a b-%[1]s@b", second))
			}
		}
	}
}

func TestARolloutIsHeldAndGoesOn(t *testing.T) {
	for seconds := range 60 {
		w := newWorld("a", "b")
		w.want("r2")
		for range seconds {
			w.advance(t)
		}
		w.rules.Paused = true
		steps := len(w.log)
		for range 2 * 60 {
			w.advance(t)
		}
		if len(w.log) > steps {
			t.Fatalf("paused after %d seconds it goes on\n%s", seconds, w.story())
		}
		if w.runs() != "a-r2@a b-r2@b" {
			if o := rollout.Next(w.fleet()); o.Status == nil || o.Status.Step != v1.RolloutPaused {
				t.Fatalf("paused after %d seconds the status says %+v", seconds, o.Status)
			}
		}
		w.rules.Paused = false
		w.finish(t)
		wantRuns(t, w, "a-r2@a b-r2@b")
	}
}

func TestAHostDiesWhileARolloutIsUnderWay(t *testing.T) {
	for seconds := range 70 {
		for victim := range 3 {
			w := newWorld("a", "b")
			w.rules.Replace = true
			w.want("r2")
			for range seconds {
				w.advance(t)
			}
			if victim >= len(w.hosts) {
				continue
			}
			w.die(w.hosts[victim])
			o := w.finish(t)
			done := slices.Contains([]string{"a-r2@a b-r2@b", "a-r2@a' b-r2@b", "a-r2@a b-r2@b'"}, w.runs())
			failed := o.Status != nil && o.Status.Step == v1.RolloutFailed && strings.Contains(o.Status.Message, "terminated")
			if !done && !failed {
				t.Fatalf("host %d died after %d seconds\n%s", victim, seconds, w.story())
			}
		}
	}
}

func TestABrokenHostIsReplacedOnlyIfThatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		why     string
		replace bool
		hurt    func(w *world)
		want    string
	}{
		{"terminated, reported", false, func(w *world) { w.die(w.hosts[0]) }, "a-r1@a b-r1@b"},
		{"terminated, replaced", true, func(w *world) { w.die(w.hosts[0]) }, "a-r1@a' b-r1@b"},
		{"terminated and not noticed, replaced", true, func(w *world) { w.hosts[0].lost = true }, "a-r1@a' b-r1@b"},
		{"ill for long, reported", false, func(w *world) { w.hosts[1].ill = true }, "a-r1@a b-r1@b"},
		{"ill for long, replaced", true, func(w *world) { w.hosts[1].ill = true }, "a-r1@a b-r1@b'"},
		{"all are ill: it is not the hosts", true, func(w *world) { w.hosts[0].ill, w.hosts[1].ill = true, true }, "a-r1@a b-r1@b"},
		{"all are terminated", true, func(w *world) { w.die(w.hosts[0]); w.die(w.hosts[1]) }, "a-r1@a' b-r1@b'"},
	} {
		w := newWorld("a", "b")
		w.rules.Replace = c.replace
		c.hurt(w)
		w.finish(t)
		if got := w.runs(); got != c.want {
			t.Errorf("%s: there runs %s, want %s\n%s", c.why, got, c.want, w.story())
		}
	}
}

func TestHostsThatAreNoLongerAskedForAreDrained(t *testing.T) {
	w := newWorld("a", "b", "c", "d")
	w.nodes = []string{"a", "b"}
	w.want("r2")
	w.finish(t)
	wantRuns(t, w, "a-r2@a b-r2@b")
	if verbs := strings.Fields(w.verbs()); verbs[0] != "drain" || verbs[1] != "drain" {
		t.Errorf("two that leave are drained at once: %s", verbs)
	}
	w.nodes = []string{"a", "b", "c", "d"}
	w.want("r2")
	w.finish(t)
	wantRuns(t, w, "a-r2@a b-r2@b c-r2@c d-r2@d")
}

// TestWhateverHappensItEndsWell plays with everything at once: releases good and bad, deaths, illness, pauses, scaling, and
// an operator that is killed before or after any step, its status written or not.
func TestWhateverHappensItEndsWell(t *testing.T) { rapid.Check(t, play) }

func FuzzRollout(f *testing.F) { f.Fuzz(rapid.MakeFuzz(play)) }

func play(t *rapid.T) {
	w := newWorld([]string{"a", "b", "c"}[:rapid.IntRange(2, 3).Draw(t, "nodes")]...)
	w.rules.Replace = rapid.Bool().Draw(t, "replace")
	w.assumed = rapid.IntRange(0, 3).Draw(t, "assumed") == 0
	w.bad["r2"], w.bad["r3"] = rapid.Bool().Draw(t, "r2"), rapid.Bool().Draw(t, "r3")
	for range rapid.IntRange(1, 12).Draw(t, "events") {
		w.happens(t)
		for range rapid.IntRange(0, 40).Draw(t, "seconds") {
			if rapid.IntRange(0, 15).Draw(t, "killed") == 0 {
				w.killed(t)
				continue
			}
			w.advance(t)
		}
	}
	w.rules.Paused = false
	for _, h := range w.hosts {
		if h.ill {
			h.ill, h.since = false, w.now
		}
	}
	w.atRest(t, w.finish(t))
}

// happens is something that users or AWS do.
func (w *world) happens(t *rapid.T) {
	events := []string{"release", "release", "death", "loss", "illness", "pause", "scale", "nothing"}
	switch rapid.SampledFrom(events).Draw(t, "event") {
	case "release":
		w.want(rapid.SampledFrom([]string{"r1", "r2", "r3", "r4"}).Draw(t, "release"))
	case "death":
		if len(w.hosts) > 0 {
			w.die(rapid.SampledFrom(w.hosts).Draw(t, "victim"))
		}
	case "loss":
		if len(w.hosts) > 0 {
			h := rapid.SampledFrom(w.hosts).Draw(t, "victim")
			h.lost, h.since = h.Running, w.now
		}
	case "illness":
		if len(w.hosts) > 0 {
			h := rapid.SampledFrom(w.hosts).Draw(t, "patient")
			h.ill, h.since = !h.ill, w.now
		}
	case "pause":
		w.rules.Paused = !w.rules.Paused
	case "scale":
		release := releaseOf(w.wanted["a"])
		w.nodes = []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "scale")]
		w.want(release)
	}
}

// killed is a pass that does not get to its end.
func (w *world) killed(t *rapid.T) {
	o := rollout.Next(w.fleet())
	if rapid.Bool().Draw(t, "did the step") {
		w.check(t, o.Step, w.fleet())
		w.do(o.Step)
	}
	w.restart()
	w.pass(tick)
}

// atRest is what must be true when nothing moves any more.
func (w *world) atRest(t *rapid.T, o rollout.Outcome) {
	f := w.fleet()
	if len(f.Leaving) > 0 && serving(f) == len(f.Places) {
		t.Fatalf("%d hosts are left that nobody asks for\n%s", len(f.Leaving), w.story())
	}
	for _, p := range f.Places {
		if len(p.Instances) != 1 {
			t.Fatalf("%d hosts stand at %s\n%s", len(p.Instances), p.Node, w.story())
		}
		i := p.Instances[0]
		failed := o.Status != nil && o.Status.Step == v1.RolloutFailed
		if !i.Draining.IsZero() || i.Withdrawn != "" {
			t.Fatalf("%s is at rest and drained\n%s", i.Name, w.story())
		}
		if i.Revision != p.Revision && !failed && !w.stuck(f) {
			t.Fatalf("%s is not what is asked for, and nothing says why: %+v\n%s", i.Name, o.Status, w.story())
		}
		if i.Dead && w.rules.Replace && !failed {
			t.Fatalf("%s is dead and not replaced: %+v\n%s", i.Name, o.Status, w.story())
		}
	}
}

// stuck says that a new host stands and does not serve, which holds the others.
func (w *world) stuck(f rollout.Fleet) bool {
	return slices.ContainsFunc(f.Places, func(p rollout.Place) bool {
		current := p.Current()
		return current != nil && !current.Serves()
	})
}
