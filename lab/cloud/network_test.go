package cloud_test

import (
	"regexp"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestIDsAndARNs(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	for id, form := range map[string]string{
		n.vpc: `^vpc-0[0-9a-f]{16}$`, n.subnets[0]: `^subnet-0[0-9a-f]{16}$`, n.igw: `^igw-0[0-9a-f]{16}$`,
		n.group: `^sg-0[0-9a-f]{16}$`, a.host(n): `^i-0[0-9a-f]{16}$`,
		a.balancer(n).ARN:    `^arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/alb/[0-9a-f]{16}$`,
		a.targetGroup(n).ARN: `^arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/tg/[0-9a-f]{16}$`,
		a.profile("p").ARN:   `^arn:aws:iam::123456789012:instance-profile/p$`,
		a.profile("q").ID:    `^AIPA[A-Z2-7]{17}$`,
	} {
		if !regexp.MustCompile(form).MatchString(id) {
			t.Errorf("%s does not have the form %s", id, form)
		}
	}
}

func TestVPCRules(t *testing.T) {
	a := newAccount(t, cloud.Options{Quotas: cloud.Quotas{VPCs: 2}})
	for _, c := range []struct{ cidr, code string }{
		{"10.0.0.0/8", "InvalidVpc.Range"},
		{"10.0.0.0/29", "InvalidVpc.Range"},
		{"10.0.0.1/16", "InvalidParameterValue"},
		{"fd00::/56", "InvalidParameterValue"},
		{"", "InvalidParameterValue"},
		{"10.0.0.0/16", ""},
		{"10.0.0.0/28", ""},
		{"10.1.0.0/16", "VpcLimitExceeded"},
	} {
		_, err := a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: c.cidr})
		a.refused("VPC "+c.cidr, err, c.code)
	}
	_, err := a.DescribeVPC(a.ctx, "vpc-00000000000000000")
	a.refused("unknown VPC", err, "InvalidVpcID.NotFound")
}

func TestSubnetRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	for _, c := range []struct{ what, vpc, cidr, zone, code string }{
		{"unknown VPC", "vpc-00000000000000000", "10.0.3.0/24", "", "InvalidVpcID.NotFound"},
		{"outside the VPC", n.vpc, "10.1.0.0/24", "", "InvalidSubnet.Range"},
		{"too small", n.vpc, "10.0.3.0/29", "", "InvalidSubnet.Range"},
		{"overlapping", n.vpc, "10.0.1.128/25", "", "InvalidSubnet.Conflict"},
		{"enclosing", n.vpc, "10.0.0.0/16", "", "InvalidSubnet.Conflict"},
		{"host bits", n.vpc, "10.0.3.1/24", "", "InvalidParameterValue"},
		{"unknown zone", n.vpc, "10.0.3.0/24", "us-east-2z", "InvalidParameterValue"},
		{"other region's zone", n.vpc, "10.0.3.0/24", "eu-west-1a", "InvalidParameterValue"},
		{"good", n.vpc, "10.0.3.0/24", "us-east-2c", ""},
	} {
		_, err := a.CreateSubnet(a.ctx, cloud.CreateSubnetInput{VPCID: c.vpc, CIDRBlock: c.cidr, Zone: c.zone})
		a.refused(c.what, err, c.code)
	}
	elsewhere := a.cloud.Client(cloud.Caller{Region: "eu-west-1"})
	_, err := elsewhere.DescribeSubnet(a.ctx, n.subnets[0])
	a.refused("subnet of another region", err, "InvalidSubnetID.NotFound")
}

func TestInternetGatewayRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	second := cloudtest.Must[cloud.InternetGateway](t)(a.CreateInternetGateway(a.ctx, nil)).ID
	a.refused("a VPC has one gateway", a.AttachInternetGateway(a.ctx, second, n.vpc), "InvalidParameterValue")
	a.refused("a gateway has one VPC", a.AttachInternetGateway(a.ctx, n.igw, n.vpc), "Resource.AlreadyAssociated")
	a.refused("detaching what is not attached", a.DetachInternetGateway(a.ctx, second, n.vpc), "Gateway.NotAttached")
	a.refused("deleting while attached", a.DeleteInternetGateway(a.ctx, n.igw), "DependencyViolation")
	lb := a.balancer(n)
	a.refused("detaching below public addresses", a.DetachInternetGateway(a.ctx, n.igw, n.vpc), "DependencyViolation")
	a.check(a.DeleteLoadBalancer(a.ctx, lb.ARN))
	a.check(a.DetachInternetGateway(a.ctx, n.igw, n.vpc))
	a.check(a.DeleteInternetGateway(a.ctx, n.igw))
}

func TestNATGatewayLife(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.AWS()})
	a.tick()
	n := a.network()
	eip := cloudtest.Must[cloud.ElasticIP](t)(a.AllocateAddress(a.ctx, nil)).AllocationID
	for _, c := range []struct{ what, subnet, eip, code string }{
		{"no subnet", "", eip, "MissingParameter"},
		{"unknown subnet", "subnet-00000000000000000", eip, "InvalidSubnetID.NotFound"},
		{"no address", n.subnets[0], "", "MissingParameter"},
		{"unknown address", n.subnets[0], "eipalloc-00000000000000000", "InvalidAllocationID.NotFound"},
	} {
		_, err := a.CreateNATGateway(a.ctx, cloud.CreateNATGatewayInput{SubnetID: c.subnet, AllocationID: c.eip})
		a.refused(c.what, err, c.code)
	}
	in := cloud.CreateNATGatewayInput{SubnetID: n.subnets[0], AllocationID: eip}
	nat := cloudtest.Must[cloud.NATGateway](t)(a.CreateNATGateway(a.ctx, in))
	twice := cloudtest.Must[cloud.NATGateway](t)(a.CreateNATGateway(a.ctx, in))
	table := cloudtest.Must[cloud.RouteTable](t)(a.CreateRouteTable(a.ctx, n.vpc, nil)).ID
	route := cloud.Route{Destination: "0.0.0.0/0", NATGatewayID: nat.ID}
	a.refused("a route to a pending gateway", a.CreateRoute(a.ctx, table, route), "InvalidNatGatewayID.NotFound")
	a.wantState(nat.ID, "pending")
	a.clock.Advance(2 * 60e9)
	a.wantState(nat.ID, "available")
	a.wantState(twice.ID, "failed")
	a.check(a.CreateRoute(a.ctx, table, route))
	a.refused("releasing an address in use", a.ReleaseAddress(a.ctx, eip), "InvalidIPAddress.InUse")
	a.refused("deleting its subnet", a.DeleteSubnet(a.ctx, n.subnets[0]), "DependencyViolation")
	a.check(a.DeleteNATGateway(a.ctx, nat.ID))
	a.wantState(nat.ID, "deleting")
	a.refused("an address in use by a gateway that is being deleted", a.ReleaseAddress(a.ctx, eip), "InvalidIPAddress.InUse")
	if got := cloudtest.Must[cloud.RouteTable](t)(a.DescribeRouteTable(a.ctx, table)).Routes[1].State; got != "blackhole" {
		t.Errorf("a route to a gateway that is being deleted is %s", got)
	}
	a.clock.Advance(2 * 60e9)
	a.wantState(nat.ID, "deleted")
	a.check(a.ReleaseAddress(a.ctx, eip))
	a.clock.Advance(2 * 3600e9)
	_, err := a.DescribeNATGateway(a.ctx, nat.ID)
	a.refused("a gateway deleted long ago", err, "NatGatewayNotFound")
}

// tick lets the clock pass the latency of calls that are made while it stands still.
func (a *account) tick() { a.cloud.SetCallLatency(0) }

func (a *account) wantState(nat, state string) {
	a.t.Helper()
	if n := cloudtest.Must[cloud.NATGateway](a.t)(a.DescribeNATGateway(a.ctx, nat)); n.State != state {
		a.t.Errorf("NAT gateway is %s (%s), want %s", n.State, n.FailureMessage, state)
	}
}

func TestPublicNATNeedsInternetGateway(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	vpc := cloudtest.Must[cloud.VPC](t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"})).ID
	subnet := cloudtest.Must[cloud.Subnet](t)(a.CreateSubnet(a.ctx, cloud.CreateSubnetInput{VPCID: vpc, CIDRBlock: "10.0.0.0/24"})).ID
	eip := cloudtest.Must[cloud.ElasticIP](t)(a.AllocateAddress(a.ctx, nil)).AllocationID
	nat := cloudtest.Must[cloud.NATGateway](t)(a.CreateNATGateway(a.ctx, cloud.CreateNATGatewayInput{SubnetID: subnet, AllocationID: eip}))
	if nat.State != "failed" || nat.FailureCode != "Gateway.NotAttached" {
		t.Errorf("NAT gateway is %s, %s", nat.State, nat.FailureCode)
	}
	a.check(a.ReleaseAddress(a.ctx, eip))
	a.check(a.DeleteSubnet(a.ctx, subnet))
}

func TestRouteTableRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	other := cloudtest.Must[cloud.VPC](t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.9.0.0/16"})).ID
	foreign := cloudtest.Must[cloud.InternetGateway](t)(a.CreateInternetGateway(a.ctx, nil)).ID
	a.check(a.AttachInternetGateway(a.ctx, foreign, other))
	table := cloudtest.Must[cloud.RouteTable](t)(a.CreateRouteTable(a.ctx, n.vpc, nil)).ID
	for _, c := range []struct{ what, to, gateway, code string }{
		{"no target", "0.0.0.0/0", "", "MissingParameter"},
		{"unknown gateway", "0.0.0.0/0", "igw-00000000000000000", "InvalidGatewayID.NotFound"},
		{"gateway of another VPC", "0.0.0.0/0", foreign, "InvalidParameterValue"},
		{"bad destination", "0.0.0.1/0", n.igw, "InvalidParameterValue"},
		{"local destination", "10.0.0.0/16", n.igw, "RouteAlreadyExists"},
		{"good", "0.0.0.0/0", n.igw, ""},
		{"again", "0.0.0.0/0", n.igw, "RouteAlreadyExists"},
	} {
		a.refused(c.what, a.CreateRoute(a.ctx, table, cloud.Route{Destination: c.to, GatewayID: c.gateway}), c.code)
	}
	second := cloudtest.Must[cloud.RouteTable](t)(a.CreateRouteTable(a.ctx, n.vpc, nil)).ID
	cloudtest.Must[cloud.Association](t)(a.AssociateRouteTable(a.ctx, table, n.subnets[0]))
	_, err := a.AssociateRouteTable(a.ctx, second, n.subnets[0])
	a.refused("a second table for a subnet", err, "Resource.AlreadyAssociated")
	a.refused("deleting an associated table", a.DeleteRouteTable(a.ctx, table), "DependencyViolation")
	a.refused("deleting the local route", a.DeleteRoute(a.ctx, table, "10.0.0.0/16"), "InvalidParameterValue")
	a.refused("deleting no route", a.DeleteRoute(a.ctx, table, "10.7.0.0/16"), "InvalidRoute.NotFound")
	a.check(a.DeleteSubnet(a.ctx, n.subnets[0]))
	a.check(a.DeleteRouteTable(a.ctx, table))
}

func TestSecurityGroupRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	for _, c := range []struct{ what, name, description, code string }{
		{"taken name", "web", "d", "InvalidGroup.Duplicate"},
		{"name like an id", "sg-web", "d", "InvalidParameterValue"},
		{"reserved name", "default", "d", "InvalidGroup.Reserved"},
		{"no description", "x", "", "MissingParameter"},
		{"bad description", "x", "späte Regel", "InvalidParameterValue"},
		{"good", "x", "d", ""},
	} {
		_, err := a.CreateSecurityGroup(a.ctx, cloud.CreateSecurityGroupInput{Name: c.name, Description: c.description, VPCID: n.vpc})
		a.refused(c.what, err, c.code)
	}
	tcp := func(from, to int, cidr, group string) cloud.Rule {
		return cloud.Rule{Protocol: "tcp", FromPort: from, ToPort: to, CIDR: cidr, GroupID: group}
	}
	for _, c := range []struct {
		what string
		rule cloud.Rule
		code string
	}{
		{"no peer", tcp(80, 80, "", ""), "InvalidPermission.Malformed"},
		{"bad block", tcp(80, 80, "10.0.0.0/40", ""), "InvalidParameterValue"},
		{"bad ports", tcp(81, 80, "10.0.0.0/8", ""), "InvalidParameterValue"},
		{"unknown group", tcp(80, 80, "", "sg-00000000000000000"), "InvalidGroup.NotFound"},
		{"unknown protocol", cloud.Rule{Protocol: "http", CIDR: "10.0.0.0/8"}, "InvalidParameterValue"},
		{"good", tcp(80, 80, "0.0.0.0/0", ""), ""},
		{"again, with another description", cloud.Rule{Protocol: "6", FromPort: 80, ToPort: 80, CIDR: "0.0.0.0/0", Description: "d"}, "InvalidPermission.Duplicate"},
	} {
		a.refused(c.what, a.AuthorizeSecurityGroup(a.ctx, n.group, false, []cloud.Rule{c.rule}), c.code)
	}
	none := []cloud.Rule{tcp(1, 1, "0.0.0.0/0", "")}
	a.refused("revoking no rule", a.RevokeSecurityGroup(a.ctx, n.group, false, none), "InvalidPermission.NotFound")
	many := make([]cloud.Rule, 60)
	for i := range many {
		many[i] = tcp(1000+i, 1000+i, "10.0.0.0/8", "")
	}
	a.refused("too many rules", a.AuthorizeSecurityGroup(a.ctx, n.group, false, many), "RulesPerSecurityGroupLimitExceeded")
}

func TestDependencies(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.Latencies{Settle: map[cloud.Op]time.Duration{
		"ec2:TerminateInstances": 50e9, "elbv2:DeleteLoadBalancer": 60e9, "rds:DeleteDBInstance": 240e9,
	}}})
	n := a.network()
	user := cloudtest.Must[cloud.SecurityGroup](t)(a.CreateSecurityGroup(a.ctx, cloud.CreateSecurityGroupInput{
		Name: "user", Description: "d", VPCID: n.vpc,
	})).ID
	a.check(a.AuthorizeSecurityGroup(a.ctx, user, false, []cloud.Rule{{Protocol: "tcp", FromPort: 1, ToPort: 1, GroupID: n.group}}))
	a.refused("group named by a rule", a.DeleteSecurityGroup(a.ctx, n.group), "DependencyViolation")
	a.check(a.DeleteSecurityGroup(a.ctx, user))
	host, lb := a.host(n), a.balancer(n)
	cloudtest.Must[cloud.DBInstance](t)(a.CreateDBInstance(a.ctx, a.databaseInput(n)))
	a.refused("group on an interface", a.DeleteSecurityGroup(a.ctx, n.group), "DependencyViolation")
	a.refused("subnet with interfaces", a.DeleteSubnet(a.ctx, n.subnets[1]), "DependencyViolation")
	a.refused("subnet group of a database", a.DeleteDBSubnetGroup(a.ctx, "dbs"), "InvalidDBSubnetGroupStateFault")
	a.refused("parameter group of a database", a.DeleteDBParameterGroup(a.ctx, "params"), "InvalidDBParameterGroupState")
	a.check(a.TerminateInstance(a.ctx, host))
	a.check(a.DeleteLoadBalancer(a.ctx, lb.ARN))
	a.check(a.DeleteDBInstance(a.ctx, cloud.DeleteDBInstanceInput{Identifier: "db", SkipFinalSnapshot: true}))
	a.refused("subnet with lingering interfaces", a.DeleteSubnet(a.ctx, n.subnets[0]), "DependencyViolation")
	a.refused("subnet group of a database that is being deleted", a.DeleteDBSubnetGroup(a.ctx, "dbs"), "InvalidDBSubnetGroupStateFault")
	a.refused("VPC with anything in it", a.DeleteVPC(a.ctx, n.vpc), "DependencyViolation")
	a.clock.Advance(300e9)
	a.check(a.DeleteDBSubnetGroup(a.ctx, "dbs"))
	a.check(a.DeleteDBParameterGroup(a.ctx, "params"))
	a.check(a.DeleteSubnet(a.ctx, n.subnets[0]))
	a.check(a.DeleteSubnet(a.ctx, n.subnets[1]))
	a.check(a.DeleteSecurityGroup(a.ctx, n.group))
	a.refused("VPC with a gateway", a.DeleteVPC(a.ctx, n.vpc), "DependencyViolation")
	a.check(a.DetachInternetGateway(a.ctx, n.igw, n.vpc))
	a.check(a.DeleteInternetGateway(a.ctx, n.igw))
	a.check(a.DeleteVPC(a.ctx, n.vpc))
	if left := a.cloud.Objects(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
