package acksim_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

// ack-notes 1.6: with policy retain only the finalizer is dropped; the policy is read when the object is deleted.
func TestRetain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.vpc()
	w.apply("VPC", "vpc", vpcSpec(), "services.k8s.aws/deletion-policy", "retain")
	w.delete("VPC", "vpc")
	w.gone("VPC", "vpc")
	if len(w.live(cloud.KindVPC)) != 1 || w.calls("ec2:DeleteVpc") != 0 {
		t.Error("a retained VPC stays in AWS")
	}
}

// ack-notes 1.6: the object is gone when AWS has accepted the deletion, not when AWS is done with it.
func TestObjectsVanishBeforeAWSIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	profile := w.identity()
	w.host("host", n.app[0], n.sgApp, profile)
	w.database(n)
	w.balancer(n)
	releases := []func(){}
	for _, op := range []cloud.Op{"ec2:TerminateInstances", "ec2:DeleteNatGateway", "rds:DeleteDBInstance", "elbv2:DeleteLoadBalancer"} {
		releases = append(releases, w.cloud.Hold(op))
	}
	w.teardown([][]string{{"Instance/host", "NATGateway/nat-0", "NATGateway/nat-1", "DBInstance/db", "LoadBalancer/alb"}})
	states := map[cloud.Kind]string{}
	for _, o := range w.cloud.Objects() {
		states[o.Kind] = o.State
	}
	if states[cloud.KindInstance] != "shutting-down" || states[cloud.KindNATGateway] != "deleting" ||
		states[cloud.KindDBInstance] != "deleting" {
		t.Errorf("states in AWS: %v", states)
	}
	for _, id := range []string{
		"Subnet/app-0", "ElasticIPAddress/eip-0", "DBSubnetGroup/db-subnets", "SecurityGroup/sg-alb", "InternetGateway/igw",
	} {
		kind, name := split(id)
		w.delete(kind, name)
		w.until(kind, name, "held up by what AWS is not done with", recoverable)
	}
	for _, release := range releases {
		release()
	}
	for _, id := range []string{"Subnet/app-0", "ElasticIPAddress/eip-0", "DBSubnetGroup/db-subnets", "InternetGateway/igw"} {
		kind, name := split(id)
		w.gone(kind, name)
	}
}

// ack-notes 1.6: the deletion of a security group takes its rules away first, so a refused one leaves it without rules.
func TestSecurityGroupLosesItsRulesBeforeItsDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	vpc := w.vpc()
	first := w.group("first", vpc, 80, m{"ipRanges": list(m{"cidrIP": "0.0.0.0/0"})})
	w.group("second", vpc, 80, m{"userIDGroupPairs": list(m{"groupID": first})})
	w.delete("SecurityGroup", "first")
	w.until("SecurityGroup", "first", "refused", recoverable)
	for _, g := range w.cloud.SecurityGroups() {
		if g.ID == first && len(g.Rules) != 0 {
			t.Errorf("the group that could not be deleted still has rules: %v", g.Rules)
		}
	}
	w.delete("SecurityGroup", "second")
	w.gone("SecurityGroup", "second")
	w.gone("SecurityGroup", "first")
}

// ack-notes 3.9: a protected database makes the deletion terminal, and unprotecting it in spec does not help any more; out of
// band and a touch of spec does.
func TestDeletionProtection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.database(n)
	spec := dbSpec(n)
	spec["deletionProtection"] = true
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.eventually("protected", func() bool { return w.cloud.DBInstances()[0].DeletionProtection })
	w.ready("DBInstance", "db")
	w.delete("DBInstance", "db")
	u := w.until("DBInstance", "db", "terminal", terminal)
	if conditionOf(u, "Ready")["reason"] == "ACK.Terminal" {
		t.Errorf("the old Ready stays beside Terminal:\n%s", pretty(u))
	}
	calls := w.calls("rds:DeleteDBInstance")
	spec["deletionProtection"] = false
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.eventually("one more try", func() bool { return w.calls("rds:DeleteDBInstance") > calls })
	if !w.cloud.DBInstances()[0].DeletionProtection {
		t.Error("a spec change on a deleting object does not unprotect")
	}
	off := false
	aws := w.cloud.Client(cloud.Caller{Region: region})
	if _, err := aws.ModifyDBInstance(w.ctx, "ums-db", cloud.DBChange{DeletionProtection: &off}); err != nil {
		t.Fatal(err)
	}
	spec["tags"] = list(m{"key": "touch", "value": "1"})
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.gone("DBInstance", "db")
}

// ack-notes 3.9: the annotations decide about the final snapshot; without them there is none.
func TestFinalSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.database(n)
	w.apply("DBInstance", "db", dbSpec(n), adoptable, orCreate, "rds.services.k8s.aws/skip-final-snapshot", "false")
	w.delete("DBInstance", "db")
	w.until("DBInstance", "db", "terminal without a name for the snapshot", terminal)
	spec := dbSpec(n)
	spec["tags"] = list(m{"key": "touch", "value": "1"})
	w.apply("DBInstance", "db", spec, adoptable, orCreate, "rds.services.k8s.aws/skip-final-snapshot", "false",
		"rds.services.k8s.aws/final-db-snapshot-identifier", "ums-db-final")
	w.gone("DBInstance", "db")
	snapshots := w.cloud.DBSnapshots()
	if len(snapshots) != 1 || snapshots[0].Identifier != "ums-db-final" || snapshots[0].Status != "available" {
		t.Errorf("snapshots: %v", snapshots)
	}
}

// ack-notes 3.12: a deleted secret keeps its name for thirty days.
func TestDeletedSecretKeepsItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.secret("app", "value", "one", "Opaque")
	spec := m{"name": "ums-app", "secretString": m{"name": "app", "key": "value"}}
	w.apply("Secret", "s", spec)
	w.ready("Secret", "s")
	w.delete("Secret", "s")
	w.gone("Secret", "s")
	w.apply("Secret", "again", spec)
	w.until("Secret", "again", "refused", func(u *unstructured.Unstructured) bool {
		return recoverable(u) && message(u, "ACK.Recoverable") == "api error InvalidRequestException: You can't create this secret "+
			"because a secret with this name is already scheduled for deletion."
	})
}

// ack-notes 10: a subnet, table, group, gateway or address that is removed behind ACK's back neither heals nor deletes.
func TestRemovedOutOfBandIsStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.apply("ElasticIPAddress", "eip", m{"tags": tags()})
	id := str(w.ready("ElasticIPAddress", "eip"), "status.allocationID")
	if err := w.cloud.Vanish(cloud.KindElasticIP, region, id); err != nil {
		t.Fatal(err)
	}
	w.apply("ElasticIPAddress", "eip", m{"tags": list(m{"key": "touch", "value": "1"})})
	w.until("ElasticIPAddress", "eip", "not healed", recoverable)
	w.delete("ElasticIPAddress", "eip")
	before := w.calls("ec2:DescribeAddresses")
	w.eventually("several tries", func() bool { return w.calls("ec2:DescribeAddresses") > before+3 })
	if u := w.get("ElasticIPAddress", "eip"); len(u.GetFinalizers()) != 1 || w.calls("ec2:AllocateAddress") != 1 {
		t.Errorf("the finalizer stays:\n%s", pretty(u))
	}
}
