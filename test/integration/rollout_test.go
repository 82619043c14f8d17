package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/hosts"
)

// quickly has a rollout not wait for requests to end: there are none.
func quickly(s *v1.UserManagementStack) {
	s.Spec.Rollout.Drain = &metav1.Duration{}
	s.Spec.Rollout.ProgressDeadline = metav1.Duration{Duration: time.Minute}
}

// release is the version that a test asks for: a version of its own for each namespace, so that hosts can be told apart.
func release(version string) func(*v1.UserManagementStackSpec) {
	return func(s *v1.UserManagementStackSpec) { s.App.Version = version }
}

// rolledOut waits until all hosts run a release, watching that never too few serve.
func rolledOut(t *testing.T, stack *stackObject, version string) *stackObject {
	t.Helper()
	return eventually(t, stack, "all hosts run "+version, func(s *stackObject) bool {
		return s.Status.ObservedGeneration == s.Generation && meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionReady) &&
			!slices.ContainsFunc(s.Status.Hosts.Items, func(h v1.HostStatus) bool { return h.Health.Version != version })
	})
}

func TestANewReleaseReplacesAllHostsOneByOne(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", quickly))
	before := eventuallyReady(t, stack)
	w := watchHosts(namespace)
	change(t, stack, release("7.0.1"))
	after := rolledOut(t, stack, "7.0.1")
	least, most := w.end()
	if least < 2 || most > 3 {
		t.Errorf("there were as few as %d serving and as many as %d running hosts; want 2 and at most 3", least, most)
	}
	for i, host := range after.Status.Hosts.Items {
		if host.InstanceID == before.Status.Hosts.Items[i].InstanceID || !host.Current {
			t.Errorf("%s is still the host of before", host.Node)
		}
	}
	if got := len(after.Status.Inventory); got != int(after.Status.Progress.Total) {
		t.Errorf("the inventory has %d entries for %d resources", got, after.Status.Progress.Total)
	}
	for _, reason := range []string{"RollingOut", "RolledOut"} {
		tells(t, namespace, reason)
	}
}

func TestABadReleaseIsWithdrawnAndItsCorrectionRolledOut(t *testing.T) {
	namespace := lab.Namespace(t)
	first := startOperator(t, namespace)
	scripts.add(t, "7.6.6", hosts.Unhealthy)
	stack := create(t, namespace, sample(t, "minimal", quickly))
	ready := eventuallyReady(t, stack)
	w := watchHosts(namespace)
	change(t, stack, release("7.6.6"))
	eventually(t, stack, "the new host is being checked", func(s *stackObject) bool {
		return s.Status.Rollout != nil && s.Status.Rollout.Step == v1.RolloutChecking
	})
	failed := eventuallyFor(t, 3*patience, stack, "the release is withdrawn", func(s *stackObject) bool {
		return s.Status.Rollout != nil && s.Status.Rollout.Step == v1.RolloutFailed
	})
	stalled := meta.FindStatusCondition(failed.Status.Conditions, v1.ConditionStalled)
	if stalled == nil || stalled.Reason != v1.ReasonRolloutFailed || !strings.Contains(stalled.Message, "release 7.6.6") {
		t.Errorf("Stalled does not say which release failed: %+v", stalled)
	}
	if !meta.IsStatusConditionTrue(failed.Status.Conditions, v1.ConditionAvailable) || failed.Status.Hosts.Ready != 2 {
		t.Errorf("the hosts from before do not serve on:\n%s", describe(failed))
	}
	first.kill()
	startOperator(t, namespace)
	token := requestPass(t, stack)
	seen := eventually(t, stack, "the next operator has looked", func(s *stackObject) bool {
		return s.Status.LastHandledReconcileAt == token
	})
	want := failed.Status.Rollout.FailedRevision
	if r := seen.Status.Rollout; len(seen.Status.Hosts.Items) != 2 || r == nil || r.FailedRevision != want {
		t.Errorf("the next operator tries the release again: %+v", r)
	}
	if seen.Status.Hosts.Items[0].InstanceID != ready.Status.Hosts.Items[0].InstanceID {
		t.Error("a host of before was replaced by a release that failed")
	}
	change(t, stack, release("7.6.7"))
	rolledOut(t, stack, "7.6.7")
	if least, _ := w.end(); least < 2 {
		t.Errorf("there were as few as %d serving hosts", least)
	}
}

func TestAnOperatorKilledAtAnyStepOfARolloutGetsThere(t *testing.T) {
	namespace := lab.Namespace(t)
	first := startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", quickly))
	eventuallyReady(t, stack)
	first.kill()
	w := watchHosts(namespace)
	change(t, stack, release("7.1.0"))
	lives := livesUntil(func(g *guillotine) (*operator, bool) {
		o := startOperator(t, namespace, g.wrap)
		return o, readyOrKilled(t, g, stack)
	})
	t.Logf("the rollout took %d lives of an operator", lives)
	startOperator(t, namespace)
	rolledOut(t, stack, "7.1.0")
	least, most := w.end()
	if least < 2 || most > 3 {
		t.Errorf("there were as few as %d serving and as many as %d running hosts; want 2 and at most 3", least, most)
	}
	if lives < 6 {
		t.Errorf("an operator was killed only %d times in a rollout of two hosts", lives)
	}
}

// readyOrKilled waits until the new release is all there, which is true, or until the operator is killed.
func readyOrKilled(t *testing.T, g *guillotine, stack *stackObject) bool {
	t.Helper()
	ready := false
	eventually(t, stack, "it is Ready or the operator is killed", func(s *stackObject) bool {
		select {
		case <-g.fallen:
			return true
		default:
		}
		ready = s.Status.ObservedGeneration == s.Generation && meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionReady)
		return ready
	})
	return ready
}

func TestARolloutIsPausedAndGoesOn(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", quickly))
	before := eventuallyReady(t, stack)
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.App.Version, s.Rollout.Paused = "7.2.0", true })
	paused := eventually(t, stack, "it says that it is paused", func(s *stackObject) bool {
		return s.Status.Rollout != nil && s.Status.Rollout.Step == v1.RolloutPaused
	})
	if paused.Status.Hosts.Ready != 2 || paused.Status.Hosts.Items[0].InstanceID != before.Status.Hosts.Items[0].InstanceID {
		t.Errorf("a paused rollout has touched a host:\n%s", describe(paused))
	}
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Rollout.Paused = false })
	rolledOut(t, stack, "7.2.0")
}

func TestATerminatedHostIsNamedAndReplacedIfThatIsAskedFor(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", quickly))
	before := eventuallyReady(t, stack)
	victim := before.Status.Hosts.Items[0]
	if err := lab.Cloud.TerminateInstance(victim.InstanceID); err != nil {
		t.Fatal(err)
	}
	reported := eventually(t, stack, "the status names the host", func(s *stackObject) bool {
		return slices.ContainsFunc(s.Status.Blockers, func(b v1.Blocker) bool { return b.Name == victim.Name })
	})
	if reported.Status.Hosts.Ready != 1 || !meta.IsStatusConditionTrue(reported.Status.Conditions, v1.ConditionAvailable) {
		t.Errorf("one of two hosts serves on:\n%s", describe(reported))
	}
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Hosts.Repair = v1.RepairReplace })
	looked(t, namespace, victim.Name)
	after := eventuallyFor(t, 3*patience, stack, "the host is replaced", func(s *stackObject) bool {
		ready := meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionReady)
		return ready && s.Status.Hosts.Items[0].InstanceID != victim.InstanceID
	})
	if host := after.Status.Hosts.Items[0]; host.Name == victim.Name || host.Revision != victim.Revision {
		t.Errorf("the new host is %+v; it must have the revision of %s and another name", host, victim.Name)
	}
}

func TestHostsComeAndGoWithTheirNumber(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", quickly))
	eventuallyReady(t, stack)
	w := watchHosts(namespace)
	for _, perZone := range []int32{2, 1} {
		change(t, stack, func(s *v1.UserManagementStackSpec) { s.Hosts.PerZone = perZone })
		ready := eventuallyReady(t, stack)
		if got := ready.Status.Hosts.Summary; got != fmt.Sprintf("%d/%[1]d", 2*perZone) {
			t.Errorf("with %d hosts in each zone there are %s", perZone, got)
		}
	}
	if least, _ := w.end(); least < 2 {
		t.Errorf("there were as few as %d serving hosts", least)
	}
	if got := len(ofKind(namespace, cloud.KindInstance)); got != 2 {
		t.Errorf("%d instances are left in AWS, want 2", got)
	}
}
