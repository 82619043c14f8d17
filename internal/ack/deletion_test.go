package ack_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	. "usermanagement.dev/stack/internal/ack/acktest" //nolint:revive // its words make sentences of the cases
)

func database(options ...Option) *unstructured.Unstructured {
	return Ready(ack.DBInstance, "db", append([]Option{Spec("dbInstanceIdentifier", "prod-db-0a1b")}, options...)...)
}

func TestWhatAnObjectMustCarryWhenItGoes(t *testing.T) {
	snapshot := map[string]string{
		ack.AnnotationSkipFinalSnapshot: "false", ack.AnnotationDeleteAutomatedBackups: "false",
		ack.AnnotationFinalSnapshotIdentifier: "prod-db-0a1b-final-uiddbins",
	}
	proof := []Option{Node("cert-validation-users.example.com"), Annotation(ack.AnnotationDeletionPolicy, ack.DeletionRetain)}
	for _, c := range []struct {
		why    string
		object *unstructured.Unstructured
		policy v1.DeletionPolicy
		want   map[string]string
		spec   bool
	}{
		{"most objects go as they are", Ready(ack.VPC, "x"), v1.DeletionPolicyDelete, nil, false},
		{
			"what is retained has to say so before it goes", Ready(ack.VPC, "x"), v1.DeletionPolicyRetain,
			map[string]string{ack.AnnotationDeletionPolicy: "retain"},
			false,
		},
		{
			"a change of mind undoes it", Ready(ack.VPC, "x", Annotation(ack.AnnotationDeletionPolicy, "retain")), v1.DeletionPolicyDelete,
			map[string]string{ack.AnnotationDeletionPolicy: "delete"},
			false,
		},
		{
			"the proof of a domain outlives every stack, since other certificates renew by it",
			Ready(ack.RecordSet, "x", proof...), v1.DeletionPolicyDelete, nil, false,
		},
		{"without being told ACK takes no snapshot", database(), v1.DeletionPolicySnapshot, snapshot, false},
		{"a stack from before there were policies loses no data", database(), "", snapshot, false},
		{
			"Delete means the backups too", database(), v1.DeletionPolicyDelete,
			map[string]string{ack.AnnotationSkipFinalSnapshot: "true", ack.AnnotationDeleteAutomatedBackups: "true"},
			false,
		},
		{
			"a protected database has to be unprotected first", database(Spec("deletionProtection", true)), v1.DeletionPolicySnapshot,
			snapshot, true,
		},
		{
			"a database that stays, stays protected", database(Spec("deletionProtection", true)), v1.DeletionPolicyRetain,
			map[string]string{ack.AnnotationDeletionPolicy: "retain"},
			false,
		},
	} {
		annotations, spec := ack.BeforeDelete(c.object, string(c.policy))
		if !maps.Equal(annotations, c.want) || (len(spec) > 0) != c.spec {
			t.Errorf("%s: got %v and %v", c.why, annotations, spec)
		}
		for key, value := range annotations {
			Annotation(key, value)(c.object)
		}
		for key, value := range spec {
			Spec(key, value)(c.object)
		}
		if annotations, spec := ack.BeforeDelete(c.object, string(c.policy)); len(annotations)+len(spec) > 0 {
			t.Errorf("%s: asks again for %v and %v", c.why, annotations, spec)
		}
	}
}

func TestTheFinalSnapshotHasANameThatRDSTakes(t *testing.T) {
	// 1 to 255 letters, digits and hyphens, a letter first, no hyphen last, no two in a row.
	valid := regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`)
	object := database(Spec("dbInstanceIdentifier", strings.Repeat("d", 63)))
	object.SetUID("6e0d8f9c-1a2b-4c3d-8e4f-5a6b7c8d9e0f")
	if name := ack.FinalSnapshot(object); !valid.MatchString(name) || len(name) > 255 {
		t.Errorf("%q", name)
	}
	other := object.DeepCopy()
	other.SetUID("7e0d8f9c-1a2b-4c3d-8e4f-5a6b7c8d9e0f")
	if ack.FinalSnapshot(object) == ack.FinalSnapshot(other) {
		t.Error("a database made again under the name would meet the snapshot of the one before")
	}
}

func TestAProtectionMustBeOffInAWSBeforeTheDeletion(t *testing.T) {
	const s = time.Second
	unprotect := func(at time.Time) Option {
		return func(object *unstructured.Unstructured) {
			Updated(at)(object)
			Spec("deletionProtection", false)(object)
		}
	}
	protected := []Option{Spec("deletionProtection", true), unprotect(after(10 * s))}
	with := func(more ...Option) *unstructured.Unstructured { return database(append(protected, more...)...) }
	for _, c := range []struct {
		why    string
		object *unstructured.Unstructured
		waits  bool
	}{
		{"ACK has not acted on it", with(), true},
		{"ACK has acted on it, and RDS has taken it", with(Passed(after(15 * s))), false},
		{"RDS takes no change while it is at work", with(Condition(synced, "False", "", after(15*s)),
			Status("dbInstanceStatus", "modifying")), true},
		{
			"RDS takes no change while it optimises storage, though the database serves",
			with(Condition(synced, "False", "", after(15*s)), Status("dbInstanceStatus", "storage-optimization")), true,
		},
		{"RDS has refused it", with(Passed(after(15*s)), Condition(recoverable, "True", "InvalidDBInstanceState", time.Time{})), true},
		{"another change does not make one forget the first", with(Updated(after(11 * s))), true},
		{"another change after the first has arrived is no reason to wait", with(Passed(after(15*s)), Updated(after(30*s))), false},
		{
			"a database that was never protected goes, whatever state it is in",
			database(Updated(after(10*s)), Status("dbInstanceStatus", "incompatible-network"),
				Condition(synced, "False", "", after(15*s))), false,
		},
		{"a database that was never changed goes", database(), false},
		{"what AWS never made cannot be protected", with(noFinalizer()), false},
	} {
		if waits := ack.MustSettle(c.object) && !ack.Settled(c.object, after(40*s)); waits != c.waits {
			t.Errorf("%s: waits is %v", c.why, waits)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		why     string
		options []Option
		reason  string
		says    string
	}{
		{"no word from ACK is no refusal", nil, "", ""},
		{
			"AWS refuses what is in use",
			[]Option{Condition(recoverable, "True", "DependencyViolation", time.Time{})},
			v1.ReasonRecoverableError, "uses it",
		},
		{
			"ACK waits for something by itself",
			[]Option{Condition(recoverable, "True", "resource is pending, requeue", time.Time{})},
			"", "",
		},
		{
			"protection is named as what it is",
			[]Option{Condition(terminal, "True",
				"InvalidParameterCombination: Cannot delete protected DB Instance, please disable deletion protection", time.Time{})},
			v1.ReasonTerminalError, "protection off in AWS",
		},
		{"no field of a stack cures a deletion", []Option{Condition(terminal, "True",
			"InvalidParameterCombination: FinalDBSnapshotIdentifier is required", time.Time{})}, v1.ReasonTerminalError, "mend in AWS"},
	} {
		a, refused := ack.Refusal(database(append(c.options, Deleting(Start))...))
		if refused != (c.reason != "") || a.Reason != c.reason || !strings.Contains(a.Hint, c.says) {
			t.Errorf("%s: got %+v", c.why, a)
		}
	}
}

func TestNudges(t *testing.T) {
	team := map[string]any{"key": "team", "value": "a"}
	object := Ready(ack.Subnet, "x", Deleting(Start), Spec("tags", []any{team}))
	var waits []time.Duration
	for now := Start; now.Before(after(10 * time.Minute)); {
		wait := ack.NudgeIn(object, now)
		waits = append(waits, wait)
		now = now.Add(wait)
		spec, ok := ack.Nudge(object, now)
		if !ok {
			t.Fatal("a subnet has tags to change")
		}
		tags, _, err := unstructured.NestedSlice(spec, "tags")
		if err != nil || len(tags) != 2 || !reflect.DeepEqual(tags[0], team) {
			t.Fatalf("a nudge must leave other tags and have one of its own: %v, %v", spec["tags"], err)
		}
		Spec("tags", spec["tags"])(object)
	}
	if first, last := waits[0], waits[len(waits)-1]; first != time.Second || last != 30*time.Second {
		t.Errorf("nudges come after %v", waits)
	}
	if len(waits) > 45 {
		t.Errorf("%d nudges in ten minutes", len(waits))
	}
	ahead := Spec("tags", []any{map[string]any{"key": "usermanagement.dev/nudge", "value": "2026-01-02T11:00:00Z"}})
	if wait := ack.NudgeIn(Ready(ack.Subnet, "x", Deleting(Start), ahead), after(time.Minute)); wait > 30*time.Second {
		t.Errorf("a clock that was ahead stops nudges for %s", wait)
	}
	if _, ok := ack.Nudge(Ready(ack.RecordSet, "x"), Start); ok {
		t.Error("records have no tags")
	}
}

func TestWhatMayBeTouched(t *testing.T) {
	for _, c := range []struct {
		why    string
		object *unstructured.Unstructured
		want   bool
	}{
		{"ACK is about to make it", New(ack.VPC, "x"), false},
		{"ACK is making it, and a change may cost it the identity", New(ack.VPC, "x", Finalizer()), false},
		{"a finalizer that ACK took off again is not held", New(ack.VPC, "x", Status("vpcID", "vpc-1")), false},
		{"ACK has failed and waits for a better spec", New(ack.VPC, "x", Condition(terminal, "True", "", time.Time{})), true},
		{"ACK fails again and again", New(ack.VPC, "x", Condition(recoverable, "True", "", time.Time{})), true},
		{"a record has no id, and conditions instead", New(ack.RecordSet, "x", Finalizer()), false},
	} {
		if got := ack.Touchable(c.object); got != c.want {
			t.Errorf("%s: got %v", c.why, got)
		}
	}
	for _, kind := range ack.Kinds() {
		if !ack.Touchable(Ready(kind, "x")) || !ack.Held(Ready(kind, "x")) {
			t.Errorf("a ready %s is held", kind.Name)
		}
	}
}

func TestServingIsNotReadiness(t *testing.T) {
	for _, c := range []struct {
		why    string
		object *unstructured.Unstructured
		want   bool
	}{
		{"a listener that is being changed serves", Ready(ack.Listener, "x", Condition(synced, "False", "", Start)), true},
		{"a listener that AWS refuses to change serves", Ready(ack.Listener, "x", Condition(terminal, "True", "", Start)), true},
		{"a listener that is not made does not", New(ack.Listener, "x"), false},
		{"a listener on its way out does not", Ready(ack.Listener, "x", Deleting(Start)), false},
		{"a database that is being changed serves", database(Status("dbInstanceStatus", "modifying")), true},
		{"a database that starts to log serves", database(Status("dbInstanceStatus", "configuring-log-exports")), true},
		{"a database that is made does not", database(Status("dbInstanceStatus", "creating")), false},
		{"a database that restarts does not", database(Status("dbInstanceStatus", "rebooting")), false},
		{"a full database does not", database(Status("dbInstanceStatus", "storage-full")), false},
		{"a database without an address does not", database(Status("endpoint", nil)), false},
		{"a stopped host does not", Ready(ack.Instance, "x", Status("state.name", "stopped")), false},
		{"a host that runs does", Ready(ack.Instance, "x", Condition(recoverable, "True", "throttled", Start)), true},
		{"nobody is served by a network", Ready(ack.VPC, "x"), false},
	} {
		if got := ack.Serving(c.object); got != c.want {
			t.Errorf("%s: got %v", c.why, got)
		}
	}
}

func TestOutputs(t *testing.T) {
	proof := []any{map[string]any{"domainName": "users.example.com", "resourceRecord": map[string]any{
		"name": "_x.users.example.com.", "type_": "CNAME", "value": "_y.acm-validations.aws.",
	}}, map[string]any{"domainName": "www.example.com"}}
	pending := Ready(ack.Certificate, "x", Status("status", "PENDING_VALIDATION"), Status("domainValidations", proof))
	for _, c := range []struct {
		why    string
		object *unstructured.Unstructured
		field  string
		want   string
	}{
		{"Route 53 knows lower case only", Ready(ack.LoadBalancer, "x"), ack.OutputDNSName, "prod-1.us-east-2.elb.amazonaws.com"},
		{
			"no route may point at a gateway that is not available", Ready(ack.NATGateway, "x", Status("state", "pending")),
			ack.OutputID, "",
		},
		{"an available gateway has an id", Ready(ack.NATGateway, "x"), ack.OutputID, "nat-x"},
		{"no listener may use a certificate that is not issued", pending, ack.OutputIssuedARN, ""},
		{"a certificate has its proof before it is issued", pending, ack.ValidationName("users.example.com"), "_x.users.example.com."},
		{"the type is called type_", pending, ack.ValidationType("users.example.com"), "CNAME"},
		{"and its value", pending, ack.ValidationValue("users.example.com"), "_y.acm-validations.aws."},
		{"a proof may be missing for some seconds", pending, ack.ValidationName("www.example.com"), ""},
		{"another domain has none", pending, ack.ValidationName("other.example.com"), ""},
		{"a port is a number", database(), ack.OutputEndpointPort, "3306"},
		{"an empty id is none", Ready(ack.VPC, "x", Status("vpcID", "")), ack.OutputID, ""},
		{"a kind does not publish what it has not", Ready(ack.VPC, "x"), ack.OutputDNSName, ""},
	} {
		if got, known := ack.Value(c.object, c.field); got != c.want || known != (c.want != "") {
			t.Errorf("%s: got %q", c.why, got)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, kind := range ack.Kinds() {
		if got, err := ack.KindOf(kind.Name); err != nil || got != kind {
			t.Errorf("%s: %v, %v", kind.Name, got, err)
		}
		if want := fmt.Sprintf("finalizers.%s.services.k8s.aws/%s", kind.Service, kind.Name); kind.Finalizer() != want {
			t.Errorf("%s has the finalizer %s", kind.Name, kind.Finalizer())
		}
	}
	if _, err := ack.KindOf("Pod"); err == nil {
		t.Error("a Pod is no ACK kind")
	}
}
