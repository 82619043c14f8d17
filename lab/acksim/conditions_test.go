package acksim_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

func vpcSpec() m {
	return m{"cidrBlocks": list("10.0.0.0/16"), "enableDNSSupport": true, "enableDNSHostnames": true, "tags": tags()}
}

// vpc makes a VPC and returns its id.
func (w *world) vpc() string {
	w.t.Helper()
	w.apply("VPC", "vpc", vpcSpec())
	return str(w.ready("VPC", "vpc"), "status.vpcID")
}

// ack-notes 1.1: conditions are wiped and rewritten on every pass, and their time is the time of the pass.
func TestConditionTimesAreTimesOfPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.vpc()
	first, _ := conditionOf(w.get("VPC", "vpc"), "ACK.ResourceSynced")["lastTransitionTime"].(string)
	spec := vpcSpec()
	for i := 0; ; i++ {
		spec["tags"] = list(m{"key": "touch", "value": seq("%d", i)})
		generation := w.apply("VPC", "vpc", spec).GetGeneration()
		w.eventually("the tag reaches AWS", func() bool { return w.cloud.VPCs()[0].Tags["touch"] == seq("%d", i) })
		u := w.ready("VPC", "vpc")
		if field(u, "status.observedGeneration") != nil {
			t.Fatal("ACK has no observedGeneration")
		}
		if now, _ := conditionOf(u, "ACK.ResourceSynced")["lastTransitionTime"].(string); now > first && generation > 1 {
			return // still True, but with a newer "transition"
		}
		if i > 10000 {
			t.Fatal("the time of a condition that stays True never moved")
		}
	}
}

// ack-notes 1.1: Ready is derived, and older runtimes have none.
func TestReadyConditionIsOptional(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{NoReadyCondition: true})
	w.apply("VPC", "vpc", vpcSpec())
	u := w.until("VPC", "vpc", "synced", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.ResourceSynced") == "True"
	})
	if conditionOf(u, "Ready") != nil {
		t.Error("a runtime before v0.53 writes no Ready condition")
	}
}

// ack-notes 1.1: after an error ResourceSynced is Unknown, Recoverable has AWS's text and no time, Ready is False for it.
func TestConditionsAfterAWSError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.cloud.Inject(cloud.Fault{Op: "ec2:CreateVpc", Times: -1, Code: "InternalError", Message: "An internal error has occurred"})
	w.apply("VPC", "vpc", vpcSpec())
	u := w.until("VPC", "vpc", "recoverable", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.Recoverable") == "True"
	})
	recoverable, ready := conditionOf(u, "ACK.Recoverable"), conditionOf(u, "Ready")
	if recoverable["message"] != "api error InternalError: An internal error has occurred" {
		t.Errorf("message is %q", recoverable["message"])
	}
	if recoverable["lastTransitionTime"] != nil {
		t.Error("Recoverable has no time of its own")
	}
	if condition(u, "ACK.ResourceSynced") != "Unknown" || ready["status"] != "False" || ready["reason"] != "ACK.Recoverable" {
		t.Errorf("synced is %s, ready is %v", condition(u, "ACK.ResourceSynced"), ready)
	}
	if str(u, "status.ackResourceMetadata.region") != region || str(u, "status.ackResourceMetadata.ownerAccountID") == "" {
		t.Error("region and account are known before the thing exists")
	}
}

// ack-notes 1.1, 1.3: when a reference cannot be resolved, that is the only condition there is.
func TestReferenceFailureIsTheOnlyCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.apply("RouteTable", "rt", m{"vpcRef": m{"from": m{"name": "vpc"}}})
	u := w.until("RouteTable", "rt", "reference unresolved", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.ReferencesResolved") == "Unknown"
	})
	if len(elements(u.Object, "status.conditions")) != 1 || len(u.GetFinalizers()) != 0 || field(u, "status.ackResourceMetadata") != nil {
		t.Errorf("a reference failure leaves nothing but its own condition:\n%s", pretty(u))
	}
	id := w.vpc()
	u = w.ready("RouteTable", "rt")
	if condition(u, "ACK.ReferencesResolved") != "True" || str(u, "spec.vpcID") != "" {
		t.Errorf("the resolved id is not stored in spec:\n%s", pretty(u))
	}
	for _, rt := range w.cloud.RouteTables() {
		if !rt.Main && rt.VPCID != id {
			t.Errorf("route table is in %s, want %s", rt.VPCID, id)
		}
	}
}

// ack-notes 1.1: a reference to a terminal object is False, and reference and literal together are refused.
func TestReferenceToTerminalAndBothForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.apply("VPC", "bad", m{"cidrBlocks": list("10.0.0.1/16")})
	w.until("VPC", "bad", "terminal", func(u *unstructured.Unstructured) bool { return condition(u, "ACK.Terminal") == "True" })
	w.apply("RouteTable", "rt", m{"vpcRef": m{"from": m{"name": "bad"}}})
	w.until("RouteTable", "rt", "False", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.ReferencesResolved") == "False"
	})
	w.apply("RouteTable", "both", m{"vpcID": "vpc-00000000000000000", "vpcRef": m{"from": m{"name": "bad"}}})
	u := w.until("RouteTable", "both", "refused", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.ReferencesResolved") == "Unknown"
	})
	if reason, _ := conditionOf(u, "ACK.ReferencesResolved")["reason"].(string); reason == "" {
		t.Error("no reason given")
	}
}

// ack-notes 1.1: during deletion the conditions of the last sync stay, beside a new Recoverable.
func TestStaleReadyBesideRecoverableDuringDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	id := w.vpc()
	w.subnet("subnet", id, "10.0.1.0/24", zone(0), w.routeTable(id), false)
	w.delete("VPC", "vpc")
	u := w.until("VPC", "vpc", "recoverable", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.Recoverable") == "True"
	})
	if condition(u, "Ready") != "True" || condition(u, "ACK.ResourceSynced") != "True" {
		t.Errorf("the old Ready=True stays beside the new Recoverable:\n%s", pretty(u))
	}
	want := "api error DependencyViolation: The vpc '" + id + "' has dependencies and cannot be deleted."
	if message(u, "ACK.Recoverable") != want {
		t.Errorf("message is %q, want %q", message(u, "ACK.Recoverable"), want)
	}
	w.delete("Subnet", "subnet")
	w.delete("RouteTable", "rt")
	w.gone("VPC", "vpc")
}

func (w *world) routeTable(vpc string) string {
	w.t.Helper()
	w.apply("RouteTable", "rt", m{"vpcID": vpc, "tags": tags()})
	return str(w.ready("RouteTable", "rt"), "status.routeTableID")
}

// ack-notes 1.2: edits of annotations, labels and status trigger nothing; a spec change does.
func TestOnlyGenerationTriggersAPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{Workers: 1})
	w.vpc()
	w.settle() // what ACK writes into spec after a create causes one more pass
	before := w.callsOf("vpc")
	w.apply("VPC", "vpc", vpcSpec(), "example.com/note", "1")
	w.settle()
	if after := w.callsOf("vpc"); after != before {
		t.Errorf("an annotation caused %d AWS calls", after-before)
	}
	spec := vpcSpec()
	spec["tags"] = list(m{"key": "nudge", "value": "1"})
	w.apply("VPC", "vpc", spec)
	w.eventually("a pass after a spec change", func() bool { return w.callsOf("vpc") > before })
}

// callsOf counts the AWS calls made for one object.
func (w *world) callsOf(name string) int {
	n := 0
	for _, c := range w.cloud.Calls() {
		if c.Caller.Owner.Name == name {
			n++
		}
	}
	return n
}

// settle makes sure that the controller of VPCs (with one worker) has handled everything that was written before: another
// VPC, made afterwards, is terminal.
func (w *world) settle() {
	w.t.Helper()
	name := seq("sentinel-%d", time.Now().UnixNano())
	w.apply("VPC", name, m{"cidrBlocks": list("10.0.0.1/16")})
	w.until("VPC", name, "terminal", func(u *unstructured.Unstructured) bool { return condition(u, "ACK.Terminal") == "True" })
}

// ack-notes 1.2: a terminal object is not retried, by no resync and no annotation, until its spec changes.
func TestTerminalWaitsForSpecChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{Workers: 1, Resync: 1, Pace: acksim.Pace{Poll: 0.001, Resync: 1}})
	w.apply("VPC", "vpc", m{"cidrBlocks": list("not-a-cidr")})
	u := w.until("VPC", "vpc", "terminal", func(u *unstructured.Unstructured) bool { return condition(u, "ACK.Terminal") == "True" })
	if condition(u, "ACK.ResourceSynced") != "False" || conditionOf(u, "Ready")["reason"] != "ACK.Terminal" || len(u.GetFinalizers()) != 0 {
		t.Errorf("a terminal create leaves no finalizer and Synced=False:\n%s", pretty(u))
	}
	before := w.callsOf("vpc")
	w.apply("VPC", "vpc", m{"cidrBlocks": list("not-a-cidr")}, "example.com/note", "1")
	w.settle()
	if after := w.callsOf("vpc"); after != before {
		t.Errorf("a terminal object was retried: %d calls more", after-before)
	}
	w.apply("VPC", "vpc", vpcSpec())
	w.ready("VPC", "vpc")
}

// ack-notes 1.2: a restart of the controller retries a terminal object.
func TestRestartRetriesTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.cloud.Inject(cloud.Fault{Op: "ec2:CreateVpc", Code: "InvalidParameterValue", Message: "not now"})
	w.apply("VPC", "vpc", vpcSpec())
	w.until("VPC", "vpc", "terminal", func(u *unstructured.Unstructured) bool { return condition(u, "ACK.Terminal") == "True" })
	w.stop()
	w.startSimulator()
	w.ready("VPC", "vpc")
}

// ack-notes 1.2: errors are retried with exponential backoff from 5 ms, so the number of tries grows slowly.
func TestErrorsBackOffExponentially(t *testing.T) {
	t.Parallel()
	clock := cloud.NewManualClock(time.Now())
	w := newWorld(t, cloud.Options{Clock: clock}, acksim.Options{Pace: acksim.Pace{Poll: 1}})
	w.cloud.Inject(cloud.Fault{Op: "ec2:CreateVpc", Times: 6, Code: "InternalError", Message: "again"})
	w.apply("VPC", "vpc", vpcSpec())
	w.ready("VPC", "vpc")
	if made := w.calls("ec2:CreateVpc"); made != 7 {
		t.Errorf("%d tries, want 7", made)
	}
}

// ack-notes 1.7: the region of an object cannot be changed; ACK says nothing about it in the object.
func TestRegionAnnotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{Workers: 1})
	w.apply("VPC", "vpc", vpcSpec(), "services.k8s.aws/region", "eu-west-1")
	if u := w.ready("VPC", "vpc"); str(u, "status.ackResourceMetadata.region") != "eu-west-1" || w.cloud.VPCs()[0].Region != "eu-west-1" {
		t.Errorf("VPC is not in the region of its annotation:\n%s", pretty(u))
	}
	spec := vpcSpec()
	spec["tags"] = list(m{"key": "moved", "value": "yes"})
	w.apply("VPC", "vpc", spec, "services.k8s.aws/region", "us-west-2")
	w.settle()
	if w.cloud.VPCs()[0].Tags["moved"] != "" || condition(w.get("VPC", "vpc"), "Ready") != "True" {
		t.Error("an object in another region than annotated is left alone, and looks ready")
	}
}
