package cloud_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestLaunchRules(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.Latencies{Settle: map[cloud.Op]time.Duration{cloud.OpPropagate: 8 * time.Second}}})
	n := a.network()
	profile := a.profile("host")
	other := cloudtest.Must[cloud.VPC](t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.9.0.0/16"}))
	raw := func(size int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", size))) }
	good := cloud.RunInstanceInput{ImageID: image, InstanceType: "t3.micro", SubnetID: n.subnets[0], Groups: []string{n.group}}
	launch := func(what, code string, change func(*cloud.RunInstanceInput)) {
		t.Helper()
		in := good
		change(&in)
		_, err := a.RunInstance(a.ctx, in)
		a.refused(what, err, code)
	}
	launch("good", "", func(*cloud.RunInstanceInput) {})
	launch("short image id", "InvalidAMIID.Malformed", func(in *cloud.RunInstanceInput) { in.ImageID = "ami-0abc" })
	launch("bad type", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.InstanceType = "huge" })
	launch("unknown subnet", "InvalidSubnetID.NotFound", func(in *cloud.RunInstanceInput) { in.SubnetID = "subnet-00000000000000000" })
	launch("unknown group", "InvalidGroup.NotFound", func(in *cloud.RunInstanceInput) { in.Groups = []string{"sg-00000000000000000"} })
	launch("group of another VPC", "InvalidParameter", func(in *cloud.RunInstanceInput) { in.Groups = []string{other.DefaultSecurityGroup} })
	launch("unknown key", "InvalidKeyPair.NotFound", func(in *cloud.RunInstanceInput) { in.KeyName = "mine" })
	launch("user data at the limit", "", func(in *cloud.RunInstanceInput) { in.UserData = raw(16384) })
	launch("user data above the limit", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.UserData = raw(16385) })
	launch("user data that is not base64", "InvalidUserData.Malformed", func(in *cloud.RunInstanceInput) { in.UserData = "#cloud-config" })
	launch("bad token setting", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.Metadata.HTTPTokens = "please" })
	launch("hop limit", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.Metadata.HTTPPutResponseHopLimit = 65 })
	launch("interfaces and subnet", "InvalidParameterCombination", func(in *cloud.RunInstanceInput) { in.NetworkInterfaces = 1 })
	launch("unknown profile", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.ProfileName = "nobody" })
	launch("profile that EC2 has not heard of", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.ProfileARN = profile.ARN })
	a.clock.Advance(10 * time.Second)
	launch("profile", "", func(in *cloud.RunInstanceInput) { in.ProfileARN = profile.ARN })
	launch("profile by name and ARN", "InvalidParameterCombination", func(in *cloud.RunInstanceInput) {
		in.ProfileARN, in.ProfileName = profile.ARN, profile.Name
	})
	a.check(a.RemoveRoleFromInstanceProfile(a.ctx, "host", "host"))
	launch("profile without a role", "InvalidParameterValue", func(in *cloud.RunInstanceInput) { in.ProfileARN = profile.ARN })
}

func TestInstanceLife(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.AWS()})
	a.tick()
	n := a.network()
	on := true
	a.check(a.ModifySubnetAttribute(a.ctx, n.subnets[0], cloud.SubnetAttributes{MapPublicIPOnLaunch: &on}))
	id := a.host(n)
	state := func(want string) cloud.Instance {
		t.Helper()
		i := cloudtest.Must[cloud.Instance](t)(a.DescribeInstance(a.ctx, id))
		if i.State != want {
			t.Errorf("state is %s, want %s", i.State, want)
		}
		return i
	}
	bigger := "t3.large"
	state("pending")
	a.clock.Advance(30 * time.Second)
	first := state("running")
	if first.PublicIP == "" || first.PrivateIP != "10.0.1.4" || first.Metadata.HTTPTokens != "optional" {
		t.Errorf("instance: %+v", first)
	}
	change := cloud.InstanceAttributes{InstanceType: &bigger}
	a.refused("type of a running instance", a.ModifyInstanceAttribute(a.ctx, id, change), "IncorrectInstanceState")
	a.check(a.StopInstance(a.ctx, id))
	state("stopping")
	a.clock.Advance(time.Minute)
	a.check(a.ModifyInstanceAttribute(a.ctx, id, change))
	a.check(a.StartInstance(a.ctx, id))
	a.clock.Advance(time.Minute)
	if again := state("running"); again.PublicIP == first.PublicIP || again.InstanceType != bigger || again.PrivateIP != first.PrivateIP {
		t.Errorf("restarted: %+v", again)
	}
	protect := true
	a.check(a.ModifyInstanceAttribute(a.ctx, id, cloud.InstanceAttributes{DisableAPITermination: &protect}))
	a.refused("termination of a protected instance", a.TerminateInstance(a.ctx, id), "OperationNotPermitted")
	protect = false
	a.check(a.ModifyInstanceAttribute(a.ctx, id, cloud.InstanceAttributes{DisableAPITermination: &protect}))
	a.check(a.TerminateInstance(a.ctx, id))
	state("shutting-down")
	a.clock.Advance(time.Minute)
	state("terminated")
	a.clock.Advance(2 * time.Hour)
	_, err := a.DescribeInstance(a.ctx, id)
	a.refused("an instance terminated long ago", err, "InvalidInstanceID.NotFound")
}

func TestFailedLaunchTerminates(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	a.cloud.Inject(cloud.Fault{Op: "ec2:RunInstances", When: cloud.Late, Code: "Server.InternalError", Message: "Internal error on launch"})
	i := cloudtest.Must[cloud.Instance](t)(a.DescribeInstance(a.ctx, a.host(n)))
	if i.State != "terminated" || i.StateReasonCode != "Server.InternalError" {
		t.Errorf("instance is %s, %s", i.State, i.StateReasonCode)
	}
}
