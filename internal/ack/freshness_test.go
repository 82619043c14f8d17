package ack_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
)

func noFinalizer() Option {
	return func(object *unstructured.Unstructured) { object.SetFinalizers(nil) }
}

func sameGeneration() Option {
	return func(object *unstructured.Unstructured) { object.SetGeneration(object.GetGeneration() - 1) }
}

func TestConditionsFromBeforeAChangeAreNotBelieved(t *testing.T) {
	const s = time.Second
	written := after(10*s + 400*time.Millisecond)
	assess(t, []assessment{
		{
			why: "no pass has ended since the change", kind: ack.Role,
			options: []Option{Updated(written)}, now: after(15 * s), verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a pass that ended well after the change has seen it", kind: ack.Role,
			options: []Option{Updated(written), Passed(after(12 * s))}, now: after(12 * s), verdict: ack.Ready,
			reason: v1.ReasonSucceeded,
		},
		{
			why: "a pass that ended in the second of the change may have begun before it", kind: ack.Role,
			options: []Option{Updated(written), Passed(after(10 * s))}, now: after(11 * s), verdict: ack.Waiting,
			reason: v1.ReasonProgressing,
		},
		{
			why: "a pass that ended in the second after the change may have begun before it too", kind: ack.Role,
			options: []Option{Updated(written), Passed(after(11 * s))}, now: after(11 * s), verdict: ack.Waiting,
			reason: v1.ReasonProgressing,
		},
		{
			why: "two seconds after the change the pass that it caused has ended", kind: ack.Role,
			options: []Option{Updated(written), Passed(after(10 * s))}, now: after(13 * s), verdict: ack.Ready,
			reason: v1.ReasonSucceeded,
		},
		{
			why: "two passes in one second look like one, and time has to tell", kind: ack.Role,
			options: []Option{Passed(after(10 * s)), Updated(written)}, now: after(11 * s), verdict: ack.Waiting,
			reason: v1.ReasonProgressing,
		},
		{
			why: "two passes in one second are told apart by time", kind: ack.Role,
			options: []Option{Passed(after(10 * s)), Updated(written)}, now: after(13 * s), verdict: ack.Ready,
			reason: v1.ReasonSucceeded,
		},
		{
			why: "a change that left the generation as it was causes no pass", kind: ack.Role,
			options: []Option{Updated(written), sameGeneration()}, now: after(11 * s), verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
		{
			why: "a change may be just what cures Terminal", kind: ack.Role,
			options: []Option{Condition(terminal, "True", "MalformedPolicyDocument", time.Time{}), Updated(written)},
			now:     after(11 * s), verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "Terminal after the change is Terminal", kind: ack.Role,
			options: []Option{
				Updated(written), Condition(synced, "False", "", after(12*s)),
				Condition(terminal, "True", "no", time.Time{}),
			},
			now: after(12 * s), verdict: ack.Failed, reason: v1.ReasonTerminalError,
		},
		{
			why: "of the targets of a group ACK has no echo to wait for", kind: ack.TargetGroup,
			options: []Option{Updated(written)}, now: after(11 * s), verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
		{
			why: "a group that ACK has given up may be cured by its targets", kind: ack.TargetGroup,
			options: []Option{Condition(terminal, "True", "bad target", time.Time{}), Updated(written)},
			now:     after(11 * s), verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "the clock of ACK may be an hour behind ours", kind: ack.Role,
			options: []Option{Passed(after(-time.Hour)), Updated(written), Passed(after(-time.Hour + 12*s))},
			now:     after(13 * s), verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
		{
			why: "the clock of ACK may be an hour ahead of ours", kind: ack.Role,
			options: []Option{Passed(after(time.Hour)), Updated(written)}, now: after(11 * s),
			verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a controller that does not act within a minute is missing", kind: ack.Role,
			options: []Option{Updated(written)}, now: after(71 * s), verdict: ack.Waiting, reason: v1.ReasonControllerMissing,
			says: "iam",
		},
		{
			why: "Terminal that nobody looks at again stays what there is to say", kind: ack.Role,
			options: []Option{Condition(terminal, "True", "bad", time.Time{}), Updated(written)}, now: after(71 * s),
			verdict: ack.Failed, reason: v1.ReasonTerminalError,
		},
	})
}

func TestEveryWaitForAPassHasABound(t *testing.T) {
	object := Ready(ack.Role, "x", Updated(after(10*time.Second)))
	for now := after(10 * time.Second); ; {
		a := ack.Assess(object, now)
		if a.Problem() {
			return
		}
		if a.Recheck <= 0 || now.After(after(5*time.Minute)) {
			t.Fatalf("at %s nobody looks again: %+v", now, a)
		}
		now = now.Add(a.Recheck)
	}
}

func TestAPassIsNewsOnce(t *testing.T) {
	updated := Ready(ack.Role, "x", Updated(after(10*time.Second)))
	passed := Ready(ack.Role, "x", Updated(after(10*time.Second)), Passed(after(11*time.Second)))
	again := Ready(ack.Role, "x", Updated(after(10*time.Second)), Passed(after(41*time.Second)))
	if ack.PassedSinceUpdate(updated) || !ack.PassedSinceUpdate(passed) || !ack.PassedSinceUpdate(again) {
		t.Error("the first pass after a change, and only that, must make a difference")
	}
	if !ack.SameStatus(updated, passed) || !ack.SameStatus(passed, again) {
		t.Error("a pass that changed nothing but times is no other status")
	}
	if ack.SameStatus(passed, Ready(ack.Role, "x", Condition(synced, "False", "", Start))) {
		t.Error("another condition is another status")
	}
	unchanged := Ready(ack.Role, "x", Updated(after(10*time.Second)), sameGeneration())
	if !ack.PassedSinceUpdate(unchanged) {
		t.Error("a change that changed nothing causes no pass to wait for")
	}
}

func TestANoteThatCannotBeReadIsNone(t *testing.T) {
	for _, note := range []string{
		"", "@", "@@", "x@1@", "2026-01-02T10:00:00Z@x@", "2026-01-02T10:00:00Z@1@x",
		"2026-01-02T10:00:00Z@1",
	} {
		object := Ready(ack.Role, "x", Annotation(v1.AnnotationUpdated, note),
			func(o *unstructured.Unstructured) { o.SetGeneration(9) })
		if a := ack.Assess(object, later); a.Verdict != ack.Ready {
			t.Errorf("%q: %+v", note, a)
		}
	}
}
