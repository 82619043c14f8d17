package acksim_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

func (w *world) annotateNamespace(key, value string) {
	w.t.Helper()
	patch := []byte(`{"metadata":{"annotations":{"` + key + `":"` + value + `"}}}`)
	if _, err := w.core.CoreV1().Namespaces().Patch(w.ctx, w.namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// ack-notes 1.6, 1.7: a namespace can set region and deletion policy for the objects in it.
func TestNamespaceAnnotations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.stop()
	w.annotateNamespace("services.k8s.aws/default-region", "eu-west-1")
	w.annotateNamespace("ec2.services.k8s.aws/deletion-policy", "retain")
	w.startSimulator()
	w.vpc()
	if got := w.cloud.VPCs()[0].Region; got != "eu-west-1" {
		t.Errorf("VPC is in %s", got)
	}
	w.delete("VPC", "vpc")
	w.gone("VPC", "vpc")
	if len(w.live(cloud.KindVPC)) != 1 {
		t.Error("the namespace's policy retains the VPC")
	}
}

// ack-notes 1.4: a read-only object is observed: no finalizer, no change, and it is not deleted in AWS.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	aws := w.cloud.Client(cloud.Caller{Region: region})
	if _, err := aws.CreateRole(w.ctx, cloud.CreateRoleInput{Name: "r", TrustPolicy: trustEC2, Description: "theirs"}); err != nil {
		t.Fatal(err)
	}
	w.apply("Role", "role", m{"name": "r", "assumeRolePolicyDocument": trustEC2, "description": "ours"}, "services.k8s.aws/read-only", "true")
	u := w.until("Role", "role", "observed", synced)
	if len(u.GetFinalizers()) != 0 || w.cloud.Roles()[0].Description != "theirs" || arn(u) == "" {
		t.Errorf("read-only:\n%s", pretty(u))
	}
	w.delete("Role", "role")
	w.gone("Role", "role")
	if len(w.cloud.Roles()) != 1 {
		t.Error("a read-only role is not deleted")
	}
}

// ack-notes 1.3: security groups may name each other: both are made without rules and get them on a later pass.
func TestSecurityGroupCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	id := w.vpc()
	naming := func(name, other string) m {
		return m{"name": name, "description": "d", "vpcID": id, "ingressRules": list(m{
			"ipProtocol": "tcp", "fromPort": int64(1), "toPort": int64(1),
			"userIDGroupPairs": list(m{"groupRef": m{"from": m{"name": other}}}),
		})}
	}
	w.apply("SecurityGroup", "a", naming("group-a", "b"))
	if u := w.until("SecurityGroup", "a", "reference fails", func(u *unstructured.Unstructured) bool {
		return condition(u, "ACK.ReferencesResolved") == "Unknown"
	}); len(u.GetFinalizers()) != 0 {
		t.Error("a group that does not exist cannot be named")
	}
	w.apply("SecurityGroup", "b", naming("group-b", "a"))
	for _, name := range []string{"a", "b"} {
		w.eventually("rules of "+name, func() bool {
			for _, g := range w.cloud.SecurityGroups() {
				if g.Name == "group-"+name {
					return len(g.Rules) == 1 && g.Rules[0].GroupID != ""
				}
			}
			return false
		})
		w.ready("SecurityGroup", name)
	}
}

// ack-notes 5: ec2-controller v1.2.4 does not wait for an instance to run.
func TestOldEC2DoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{OldEC2: true})
	n := w.network()
	profile := w.identity()
	defer w.cloud.Hold("ec2:RunInstances")()
	w.apply("Instance", "host", hostSpec(n.app[0], n.sgApp, profile))
	if u := w.ready("Instance", "host"); str(u, "status.state.name") != "pending" {
		t.Errorf("ready in state %s", str(u, "status.state.name"))
	}
}

// ack-notes 3.7: AWS may answer more than it was asked for; the listener's spec then differs from what was applied.
func TestVerboseActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{VerboseActions: true})
	n := w.network()
	lb, tg := w.balancer(n)
	w.apply("Listener", "http", m{"loadBalancerARN": arn(lb), "port": int64(80), "protocol": "HTTP", "defaultActions": forward(arn(tg))})
	u := w.ready("Listener", "http")
	actions := elements(u.Object, "spec.defaultActions")
	if len(actions) != 1 || actions[0]["order"] != int64(1) || actions[0]["targetGroupARN"] != arn(tg) {
		t.Errorf("actions: %v", actions)
	}
}

// ack-notes 3.9, 3.4: what is deleted behind ACK's back is made again where ACK notices: an empty database under the same
// name, a new NAT gateway.
func TestDeletedOutOfBandIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	first := str(w.database(n), "status.dbiResourceID")
	aws := w.cloud.Client(cloud.Caller{Region: region})
	if err := aws.DeleteDBInstance(w.ctx, cloud.DeleteDBInstanceInput{Identifier: "ums-db", SkipFinalSnapshot: true}); err != nil {
		t.Fatal(err)
	}
	spec := dbSpec(n)
	spec["tags"] = list(m{"key": "touch", "value": "1"})
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.until("DBInstance", "db", "another database", func(u *unstructured.Unstructured) bool {
		return str(u, "status.dbiResourceID") != first && condition(u, "Ready") == "True"
	})
	if err := aws.DeleteNATGateway(w.ctx, n.nat[0]); err != nil {
		t.Fatal(err)
	}
	nat := w.get("NATGateway", "nat-0")
	w.apply("NATGateway", "nat-0", m{
		"subnetID": n.public[0], "allocationID": str(nat, "spec.allocationID"), "connectivityType": "public",
		"tags": list(m{"key": "touch", "value": "1"}),
	})
	w.until("NATGateway", "nat-0", "another gateway", func(u *unstructured.Unstructured) bool {
		return str(u, "status.natGatewayID") != n.nat[0] && condition(u, "Ready") == "True"
	})
}

// ack-notes 1.9, 1.10: lean mode makes fewer writes, and comes to the same.
func TestLeanModeComesToTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{Lean: true})
	n := w.network()
	w.database(n)
	w.balancer(n)
	objects := int64(len(w.cloud.OwnedObjects()))
	counts := w.sim.Writes()
	if made := counts.Finalizers.Load() + counts.Specs.Load() + counts.Statuses.Load(); made > 3*objects {
		t.Errorf("%d writes for %d objects", made, objects)
	}
	for _, id := range []string{"VPC/vpc", "Subnet/public-0", "NATGateway/nat-0", "DBInstance/db", "LoadBalancer/alb", "TargetGroup/tg"} {
		kind, name := split(id)
		if u := w.get(kind, name); len(u.GetFinalizers()) != 1 {
			t.Errorf("%s has no finalizer", id)
		}
	}
	w.cloud.Inject(cloud.Fault{Op: "ec2:AllocateAddress", Code: "AddressLimitExceeded", Message: "too many"})
	w.apply("ElasticIPAddress", "another", m{"tags": tags()})
	w.ready("ElasticIPAddress", "another")
	w.delete("ElasticIPAddress", "another")
	w.gone("ElasticIPAddress", "another")
}
