package integration

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/lab/cloud"
)

// inNamespace narrows a fault to the calls that ACK makes for one test's objects.
func inNamespace(namespace string) func(cloud.Caller) bool {
	return func(c cloud.Caller) bool { return c.Owner.Namespace == namespace }
}

// blockedBy waits until the status names a blocker of that kind and reason, and returns it. It has to say what to do.
func blockedBy(t *testing.T, stack *stackObject, kind, reason string) v1.Blocker {
	t.Helper()
	var found v1.Blocker
	eventually(t, stack, "it is blocked by a "+kind+" for "+reason, func(s *stackObject) bool {
		for _, b := range s.Status.Blockers {
			if b.Kind == kind && b.Reason == reason {
				found = b
				return true
			}
		}
		return false
	})
	if found.Message == "" || found.Hint == "" || found.Since.IsZero() {
		t.Errorf("the blocker does not say what is wrong, what to do and since when: %+v", found)
	}
	return found
}

func TestWhatAWSRefusesForGoodIsNamedAndTheRestGoesOn(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	heal := lab.Cloud.Inject(cloud.Fault{
		Op: "rds:CreateDBInstance", Match: inNamespace(namespace), Times: -1,
		Code: "InvalidParameterValue", Message: "The engine version is not available in this region",
	})
	defer heal()
	stack := create(t, namespace, sample(t, "minimal"))
	blocker := blockedBy(t, stack, "DBInstance", v1.ReasonTerminalError)
	if !strings.Contains(blocker.Message, "engine version is not available") {
		t.Errorf("AWS's own words are lost: %s", blocker.Message)
	}
	eventually(t, stack, "everything that needs no database is ready, and nothing moves any more", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, "NetworkReady") &&
			meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionStalled)
	})
	heal()
	// ACK looks at a Terminal object again only when its spec changes; that is what the hint asks for.
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Database.StorageGiB = 30 })
	eventuallyReady(t, stack)
}

func TestWhatFailsInAWSBehindAGoodAnswerIsNamed(t *testing.T) {
	for _, c := range []struct {
		op           cloud.Op
		code         string // of a database, its state
		kind, reason string
	}{
		{"ec2:CreateNatGateway", "InsufficientFreeAddressesInSubnet", "NATGateway", v1.ReasonGatewayFailed},
		{"acm:RequestCertificate", "CAA_ERROR", "Certificate", v1.ReasonCertificateFailed},
		{"rds:CreateDBInstance", "incompatible-network", "DBInstance", v1.ReasonDatabaseFailed},
	} {
		t.Run(c.kind, func(t *testing.T) {
			namespace := lab.Namespace(t)
			startOperator(t, namespace)
			defer lab.Cloud.Inject(cloud.Fault{
				Op: c.op, Match: inNamespace(namespace), Code: c.code, Message: "said by the test", When: cloud.Late,
			})()
			stack := create(t, namespace, sample(t, "minimal"))
			blocker := blockedBy(t, stack, c.kind, c.reason)
			if c.kind == "DBInstance" {
				return // RDS keeps a failed database; it is for people to look at
			}
			// The way out that the hint names.
			object := &unstructured.Unstructured{}
			kind, err := ack.KindOf(blocker.Kind)
			if err != nil {
				t.Fatal(err)
			}
			object.SetGroupVersionKind(kind.GVK())
			object.SetNamespace(namespace)
			object.SetName(blocker.Name)
			if err := admin.Delete(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			eventuallyReady(t, stack)
		})
	}
}

func TestAnExpiredCertificateValidationIsNamed(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	// The proof of the domain never reaches DNS: the zone is not the one that the domain is delegated to, say.
	defer lab.Cloud.Inject(cloud.Fault{
		Op: "route53:ChangeResourceRecordSets", Match: inNamespace(namespace), Times: -1,
		Code: "AccessDenied", Message: "not authorized to change this zone",
	})()
	stack := create(t, namespace, sample(t, "minimal"))
	var arn string
	eventuallyTrue(t, "a certificate waits for its validation", func() (bool, string) {
		for _, certificate := range lab.Cloud.Certificates() {
			if certificate.Owner.Namespace == namespace && certificate.Status == "PENDING_VALIDATION" {
				arn = certificate.ARN
			}
		}
		return arn != "", "there is none"
	})
	if err := lab.Cloud.ExpireCertificate(arn, ""); err != nil {
		t.Fatal(err)
	}
	blocker := blockedBy(t, stack, "Certificate", v1.ReasonCertificateFailed)
	if !strings.Contains(blocker.Message, "VALIDATION_TIMED_OUT") || !strings.Contains(blocker.Hint, "hostedZoneID") {
		t.Errorf("the blocker does not say that the validation timed out and where to look: %+v", blocker)
	}
}

func TestThrottlingDelaysAndBreaksNothing(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	lab.Cloud.Throttle("*", 0.2)
	defer lab.Cloud.Throttle("*", 0)
	ready := eventuallyReady(t, create(t, namespace, sample(t, "minimal")))
	// In AWS there may be more: ACK forgets a network or route table of which it was refused a detail, and makes another.
	if made := len(objects(t, namespace)); made != int(ready.Status.Progress.Total) {
		t.Errorf("%d objects were made, %d are asked for", made, ready.Status.Progress.Total)
	}
}

func TestAForeignObjectIsNeverTakenOver(t *testing.T) {
	namespace := lab.Namespace(t)
	stack := create(t, namespace, sample(t, "minimal"))
	foreign := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"cidrBlocks": []any{"172.16.0.0/16"}}}}
	foreign.SetGroupVersionKind(ack.VPC.GVK())
	foreign.SetNamespace(namespace)
	foreign.SetName(build.ObjectName(stack, build.NodeVPC))
	if err := admin.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	startOperator(t, namespace)
	blocker := blockedBy(t, stack, "VPC", v1.ReasonForeignObject)
	if blocker.Name != foreign.GetName() {
		t.Errorf("the blocker names %s", blocker.Name)
	}
	now := foreign.DeepCopy()
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(foreign), now); err != nil {
		t.Fatal(err)
	}
	blocks, _, err := unstructured.NestedStringSlice(now.Object, "spec", "cidrBlocks")
	if err != nil || now.GetUID() != foreign.GetUID() || !slices.Equal(blocks, []string{"172.16.0.0/16"}) {
		t.Error("the foreign object was changed")
	}
	if err := admin.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	token := requestPass(t, stack)
	eventually(t, stack, "another pass was made", func(s *stackObject) bool { return s.Status.LastHandledReconcileAt == token })
	eventuallyReady(t, stack)
}

func TestALostSecretIsSaidAndMadeAnewOnlyWhenAsked(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal"))
	ready := eventuallyReady(t, stack)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ready.Status.SetupSecret}}
	if err := admin.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	blockedBy(t, stack, "Secret", v1.ReasonSecretMissing)
	seen := &stackObject{}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(stack), seen); err != nil {
		t.Fatal(err)
	}
	patch := client.MergeFrom(seen.DeepCopy())
	seen.Annotations = map[string]string{v1.AnnotationRegenerateSecret: "yes"}
	if err := admin.Patch(t.Context(), seen, patch); err != nil {
		t.Fatal(err)
	}
	eventuallyTrue(t, "there is a Secret again", func() (bool, string) {
		err := admin.Get(t.Context(), client.ObjectKeyFromObject(secret), &corev1.Secret{})
		return err == nil, "there is none"
	})
	eventually(t, stack, "nothing is in its way", func(s *stackObject) bool { return len(s.Status.Blockers) == 0 })
}

func TestTwoStacksOfOneNameDoNotMeet(t *testing.T) {
	var stacks []*stackObject
	for range 2 {
		namespace := lab.Namespace(t)
		startOperator(t, namespace)
		stacks = append(stacks, create(t, namespace, sample(t, "production")))
	}
	for _, stack := range stacks {
		eventuallyReady(t, stack)
	}
	if a, b := census(stacks[0].Namespace), census(stacks[1].Namespace); a != b {
		t.Errorf("they are not made of the same:\n%s\n%s", a, b)
	}
}

func TestASuspendedStackIsLeftAloneAndCaughtUpAfterwards(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal"))
	eventuallyReady(t, stack)
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Suspend = true })
	eventually(t, stack, "it is suspended", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionSuspended)
	})
	if err := admin.Delete(t.Context(), ofNode(t, namespace, build.NodeHostProfile)); err != nil {
		t.Fatal(err)
	}
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Tags = map[string]v1.TagValue{"owner": "alice"} })
	eventually(t, stack, "the change was seen, and with it the deletion before", func(s *stackObject) bool {
		return s.Status.ObservedGeneration == s.Generation
	})
	for _, object := range objects(t, namespace) {
		if object.GetLabels()[v1.LabelNode] == build.NodeHostProfile && object.GetDeletionTimestamp() == nil {
			t.Error("a suspended stack has made an object")
		}
	}
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Suspend = false })
	eventuallyReady(t, stack)
	ofNode(t, namespace, build.NodeHostProfile)
}

func TestADeletionObeysItsPolicy(t *testing.T) {
	for policy, want := range map[v1.DeletionPolicy]struct {
		snapshots int
		stays     bool
	}{
		v1.DeletionPolicyDelete: {0, false}, v1.DeletionPolicySnapshot: {1, false}, v1.DeletionPolicyRetain: {0, true},
	} {
		t.Run(string(policy), func(t *testing.T) {
			namespace := lab.Namespace(t)
			startOperator(t, namespace)
			stack := create(t, namespace, sample(t, "minimal", func(s *v1.UserManagementStack) { s.Spec.DeletionPolicy = policy }))
			eventuallyReady(t, stack)
			if err := admin.Delete(t.Context(), stack); err != nil {
				t.Fatal(err)
			}
			eventuallyGone(t, stack)
			left := owned(namespace)
			if has(left, cloud.KindDBInstance) != want.stays || has(left, cloud.KindVPC) != want.stays {
				t.Errorf("left in AWS: %v", left)
			}
			if taken := snapshotsOf(namespace); taken != want.snapshots {
				t.Errorf("%d final snapshots were taken, %d are wanted", taken, want.snapshots)
			}
		})
	}
}

// snapshotsOf counts the snapshots of a namespace's databases, which are known by the tags that they were given.
func snapshotsOf(namespace string) (count int) {
	for _, snapshot := range lab.Cloud.DBSnapshots() {
		if snapshot.Tags["usermanagement.dev/namespace"] == namespace {
			count++
		}
	}
	return count
}

func has(list []cloud.Object, kind cloud.Kind) bool {
	return slices.ContainsFunc(list, func(o cloud.Object) bool { return o.Kind == kind })
}

func TestAProtectedDatabaseHoldsTheDeletionUntilSomebodyDecides(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", func(s *v1.UserManagementStack) { s.Spec.Database.DeletionProtection = true }))
	eventuallyReady(t, stack)
	count := len(objects(t, namespace))
	if err := admin.Delete(t.Context(), stack); err != nil {
		t.Fatal(err)
	}
	seen := eventually(t, stack, "the deletion is blocked", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionDeletionBlocked)
	})
	condition := meta.FindStatusCondition(seen.Status.Conditions, v1.ConditionDeletionBlocked)
	if condition.Reason != v1.ReasonDeletionProtected || !strings.Contains(condition.Message, "kubectl patch") {
		t.Errorf("it does not say what to do: %s: %s", condition.Reason, condition.Message)
	}
	if now := len(objects(t, namespace)); now != count {
		t.Errorf("of %d objects %d are left, nothing should be deleted", count, now)
	}
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Database.DeletionProtection = false })
	eventuallyGone(t, stack)
	assertOnlyKept(t, namespace, stack)
}

func TestADeletionThatAWSRefusesNamesWhatIsInTheWay(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "minimal", func(s *v1.UserManagementStack) { s.Spec.DeletionPolicy = v1.DeletionPolicyDelete }))
	eventuallyReady(t, stack)
	vpc, _, _ := unstructured.NestedString(ofNode(t, namespace, build.NodeVPC).Object, "status", "vpcID")
	// Somebody made a security group by hand in the stack's network.
	var intruder string
	atTheConsole(t, stack, func(ctx context.Context, c *cloud.Client) error {
		group, err := c.CreateSecurityGroup(ctx, cloud.CreateSecurityGroupInput{Name: "by-hand", Description: "by hand", VPCID: vpc})
		intruder = group.ID
		return err
	})
	if err := admin.Delete(t.Context(), stack); err != nil {
		t.Fatal(err)
	}
	blocker := blockedBy(t, stack, "VPC", v1.ReasonRecoverableError)
	if !strings.Contains(blocker.Message, "DependencyViolation") {
		t.Errorf("AWS's reason is lost: %s", blocker.Message)
	}
	atTheConsole(t, stack, func(ctx context.Context, c *cloud.Client) error { return c.DeleteSecurityGroup(ctx, intruder) })
	eventuallyGone(t, stack)
}

// atTheConsole does something in AWS past Kubernetes, in the stack's region.
func atTheConsole(t *testing.T, stack *stackObject, do func(context.Context, *cloud.Client) error) {
	t.Helper()
	if err := lab.Cloud.Use(t.Context(), stack.Spec.Region, do); err != nil {
		t.Fatalf("at the console: %v", err)
	}
}

func TestProgressIsToldWhileTheWorkGoesOn(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	release := lab.Cloud.Hold("rds:CreateDBInstance")
	defer release()
	stack := create(t, namespace, sample(t, "minimal"))
	eventually(t, stack, "all that needs no database is counted", func(s *stackObject) bool {
		waiting := s.Status.Progress.Total - s.Status.Progress.Ready
		return s.Status.Progress.Total > 0 && waiting <= 1+s.Status.Hosts.Total
	})
	release()
	eventuallyReady(t, stack)
}
