package cloud_test

import (
	"context"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

const (
	region = "us-east-2"
	trust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allow  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	image  = "ami-0123456789abcdef0"
)

// account is a cloud with a clock that stands still, and a client in one region.
type account struct {
	*cloud.Client
	t     *testing.T
	cloud *cloud.Cloud
	clock *cloud.ManualClock
	ctx   context.Context
}

func newAccount(t *testing.T, opts cloud.Options) *account {
	t.Helper()
	clock := cloud.NewManualClock(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
	opts.Clock = clock
	c := cloud.New(opts)
	t.Cleanup(c.Close)
	return &account{
		Client: c.Client(cloud.Caller{Region: region, Owner: cloud.Owner{Kind: "Test", Name: t.Name()}}), t: t, cloud: c, clock: clock,
		ctx: t.Context(),
	}
}

func (a *account) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// refused expects an error with a code; an empty code expects none.
func (a *account) refused(what string, err error, code string) {
	a.t.Helper()
	switch {
	case code == "" && err != nil:
		a.t.Errorf("%s: %v", what, err)
	case code != "" && !cloud.IsCode(err, code):
		a.t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

// network is a VPC with a gateway and two public subnets in two zones.
type network struct {
	vpc, igw, group string
	subnets         [2]string
}

func (a *account) network() network {
	a.t.Helper()
	var n network
	n.vpc = cloudtest.Must[cloud.VPC](a.t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"})).ID
	n.igw = cloudtest.Must[cloud.InternetGateway](a.t)(a.CreateInternetGateway(a.ctx, nil)).ID
	a.check(a.AttachInternetGateway(a.ctx, n.igw, n.vpc))
	for i, block := range []string{"10.0.1.0/24", "10.0.2.0/24"} {
		n.subnets[i] = cloudtest.Must[cloud.Subnet](a.t)(a.CreateSubnet(a.ctx, cloud.CreateSubnetInput{
			VPCID: n.vpc, CIDRBlock: block, Zone: region + string(rune('a'+i)),
		})).ID
	}
	n.group = cloudtest.Must[cloud.SecurityGroup](a.t)(a.CreateSecurityGroup(a.ctx, cloud.CreateSecurityGroupInput{
		Name: "web", Description: "web", VPCID: n.vpc,
	})).ID
	return n
}

func (a *account) profile(name string) cloud.InstanceProfile {
	a.t.Helper()
	cloudtest.Must[cloud.Role](a.t)(a.CreateRole(a.ctx, cloud.CreateRoleInput{Name: name, TrustPolicy: trust}))
	p := cloudtest.Must[cloud.InstanceProfile](a.t)(a.CreateInstanceProfile(a.ctx, name, "", nil))
	a.check(a.AddRoleToInstanceProfile(a.ctx, name, name))
	return p
}

func (a *account) host(n network) string {
	a.t.Helper()
	return cloudtest.Must[cloud.Instance](a.t)(a.RunInstance(a.ctx, cloud.RunInstanceInput{
		ImageID: image, InstanceType: "t3.micro", SubnetID: n.subnets[0], Groups: []string{n.group},
	})).ID
}

func (a *account) balancer(n network) cloud.LoadBalancer {
	a.t.Helper()
	return cloudtest.Must[cloud.LoadBalancer](a.t)(a.CreateLoadBalancer(a.ctx, cloud.CreateLoadBalancerInput{
		Name: "alb", SubnetIDs: n.subnets[:], Groups: []string{n.group},
	}))
}

func (a *account) targetGroup(n network) cloud.TargetGroup {
	a.t.Helper()
	return cloudtest.Must[cloud.TargetGroup](a.t)(a.CreateTargetGroup(a.ctx, cloud.CreateTargetGroupInput{
		Name: "tg", Protocol: "HTTP", Port: 8080, VPCID: n.vpc,
	}))
}

func forwardTo(arn string) []cloud.Action {
	return []cloud.Action{{Type: "forward", Targets: []cloud.ForwardTarget{{TargetGroupARN: arn}}}}
}

func (a *account) databaseInput(n network) cloud.CreateDBInstanceInput {
	a.t.Helper()
	if _, err := a.DescribeDBSubnetGroup(a.ctx, "dbs"); err != nil {
		cloudtest.Must[cloud.DBSubnetGroup](a.t)(a.CreateDBSubnetGroup(a.ctx, "dbs", "d", n.subnets[:], nil))
		cloudtest.Must[cloud.DBParameterGroup](a.t)(a.CreateDBParameterGroup(a.ctx, "params", "mysql8.4", "d", nil))
	}
	return cloud.CreateDBInstanceInput{
		Identifier: "db", Class: "db.t3.micro", Engine: "mysql", EngineVersion: "8.4", StorageGiB: 20, DBName: "ums",
		MasterUsername: "ums", ManageMasterPassword: true, SubnetGroup: "dbs", ParameterGroup: "params", Groups: []string{n.group},
	}
}
