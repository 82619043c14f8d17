package cloud_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestFaults(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	create := func() error { _, err := a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"}); return err }
	a.cloud.Inject(cloud.Fault{Op: "ec2:CreateVpc", Nth: 2, Times: 2, Code: "InternalError", Message: "no"})
	for i, code := range []string{"", "InternalError", "InternalError", ""} {
		a.refused(strings.Repeat("I", i+1), create(), code)
	}
	if made, refused := a.cloud.CallCount("ec2:CreateVpc"); made != 4 || refused != 2 || len(a.cloud.VPCs()) != 2 {
		t.Errorf("%d calls, %d refused, %d VPCs", made, refused, len(a.cloud.VPCs()))
	}
	remove := a.cloud.Inject(cloud.Fault{Op: "ec2:*", Times: -1, When: cloud.After, Code: "RequestTimeout"})
	a.refused("lost answer", create(), "RequestTimeout")
	if len(a.cloud.VPCs()) != 3 {
		t.Error("a call whose answer is lost has its effect")
	}
	remove()
	a.refused("after the fault", create(), "")
	a.cloud.Inject(cloud.Fault{Op: "ec2:CreateVpc", Match: func(c cloud.Caller) bool { return c.Owner.Name == "other" }, Code: "X"})
	a.refused("another caller's fault", create(), "")
}

func TestThrottlingIsRepeatable(t *testing.T) {
	run := func() string {
		a := newAccount(t, cloud.Options{Seed: 7})
		a.cloud.Throttle("*", 0.5)
		var answers strings.Builder
		for range 40 {
			_, err := a.AllocateAddress(a.ctx, nil)
			if err != nil {
				a.refused("throttled", err, "RequestLimitExceeded")
				answers.WriteString("x")
			} else {
				answers.WriteString(".")
			}
		}
		_, err := a.CreateRole(a.ctx, cloud.CreateRoleInput{Name: "r", TrustPolicy: trust})
		for err == nil {
			_, err = a.GetRole(a.ctx, "r")
		}
		a.refused("IAM's code", err, "Throttling")
		return answers.String()
	}
	first := run()
	if second := run(); first != second || !strings.Contains(first, "x") || !strings.Contains(first, ".") {
		t.Errorf("%s\n%s", first, second)
	}
}

func TestHoldAndBlock(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	release := a.cloud.Hold("ec2:CreateVpc")
	vpc := cloudtest.Must[cloud.VPC](t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"}))
	if vpc.State != "pending" {
		t.Errorf("held VPC is %s", vpc.State)
	}
	release()
	if vpc = cloudtest.Must[cloud.VPC](t)(a.DescribeVPC(a.ctx, vpc.ID)); vpc.State != "available" {
		t.Errorf("released VPC is %s", vpc.State)
	}
	unblock := a.cloud.Block("ec2:DescribeVpcs")
	ctx, cancel := context.WithCancel(a.ctx)
	cancel()
	if _, err := a.DescribeVPC(ctx, vpc.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("a blocked call ends with its context: %v", err)
	}
	done := make(chan error, 1)
	go func() { _, err := a.DescribeVPC(a.ctx, vpc.ID); done <- err }()
	unblock()
	a.check(<-done)
}

func TestEventsComeInOrder(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	sub := a.cloud.Subscribe()
	n := a.network()
	a.host(n)
	var seen []cloud.Event
	for e := range sub.Events() {
		seen = append(seen, e)
		if e.Kind == cloud.KindInstance && e.Change == cloud.Changed {
			sub.Close()
			break
		}
	}
	if first := seen[0]; first.Kind != cloud.KindRouteTable && first.Kind != cloud.KindVPC {
		t.Errorf("first event: %+v", first)
	}
	order := map[cloud.Kind]int{}
	for i, e := range seen {
		if _, ok := order[e.Kind]; !ok && e.Change == cloud.Created {
			order[e.Kind] = i
		}
	}
	if order[cloud.KindVPC] > order[cloud.KindSubnet] || order[cloud.KindSubnet] > order[cloud.KindInstance] {
		t.Errorf("order: %v", order)
	}
}

func TestInventory(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	host := a.host(n)
	kinds := map[cloud.Kind]int{}
	for _, o := range a.cloud.OwnedObjects() {
		kinds[o.Kind]++
		if o.Owner.Name != t.Name() || o.Implicit {
			t.Errorf("owned: %+v", o)
		}
	}
	want := map[cloud.Kind]int{
		cloud.KindVPC: 1, cloud.KindSubnet: 2, cloud.KindInternetGateway: 1, cloud.KindSecurityGroup: 1, cloud.KindInstance: 1,
	}
	for kind, n := range want {
		if kinds[kind] != n {
			t.Errorf("%d %s, want %d", kinds[kind], kind, n)
		}
	}
	a.check(a.TerminateInstance(a.ctx, host))
	for _, o := range a.cloud.Objects() {
		if o.Kind == cloud.KindInstance || o.Kind == cloud.KindNetworkInterface {
			t.Errorf("a terminated instance is not alive: %+v", o)
		}
	}
	a.check(a.cloud.Vanish(cloud.KindSubnet, region, n.subnets[0]))
	_, err := a.DescribeSubnet(a.ctx, n.subnets[0])
	a.refused("vanished", err, "InvalidSubnetID.NotFound")
	if err := a.cloud.Vanish(cloud.KindSubnet, region, n.subnets[0]); err == nil {
		t.Error("nothing is there to vanish")
	}
}

func TestTagRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	many := cloud.Tags{}
	for i := range 51 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	for what, c := range map[string]struct {
		tags cloud.Tags
		code string
	}{
		"reserved": {cloud.Tags{"aws:x": "1"}, "InvalidParameterValue"},
		"long key": {cloud.Tags{strings.Repeat("k", 129): "1"}, "InvalidParameterValue"},
		"too many": {many, "TagLimitExceeded"},
		"good":     {cloud.Tags{"a": "1"}, ""},
	} {
		a.refused(what, a.Tag(a.ctx, cloud.KindVPC, n.vpc, c.tags, nil), c.code)
	}
	a.check(a.Tag(a.ctx, cloud.KindVPC, n.vpc, nil, []string{"a"}))
	if tags := a.cloud.VPCs()[0].Tags; len(tags) != 0 {
		t.Errorf("tags: %v", tags)
	}
}

func TestCallLatencyHoldsTheCallerUp(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.Latencies{Call: time.Second}})
	done := make(chan error, 1)
	go func() { _, err := a.AllocateAddress(a.ctx, nil); done <- err }()
	for len(done) == 0 {
		a.clock.Advance(100 * time.Millisecond)
	}
	a.check(<-done)
	if made := len(a.cloud.ElasticIPs()); made != 1 {
		t.Errorf("%d addresses", made)
	}
}

func TestPresetsKeepProportions(t *testing.T) {
	aws, fast := cloud.AWS(), cloud.Fast()
	if len(cloud.Zero().Settle) != 0 || len(fast.Settle) != len(aws.Settle) {
		t.Error("presets differ in what they cover")
	}
	for op, d := range aws.Settle {
		if f := fast.Settle[op]; f <= 0 || f >= d {
			t.Errorf("%s takes %s in AWS and %s in the lab", op, d, f)
		}
	}
}
