package status_test

import (
	"strings"
	"testing"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
	"usermanagement.dev/stack/internal/health"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/rollout"
	"usermanagement.dev/stack/internal/status"
)

// hostName is the one host of the small stack.
const hostName = "host-us-east-2a-0"

// answering is the status of the small stack whose host is as given, after a time.
func answering(
	t *testing.T, after time.Duration, h health.Host, trouble string, changes ...func(*v1.UserManagementStack),
) *v1.UserManagementStack {
	t.Helper()
	stack := newStack()
	stack.Spec.Rollout.ProgressDeadline.Duration = 15 * time.Minute
	for _, change := range changes {
		change(stack)
	}
	facts := status.Facts{Stack: stack, Actions: actions(), Now: now}
	for _, at := range []time.Time{now, now.Add(after)} {
		facts.Stack, facts.Now, facts.Fleet = stack, at, rollout.Fleet{}
		facts.Fleet = rollout.Observe(rollout.Facts{
			Stack: stack, Actions: facts.Actions, Hosts: hostsOf(facts.Actions), Now: at,
			Observed: &health.Observation{Hosts: map[string]health.Host{hostcontract.HostID("i-" + hostName): h}, Trouble: trouble},
		})
		facts.Rollout = rollout.Next(facts.Fleet)
		stack = of(t, facts)
	}
	return stack
}

func TestWhatIsSaidOfAHostsHealth(t *testing.T) {
	unwell := health.Host{State: v1.HealthUnhealthy, Version: "1.4.0", Reason: "database: unreachable"}
	silent := health.Host{State: v1.HealthNotAnswering}
	lost := health.Host{State: v1.HealthNotAnswering, Version: "1.4.0"}
	const unreached = "the operator cannot reach the load balancer: connection refused"
	internal := func(s *v1.UserManagementStack) { s.Spec.Ingress.Scheme = v1.SchemeInternal }
	for _, c := range []struct {
		why     string
		stack   *v1.UserManagementStack
		ready   string
		others  map[string]string
		blocker string
	}{
		{
			"healthy", answering(t, 0, health.Host{State: v1.HealthHealthy, Version: "1.4.0"}, ""), "True Succeeded",
			map[string]string{"Available": "True"},
			"",
		},
		{"not asked yet", answering(t, 0, health.Host{State: v1.HealthUnknown}, ""), "False Progressing 6 of 7 resources are ready" +
			"; waiting for Instance/" + hostName, map[string]string{"Available": "False NotServing not there: a healthy host"}, ""},
		{"it boots", answering(t, time.Minute, silent, ""), "False Progressing", map[string]string{"Stalled": "-"}, ""},
		{"it never came up", answering(t, time.Hour, silent, ""), "False HostNotAnswering", map[string]string{
			"Stalled": "True HostNotAnswering",
		}, "the load balancer leads nobody to it"},
		{"it answered and does no more", answering(t, 0, lost, ""), "False HostNotAnswering", map[string]string{
			"Reconciling":  "True",
			"ComputeReady": "False HostNotAnswering Instance/" + hostName,
		}, "the load balancer leads nobody to it"},
		{"it says that it is ill", answering(t, 0, unwell, ""), "False HostUnhealthy 6 of 7 resources are ready; Instance/" + hostName +
			": it says database: unreachable", map[string]string{"Reconciling": "True", "Stalled": "-"}, "journalctl"},
		{"it is ill for long", answering(t, time.Hour, unwell, ""), "False HostUnhealthy", map[string]string{"Stalled": "True"}, ""},
		{"it is ill for long and will be replaced", answering(t, time.Hour, unwell, "", func(s *v1.UserManagementStack) {
			s.Spec.Hosts.Repair = v1.RepairReplace
		}), "False HostUnhealthy", map[string]string{"Stalled": "-"}, ""},
		{"the balancer is new", answering(t, time.Minute, silent, unreached), "False Progressing", nil, ""},
		{
			"the balancer is not reached", answering(t, 5*time.Minute, silent, unreached), "False BalancerUnreached", nil,
			"--health-proxy",
		},
		{
			"the balancer is internal", answering(t, 5*time.Minute, silent, unreached, internal), "False BalancerUnreached", nil,
			"the load balancer is internal: run the operator where it is reached",
		},
	} {
		if got := said(c.stack, "Ready"); !strings.HasPrefix(got, c.ready) {
			t.Errorf("%s: Ready is %q, want %q", c.why, got, c.ready)
		}
		for kind, want := range c.others {
			if got := said(c.stack, kind); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q, want %q", c.why, kind, got, want)
			}
		}
		if b := c.stack.Status.Blockers; c.blocker != "" && (len(b) != 1 || !strings.Contains(b[0].Hint, c.blocker)) {
			t.Errorf("%s: the blockers are %+v", c.why, b)
		}
	}
}

func TestHostsThatAreNotAskedCountWhileTheyRun(t *testing.T) {
	stack := of(t, status.Facts{Actions: actions()})
	if got := said(stack, "Available"); !strings.Contains(got, "--health-probe=false") {
		t.Errorf("nothing says that nobody is asked: %s", got)
	}
}

func TestARestartedOperatorTellsOnWhatWasKnown(t *testing.T) {
	before := answering(t, 0, health.Host{State: v1.HealthHealthy, Version: "1.4.0"}, "")
	fleet := rollout.Observe(rollout.Facts{
		Stack: before, Actions: actions(), Hosts: hostsOf(actions()), Now: now.Add(time.Hour), Observed: &health.Observation{},
	})
	after := of(t, status.Facts{
		Stack: before, Actions: actions(), Now: now.Add(time.Hour), Fleet: fleet, Rollout: rollout.Next(fleet),
	})
	if text(t, before.Status) != text(t, after.Status) {
		t.Errorf("an operator that has asked nobody yet says something else:\n%s\n%s", text(t, before.Status), text(t, after.Status))
	}
}

func TestHowARolloutIsTold(t *testing.T) {
	facts := func(stack *v1.UserManagementStack, at time.Time) status.Facts {
		old := state(hostName, Label(v1.LabelRevision, "r0"))
		return status.Facts{Stack: stack, Now: at, Actions: actions(verb(hostName, plan.Roll), old)}
	}
	first := of(t, facts(newStack(), now))
	later := of(t, facts(first, now.Add(time.Hour)))
	want := v1.RolloutStatus{Node: hostName, Step: v1.RolloutCreating, FromRevision: "r0", ToRevision: "r1"}
	want.Since.Time, want.Message = now, "Instance/"+hostName+": a host of revision r1 is made beside it"
	if r := later.Status.Rollout; r == nil || *r != want {
		t.Errorf("got %+v", r)
	}
	paused := newStack()
	paused.Spec.Rollout.Paused = true
	paused = of(t, facts(paused, now))
	if got := said(paused, "Stalled"); !strings.HasPrefix(got, "True RolloutPaused spec.rollout.paused is true") {
		t.Errorf("paused: %s", got)
	}
	failed := newStack()
	failed.Status.Rollout = &v1.RolloutStatus{
		Step: v1.RolloutFailed, FailedRevision: "r1",
		FailureMessage: "Instance/x, revision r1 (release 1.5.0), is withdrawn: it did not get healthy",
	}
	failed.Status.Rollout.Since.Time = now
	failed = of(t, facts(failed, now.Add(time.Hour)))
	const says = "True RolloutFailed Instance/x, revision r1 (release 1.5.0), is withdrawn"
	if got := said(failed, "Stalled"); !strings.HasPrefix(got, says) {
		t.Errorf("failed: %s", got)
	}
	if r := failed.Status.Rollout; r.FailedRevision != "r1" || !r.Since.Time.Equal(now) || len(failed.Status.Blockers) != 1 {
		t.Errorf("got %+v and %+v", r, failed.Status.Blockers)
	}
	if got := said(failed, "Available"); !strings.HasPrefix(got, "True") {
		t.Errorf("the old host serves on: %s", got)
	}
}
