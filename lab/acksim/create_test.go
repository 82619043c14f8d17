package acksim_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

func terminal(u *unstructured.Unstructured) bool { return condition(u, "ACK.Terminal") == "True" }

func recoverable(u *unstructured.Unstructured) bool { return condition(u, "ACK.Recoverable") == "True" }

func synced(u *unstructured.Unstructured) bool { return condition(u, "ACK.ResourceSynced") == "True" }

// ack-notes 1.4: the finalizer is there before AWS is called, and taken off again if AWS refuses.
func TestFinalizerComesAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	release := w.cloud.Block("ec2:CreateVpc")
	remove := w.cloud.Inject(cloud.Fault{Op: "ec2:CreateVpc", Times: -1, Code: "VpcLimitExceeded", Message: "too many"})
	w.apply("VPC", "vpc", vpcSpec())
	const finalizer = "finalizers.ec2.services.k8s.aws/VPC"
	w.until("VPC", "vpc", "finalizer before the create", func(u *unstructured.Unstructured) bool {
		return len(u.GetFinalizers()) == 1 && u.GetFinalizers()[0] == finalizer && condition(u, "Ready") == ""
	})
	release()
	w.until("VPC", "vpc", "no finalizer after a refused create", func(u *unstructured.Unstructured) bool {
		return recoverable(u) && len(u.GetFinalizers()) == 0
	})
	remove()
	w.until("VPC", "vpc", "finalizer after the create", func(u *unstructured.Unstructured) bool {
		return condition(u, "Ready") == "True" && len(u.GetFinalizers()) == 1
	})
	if made := len(w.live(cloud.KindVPC)); made != 1 {
		t.Errorf("%d VPCs in AWS", made)
	}
}

// ack-notes 1.4: RouteTable, InternetGateway and VPC whose sub-call fails leave an AWS object behind on every try.
func TestLeaksOfFailedSubCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	id := w.vpc()
	w.apply("RouteTable", "rt", m{"vpcID": id, "routes": list(m{"destinationCIDRBlock": "0.0.0.0/0", "gatewayID": "igw-00000000000000000"})})
	w.eventually("several route tables are leaked", func() bool { return len(w.live(cloud.KindRouteTable)) >= 3 })
	if u := w.get("RouteTable", "rt"); str(u, "status.routeTableID") != "" {
		t.Errorf("the id of a leaked table is not known:\n%s", pretty(u))
	}
	w.apply("InternetGateway", "first", m{"vpc": id})
	w.ready("InternetGateway", "first")
	w.apply("InternetGateway", "second", m{"vpc": id})
	w.eventually("several gateways are leaked", func() bool { return len(w.live(cloud.KindInternetGateway)) >= 4 })
	w.cloud.Inject(cloud.Fault{Op: "ec2:ModifyVpcAttribute", Times: 3, Code: "InternalError", Message: "again"})
	w.apply("VPC", "other", vpcSpec())
	w.ready("VPC", "other")
	if made := len(w.live(cloud.KindVPC)); made != 5 {
		t.Errorf("%d VPCs in AWS, want the first, three leaked ones and the one that succeeded", made)
	}
}

func groupSpec(vpc string, rules ...any) m {
	return m{"name": "ums-web", "description": "web", "vpcID": vpc, "ingressRules": rules, "tags": tags()}
}

func badRule() m {
	return m{"ipProtocol": "tcp", "fromPort": int64(80), "toPort": int64(80), "userIDGroupPairs": list(m{"groupID": "sg-00000000000000000"})}
}

func goodRule() m {
	return m{"ipProtocol": "tcp", "fromPort": int64(80), "toPort": int64(80), "ipRanges": list(m{"cidrIP": "0.0.0.0/0"})}
}

// ack-notes 1.4: a SecurityGroup with a refused rule exists without being managed and is terminal for good.
func TestSecurityGroupBricksWithoutAdoption(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	id := w.vpc()
	w.apply("SecurityGroup", "sg", groupSpec(id, badRule()))
	u := w.until("SecurityGroup", "sg", "terminal", terminal)
	if message(u, "ACK.Terminal") != "Resource already exists" || len(u.GetFinalizers()) != 0 || str(u, "status.id") == "" {
		t.Errorf("want an unmanaged, existing group:\n%s", pretty(u))
	}
	calls := w.callsOf("sg")
	w.apply("SecurityGroup", "sg", groupSpec(id, goodRule()))
	w.eventually("a pass over the corrected spec", func() bool { return w.callsOf("sg") > calls })
	if u := w.until("SecurityGroup", "sg", "terminal", terminal); message(u, "ACK.Terminal") != "Resource already exists" {
		t.Errorf("a corrected spec does not help:\n%s", pretty(u))
	}
}

// ack-notes 1.4: with adopt-or-create from the first apply the same SecurityGroup heals.
func TestSecurityGroupHealsWithAdoption(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	id := w.vpc()
	w.cloud.Inject(cloud.Fault{Op: "ec2:AuthorizeSecurityGroupIngress", Code: "RequestLimitExceeded", Message: "Request limit exceeded."})
	w.apply("SecurityGroup", "sg", groupSpec(id, goodRule()), adoptable, orCreate)
	u := w.ready("SecurityGroup", "sg")
	if u.GetAnnotations()["services.k8s.aws/adopted"] != "true" {
		t.Errorf("not adopted:\n%s", pretty(u))
	}
	if groups := w.live(cloud.KindSecurityGroup); len(groups) != 1 {
		t.Errorf("%d groups in AWS", len(groups))
	}
	rules := 0
	for _, g := range w.cloud.SecurityGroups() {
		if g.Name == "ums-web" {
			rules = len(g.Rules)
		}
	}
	if rules != 1 {
		t.Errorf("%d rules, want the one that was asked for and no default egress", rules)
	}
}

// ack-notes 1.4: added later, the annotation needs a change of spec as well.
func TestAdoptionAddedLaterNeedsSpecChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	id := w.vpc()
	w.apply("SecurityGroup", "sg", groupSpec(id, badRule()))
	w.until("SecurityGroup", "sg", "terminal", terminal)
	w.apply("SecurityGroup", "sg", groupSpec(id, goodRule()), adoptable, orCreate)
	w.ready("SecurityGroup", "sg")
}

// ack-notes 1.4, 3.9: a DBParameterGroup with a value that AWS rejects becomes unmanaged and terminal; with a parameter that
// the engine does not have it is terminal at once.
func TestParameterGroupWithRejectedValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	spec := m{"name": "ums", "description": "d", "family": "mysql8.4", "parameterOverrides": m{"max_connections": "many"}}
	w.apply("DBParameterGroup", "pg", spec)
	if u := w.until("DBParameterGroup", "pg", "terminal", terminal); message(u, "ACK.Terminal") != "Resource already exists" {
		t.Errorf("want an unmanaged group:\n%s", pretty(u))
	}
	w.apply("DBParameterGroup", "unknown", m{
		"name": "ums-2", "description": "d", "family": "mysql8.4", "parameterOverrides": m{"no_such_parameter": "1"},
	})
	u := w.until("DBParameterGroup", "unknown", "terminal", terminal)
	if message(u, "ACK.Terminal") != "unknown parameter: no_such_parameter" {
		t.Errorf("message is %q", message(u, "ACK.Terminal"))
	}
}

// ack-notes 1.4: renaming makes a second AWS object and forgets the first.
func TestRenameForgetsTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.apply("Role", "role", m{"name": "first", "assumeRolePolicyDocument": trustEC2})
	w.ready("Role", "role")
	w.apply("Role", "role", m{"name": "second", "assumeRolePolicyDocument": trustEC2})
	w.eventually("a second role", func() bool { return len(w.live(cloud.KindRole)) == 2 })
	w.ready("Role", "role")
	w.delete("Role", "role")
	w.gone("Role", "role")
	if left := w.live(cloud.KindRole); len(left) != 1 || left[0].ID != "first" {
		t.Errorf("left in AWS: %v", left)
	}
}

// ack-notes 1.4: a lost status makes ACK create an id-identified thing again.
func TestLostStatusDuplicates(t *testing.T) {
	t.Parallel()
	lost := false
	drop := func(kind, _, _ string) bool {
		first := kind == "ElasticIPAddress" && !lost
		lost = lost || first
		return first
	}
	w := newWorld(t, cloud.Options{}, acksim.Options{Workers: 1, DropStatus: drop})
	w.apply("ElasticIPAddress", "eip", m{"tags": tags()})
	w.ready("ElasticIPAddress", "eip")
	if made := len(w.live(cloud.KindElasticIP)); made != 2 {
		t.Errorf("%d addresses in AWS, want the one whose status was lost and another", made)
	}
}

// ack-notes 1.4: policy adopt takes over what exists and overwrites the spec, or waits for it.
func TestAdoptOverwritesSpec(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	aws := w.cloud.Client(cloud.Caller{Region: region})
	v, err := aws.CreateVPC(w.ctx, cloud.CreateVPCInput{CIDRBlock: "192.168.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	w.apply("VPC", "vpc", m{"cidrBlocks": list("10.0.0.0/16")},
		adoptable, "adopt", "services.k8s.aws/adoption-fields", `{"vpcID": "`+v.ID+`"}`)
	u := w.ready("VPC", "vpc")
	blocks, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "cidrBlocks")
	if str(u, "status.vpcID") != v.ID || len(blocks) != 1 || blocks[0] != "192.168.0.0/16" {
		t.Errorf("not taken over:\n%s", pretty(u))
	}
	w.apply("VPC", "nothing", m{"cidrBlocks": list("10.0.0.0/16")}, adoptable, "no-such-policy")
	w.until("VPC", "nothing", "terminal", terminal)
	if made := len(w.cloud.VPCs()); made != 1 {
		t.Errorf("%d VPCs", made)
	}
}

// ack-notes 1.4: what was adopted and is then removed in AWS is not made again.
func TestAdoptedIsNotRecreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	aws := w.cloud.Client(cloud.Caller{Region: region})
	if _, err := aws.CreateRole(w.ctx, cloud.CreateRoleInput{Name: "r", TrustPolicy: trustEC2}); err != nil {
		t.Fatal(err)
	}
	spec := m{"name": "r", "assumeRolePolicyDocument": trustEC2}
	w.apply("Role", "role", spec, adoptable, orCreate)
	w.ready("Role", "role")
	if err := w.cloud.Vanish(cloud.KindRole, region, "r"); err != nil {
		t.Fatal(err)
	}
	before := w.calls("iam:GetRole")
	spec["description"] = "nudge"
	w.apply("Role", "role", spec, adoptable, orCreate)
	w.eventually("several tries", func() bool { return w.calls("iam:GetRole") > before+3 })
	if made := w.calls("iam:CreateRole"); made != 1 || condition(w.get("Role", "role"), "Ready") != "True" {
		t.Error("an adopted role is not created again, and its conditions are not touched")
	}
}

// ack-notes 1.6, 1.7: a service without a controller leaves its objects alone.
func TestControllerMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{Without: []string{"rds"}})
	w.apply("DBParameterGroup", "pg", m{"name": "ums", "description": "d", "family": "mysql8.4"})
	w.vpc()
	if u := w.get("DBParameterGroup", "pg"); field(u, "status") != nil || len(w.live(cloud.KindDBParameterGroup)) != 0 {
		t.Errorf("nobody is there to do that:\n%s", pretty(u))
	}
}
