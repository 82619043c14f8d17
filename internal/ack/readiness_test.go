package ack_test

import (
	"strings"
	"testing"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
)

const (
	synced      = "ACK.ResourceSynced"
	terminal    = "ACK.Terminal"
	recoverable = "ACK.Recoverable"
)

// later is when the objects of these tests are looked at, unless a case says otherwise.
var later = Start.Add(30 * time.Second)

func after(d time.Duration) time.Time { return Start.Add(d) }

func TestEveryKindIsReadyAsACKLeavesIt(t *testing.T) {
	for _, kind := range ack.Kinds() {
		if a := ack.Assess(Ready(kind, "x"), later); a.Verdict != ack.Ready || a.Problem() {
			t.Errorf("%s: %+v", kind.Name, a)
		}
	}
}

func TestNoKindIsReadyWithoutWhatOthersNeedOfIt(t *testing.T) {
	for _, kind := range ack.Kinds() {
		if kind == ack.RecordSet {
			continue // publishes nothing
		}
		bare := New(kind, "x", Finalizer(), Condition(synced, "True", "", Start))
		if a := ack.Assess(bare, later); a.Verdict == ack.Ready {
			t.Errorf("%s without any output is called ready", kind.Name)
		}
	}
}

type assessment struct {
	why     string
	kind    ack.Kind
	options []Option
	now     time.Time
	verdict ack.Verdict
	reason  string
	says    string // part of message or hint
}

func (c assessment) check(t *testing.T) {
	t.Helper()
	now := c.now
	if now.IsZero() {
		now = later
	}
	a := ack.Assess(Ready(c.kind, "x", c.options...), now)
	if a.Verdict != c.verdict || a.Reason != c.reason || !strings.Contains(a.Message+" | "+a.Hint, c.says) {
		t.Errorf("got %+v, want verdict %d, reason %s, saying %q", a, c.verdict, c.reason, c.says)
	}
	if a.Problem() && a.Hint == "" {
		t.Errorf("a problem without a way out: %+v", a)
	}
}

func assess(t *testing.T, cases []assessment) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.why, "/", " "), c.check)
	}
}

func TestACKsConditions(t *testing.T) {
	assess(t, []assessment{
		{
			why: "a deletion comes before the good news that stays beside it", kind: ack.VPC,
			options: []Option{Deleting(Start)}, verdict: ack.Waiting, reason: v1.ReasonDeletedOutside,
		},
		{
			why: "a deletion that AWS refuses says what AWS says", kind: ack.VPC,
			options: []Option{Deleting(Start), Condition(recoverable, "True", "DependencyViolation: in use", time.Time{})},
			verdict: ack.Waiting, reason: v1.ReasonDeletedOutside, says: "DependencyViolation",
		},
		{
			why: "Terminal comes before Synced=True, which acm leaves beside it", kind: ack.Certificate,
			options: []Option{Condition(terminal, "True", "InvalidDomain", time.Time{})},
			verdict: ack.Failed, reason: v1.ReasonTerminalError, says: "InvalidDomain",
		},
		{
			why: "Terminal=False is nothing", kind: ack.VPC,
			options: []Option{Condition(terminal, "False", "", Start)}, verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
		{
			why: "an unmanaged resource of the name needs somebody to remove it", kind: ack.LoadBalancer,
			options: []Option{Condition(terminal, "True", "Resource already exists: not managed by ACK", time.Time{})},
			verdict: ack.Failed, reason: v1.ReasonTerminalError, says: "remove or rename it",
		},
		{
			why: "Recoverable beside Synced=True is an error on its way, as acm writes it", kind: ack.Certificate,
			options: []Option{Condition(recoverable, "True", "ThrottlingException: Rate exceeded", time.Time{})},
			verdict: ack.Waiting, reason: v1.ReasonRecoverableError, says: "Rate exceeded",
		},
		{
			why: "Recoverable is also what ACK calls its own ordinary waiting", kind: ack.TargetGroup,
			options: []Option{
				Condition(synced, "Unknown", "", Start), Condition(recoverable, "True", "requeuing for post-create updates", time.Time{}),
			}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a profile that IAM has not spread yet is waiting, not trouble", kind: ack.Instance,
			options: []Option{
				Status("state", nil), Condition(synced, "Unknown", "", Start),
				Condition(recoverable, "True", "InvalidParameterValue: Invalid IAM Instance Profile name", time.Time{}),
			}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "Synced=False is work", kind: ack.Role,
			options: []Option{Condition(synced, "False", "", Start)}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "Synced=Unknown without more is work", kind: ack.Role,
			options: []Option{Condition(synced, "Unknown", "", Start)}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "an unresolved reference leaves no other condition", kind: ack.Subnet,
			options: []Option{NoConditions(), Condition("ACK.ReferencesResolved", "Unknown", "", Start)},
			verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
	})
}

func TestTheFirstPass(t *testing.T) {
	assess(t, []assessment{
		{
			why: "a new object is given a minute", kind: ack.VPC,
			options: []Option{NoConditions(), noFinalizer()}, now: after(59 * time.Second),
			verdict: ack.Waiting, reason: v1.ReasonProgressing, says: "take it up",
		},
		{
			why: "after a minute nobody serves it, and it is said which controller is missing", kind: ack.VPC,
			options: []Option{NoConditions(), noFinalizer()}, now: after(time.Minute),
			verdict: ack.Failed, reason: v1.ReasonControllerMissing, says: "the ACK ec2 controller",
		},
		{
			why: "with its finalizer on, a controller is there and at work", kind: ack.DBInstance,
			options: []Option{NoConditions()}, now: after(10 * time.Minute),
			verdict: ack.Waiting, reason: v1.ReasonProgressing, says: "making it",
		},
	})
}

func TestAWSsOwnStates(t *testing.T) {
	assess(t, []assessment{
		{
			why: "a certificate nobody has validated is called synced by ACK", kind: ack.Certificate,
			options: []Option{Status("status", "PENDING_VALIDATION")}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a validation that ran out needs the zone to be looked at", kind: ack.Certificate,
			options: []Option{Status("status", "VALIDATION_TIMED_OUT")},
			verdict: ack.Failed, reason: v1.ReasonCertificateFailed, says: "hostedZoneID",
		},
		{
			why: "a failed certificate says why", kind: ack.Certificate,
			options: []Option{Status("status", "FAILED"), Status("failureReason", "CAA_ERROR")},
			verdict: ack.Failed, reason: v1.ReasonCertificateFailed, says: "CAA_ERROR",
		},
		{
			why: "a failed gateway is polled for ever by ACK", kind: ack.NATGateway,
			options: []Option{
				Status("state", "failed"), Status("failureCode", "Gateway.NotAttached"), Condition(synced, "False", "", Start),
			}, verdict: ack.Failed, reason: v1.ReasonGatewayFailed, says: "Gateway.NotAttached",
		},
		{
			why: "a pending gateway is Recoverable to ACK and work to us", kind: ack.NATGateway,
			options: []Option{
				Status("state", "pending"), Condition(synced, "Unknown", "", Start),
				Condition(recoverable, "True", "resource is pending", time.Time{}),
			}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a stopped host serves nobody although ACK calls it synced", kind: ack.Instance,
			options: []Option{Status("state.name", "stopped")}, verdict: ack.Failed, reason: v1.ReasonInstanceTerminated,
		},
		{
			why: "a terminated instance still says running", kind: ack.Instance,
			options: []Option{Condition(recoverable, "True",
				"InvalidParameterCombination: Network interfaces and an instance-level subnet ID may not be specified", time.Time{})},
			verdict: ack.Failed, reason: v1.ReasonInstanceTerminated, says: "delete this object",
		},
		{
			why: "a database that changes is work", kind: ack.DBInstance,
			options: []Option{Status("dbInstanceStatus", "modifying")}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a full database is not cured by waiting, though ACK may call it synced", kind: ack.DBInstance,
			options: []Option{Status("dbInstanceStatus", "storage-full")}, verdict: ack.Failed, reason: v1.ReasonDatabaseFailed,
		},
		{
			why: "a database serves while its storage is optimised for hours", kind: ack.DBInstance,
			options: []Option{Status("dbInstanceStatus", "storage-optimization"), Condition(synced, "False", "", Start)},
			verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
		{
			why: "after a failover ACK asks for ever for the zone before, and the database serves", kind: ack.DBInstance,
			options: []Option{
				Spec("availabilityZone", "us-east-2a"), Status("secondaryAvailabilityZone", "us-east-2a"),
				Condition(synced, "False", "", Start),
			}, verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
		{
			why: "a database that is available and not in sync has a change before it", kind: ack.DBInstance,
			options: []Option{
				Spec("availabilityZone", "us-east-2a"), Status("secondaryAvailabilityZone", "us-east-2b"),
				Condition(synced, "False", "", Start),
			}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "after a failover a change that is on its way still counts", kind: ack.DBInstance,
			options: []Option{
				Spec("availabilityZone", "us-east-2a"), Status("secondaryAvailabilityZone", "us-east-2a"),
				Status("pendingModifiedValues", map[string]any{"dbInstanceClass": "db.m5.large"}),
				Condition(synced, "False", "", Start),
			}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a record that is not everywhere yet is work", kind: ack.RecordSet,
			options: []Option{Status("status", "PENDING")}, verdict: ack.Waiting, reason: v1.ReasonProgressing,
		},
		{
			why: "a failed load balancer is synced to ACK", kind: ack.LoadBalancer,
			options: []Option{Status("state", map[string]any{"code": "failed", "reason": "no capacity"})},
			verdict: ack.Failed, reason: v1.ReasonTerminalError, says: "no capacity",
		},
		{
			why: "provisioning may stay for ten hours after the balancer serves", kind: ack.LoadBalancer,
			options: []Option{Status("state", map[string]any{"code": "provisioning"})},
			verdict: ack.Ready, reason: v1.ReasonSucceeded,
		},
	})
}
