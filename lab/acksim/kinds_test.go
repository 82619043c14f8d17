package acksim_test

import (
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

// ack-notes 3.3: a subnet's route table and attributes come on a second pass, and what is left unset is set on every pass.
func TestSubnetInTwoPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	vpc := w.vpc()
	release := w.cloud.Block("ec2:AssociateRouteTable")
	rt := w.routeTable(vpc)
	w.apply("Subnet", "s", m{"vpcID": vpc, "cidrBlock": "10.0.1.0/24", "availabilityZone": zone(0), "routeTables": list(rt)})
	u := w.until("Subnet", "s", "between its passes", recoverable)
	if message(u, "ACK.Recoverable") != "Reconciling to sync additional fields" || condition(u, "ACK.ResourceSynced") != "False" ||
		str(u, "status.subnetID") == "" {
		t.Errorf("waiting looks like failure:\n%s", pretty(u))
	}
	release()
	w.ready("Subnet", "s")
	if unset := w.calls("ec2:ModifySubnetAttribute"); unset == 0 {
		t.Error("unset booleans are set to false in AWS")
	}
	before := w.calls("ec2:ModifySubnetAttribute")
	w.subnet("full", vpc, "10.0.2.0/24", zone(0), rt, false)
	if after := w.calls("ec2:ModifySubnetAttribute"); after != before {
		t.Errorf("%d calls for booleans that are set to what AWS has", after-before)
	}
}

// ack-notes 3.4: a pending NAT gateway is Recoverable and Unknown; a failed one is never terminal.
func TestNATGatewayStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	vpc := w.vpc()
	w.apply("InternetGateway", "igw", m{"vpc": vpc})
	w.ready("InternetGateway", "igw")
	subnet := w.subnet("s", vpc, "10.0.1.0/24", zone(0), w.routeTable(vpc), true)
	w.apply("ElasticIPAddress", "eip", m{"tags": tags()})
	eip := str(w.ready("ElasticIPAddress", "eip"), "status.allocationID")
	release := w.cloud.Hold("ec2:CreateNatGateway")
	w.apply("NATGateway", "nat", m{"subnetID": subnet, "allocationID": eip})
	u := w.until("NATGateway", "nat", "pending", recoverable)
	if message(u, "ACK.Recoverable") != "resource is pending" || condition(u, "ACK.ResourceSynced") != "Unknown" ||
		str(u, "status.natGatewayID") == "" {
		t.Errorf("pending:\n%s", pretty(u))
	}
	release()
	u = w.ready("NATGateway", "nat")
	if str(u, "status.state") != "available" {
		t.Errorf("state is %s", str(u, "status.state"))
	}
	w.cloud.Inject(cloud.Fault{Op: "ec2:CreateNatGateway", When: cloud.Late, Code: "InsufficientFreeAddressesInSubnet", Message: "full"})
	w.apply("ElasticIPAddress", "eip-2", m{"tags": tags()})
	second := str(w.ready("ElasticIPAddress", "eip-2"), "status.allocationID")
	w.apply("NATGateway", "failed", m{"subnetID": subnet, "allocationID": second})
	u = w.until("NATGateway", "failed", "failed", func(u *unstructured.Unstructured) bool { return str(u, "status.state") == "failed" })
	if condition(u, "ACK.ResourceSynced") != "False" || terminal(u) || str(u, "status.failureCode") != "InsufficientFreeAddressesInSubnet" {
		t.Errorf("failed:\n%s", pretty(u))
	}
}

// ack-notes 3.6: after the launch most of spec is overwritten with what AWS answers.
func TestInstanceReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	profile := w.identity()
	release := w.cloud.Hold("ec2:RunInstances")
	spec := hostSpec(n.app[0], n.sgApp, profile)
	w.apply("Instance", "host", spec)
	u := w.until("Instance", "host", "launched", func(u *unstructured.Unstructured) bool { return str(u, "status.state.name") == "pending" })
	if synced(u) {
		t.Error("a pending instance is not synced")
	}
	release()
	u = w.ready("Instance", "host")
	devices := elements(u.Object, "spec.blockDeviceMappings")
	if len(devices) != 1 {
		t.Fatalf("block devices: %v", devices)
	}
	if ebs, ok := devices[0]["ebs"].(m); !ok || ebs["volumeSize"] != nil || ebs["encrypted"] != nil {
		t.Errorf("block devices come back without size and encryption: %v", devices)
	}
	for _, f := range []string{
		"privateIPAddress", "networkInterfaces", "securityGroups", "placement", "cpuOptions", "hibernationOptions", "monitoring",
	} {
		if field(u, "spec."+f) == nil {
			t.Errorf("ACK fills in spec.%s", f)
		}
	}
	raised := w.apply("Instance", "host", spec).GetGeneration()
	if again := w.apply("Instance", "host", spec).GetGeneration(); again != raised {
		t.Errorf("applying again went from %d to %d", raised, again)
	}
	if w.calls("ec2:RunInstances") != 1 {
		t.Error("one launch only")
	}
}

func hostSpec(subnet, group, profile string) m {
	return m{
		"imageID": "ami-0123456789abcdef0", "instanceType": "t3.micro", "subnetID": subnet, "securityGroupIDs": list(group),
		"iamInstanceProfile": m{"arn": profile}, "userData": "I2Nsb3VkLWNvbmZpZwo=", "tags": tags(),
		"blockDeviceMappings": list(m{"deviceName": "/dev/xvda", "ebs": m{"volumeSize": int64(20), "volumeType": "gp3", "encrypted": true}}),
	}
}

// ack-notes 3.6: an instance that is terminated behind ACK's back is never replaced: the overwritten spec cannot be launched.
func TestTerminatedInstanceIsStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	profile := w.identity()
	id := w.host("host", n.app[0], n.sgApp, profile)
	if err := w.cloud.TerminateInstance(id); err != nil {
		t.Fatal(err)
	}
	spec := hostSpec(n.app[0], n.sgApp, profile)
	spec["tags"] = list(m{"key": "touch", "value": "1"})
	delete(spec, "blockDeviceMappings")
	w.apply("Instance", "host", spec)
	u := w.until("Instance", "host", "stuck", func(u *unstructured.Unstructured) bool {
		return recoverable(u) && strings.Contains(message(u, "ACK.Recoverable"), "Network interfaces and an instance-level subnet ID")
	})
	if str(u, "status.state.name") != "running" {
		t.Errorf("status goes on saying %q", str(u, "status.state.name"))
	}
	w.until("Instance", "host", "without finalizer", func(u *unstructured.Unstructured) bool { return len(u.GetFinalizers()) == 0 })
}

// ack-notes 3.6, 10: the type of a running instance cannot be changed.
func TestInstanceTypeChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.apply("Instance", "host", hostSpec(n.app[0], n.sgApp, w.identity()))
	id := str(w.ready("Instance", "host"), "status.instanceID")
	spec := hostSpec(n.app[0], n.sgApp, w.identity())
	spec["instanceType"] = "t3.large"
	w.apply("Instance", "host", spec)
	w.until("Instance", "host", "refused", func(u *unstructured.Unstructured) bool {
		return strings.Contains(message(u, "ACK.Recoverable"), "IncorrectInstanceState")
	})
	aws := w.cloud.Client(cloud.Caller{Region: region})
	if err := aws.StopInstance(w.ctx, id); err != nil {
		t.Fatal(err)
	}
	w.eventually("changed once stopped", func() bool { i, _ := w.cloud.Instance(id); return i.InstanceType == "t3.large" })
}

// ack-notes 3.7: a load balancer counts as synced at once and may say provisioning long after it is active; its attributes
// come on a later pass.
func TestLoadBalancerStateIsStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	release := w.cloud.Hold("elbv2:CreateLoadBalancer")
	lb, _ := w.balancer(n)
	if str(lb, "status.state.code") != "provisioning" {
		t.Errorf("ready in state %q", str(lb, "status.state.code"))
	}
	w.eventually("attributes", func() bool { return w.cloud.LoadBalancers()[0].Attributes["idle_timeout.timeout_seconds"] == "30" })
	release()
	if state := w.cloud.LoadBalancers()[0].State; state != "active" {
		t.Errorf("state in AWS is %q", state)
	}
	if u := w.ready("LoadBalancer", "alb"); str(u, "status.state.code") != "provisioning" {
		t.Errorf("nothing tells ACK that the load balancer is %q", str(u, "status.state.code"))
	}
}

// ack-notes 3.7: with targets or attributes in its first spec a target group loses the answer of its create, ARN and all.
func TestTargetGroupLosesItsARN(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	spec := tgSpec(w.vpc())
	full := m{
		"healthCheckEnabled": true, "healthCheckIntervalSeconds": int64(30), "healthCheckPort": "traffic-port", "healthCheckProtocol": "HTTP",
		"healthCheckTimeoutSeconds": int64(5), "healthyThresholdCount": int64(5), "unhealthyThresholdCount": int64(2),
		"ipAddressType": "ipv4", "matcher": m{"httpCode": "200"}, "protocolVersion": "HTTP1",
		"attributes": list(m{"key": "deregistration_delay.timeout_seconds", "value": "30"}),
	}
	maps.Copy(spec, full)
	w.apply("TargetGroup", "tg", spec)
	u := w.until("TargetGroup", "tg", "synced", synced)
	if arn(u) != "" {
		t.Errorf("has its ARN %s", arn(u))
	}
	if w.cloud.TargetGroups()[0].Attributes["deregistration_delay.timeout_seconds"] != "30" {
		t.Error("the attributes are set all the same")
	}
	plain := tgSpec(str(w.get("VPC", "vpc"), "status.vpcID"))
	plain["name"] = "two-phases"
	w.apply("TargetGroup", "two-phases", plain)
	if arn(w.ready("TargetGroup", "two-phases")) == "" {
		t.Error("a target group that is made bare has its ARN")
	}
}

// ack-notes 3.8: a certificate is Ready while its validation is pending, and after it has failed.
func TestCertificateIsReadyWhatever(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	w.apply("Certificate", "cert", m{"domainName": "users.example.com"})
	u := w.ready("Certificate", "cert")
	if str(u, "status.status") != "PENDING_VALIDATION" || str(u, "spec.keyAlgorithm") != "RSA-2048" {
		t.Errorf("pending:\n%s", pretty(u))
	}
	if err := w.cloud.ExpireCertificate(arn(u), ""); err != nil {
		t.Fatal(err)
	}
	u = w.until("Certificate", "cert", "timed out", func(u *unstructured.Unstructured) bool {
		return str(u, "status.status") == "VALIDATION_TIMED_OUT"
	})
	if condition(u, "Ready") != "True" {
		t.Error("a certificate that timed out is Ready all the same")
	}
}

// ack-notes 3.10: a record that exists is terminal unless it may be adopted, and so is an alias to nothing.
func TestRecordSetConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	zoneID, err := w.cloud.AddHostedZone("example.com")
	if err != nil {
		t.Fatal(err)
	}
	spec := m{
		"hostedZoneID": zoneID, "name": "a.example.com.", "recordType": "CNAME", "ttl": int64(60),
		"resourceRecords": list(m{"value": "b.example.org."}),
	}
	w.apply("RecordSet", "first", spec)
	w.ready("RecordSet", "first")
	w.apply("RecordSet", "second", spec)
	w.until("RecordSet", "second", "terminal", terminal)
	w.apply("RecordSet", "adopted", spec, adoptable, orCreate)
	w.ready("RecordSet", "adopted")
	w.apply("RecordSet", "alias", m{
		"hostedZoneID": zoneID, "name": "www", "recordType": "A",
		"aliasTarget": m{"dnsName": "nothing.us-east-2.elb.amazonaws.com", "hostedZoneID": "Z3AADJGX6KTTL2", "evaluateTargetHealth": true},
	})
	if u := w.until("RecordSet", "alias", "terminal", terminal); !strings.Contains(message(u, "ACK.Terminal"), "InvalidChangeBatch") {
		t.Errorf("message is %q", message(u, "ACK.Terminal"))
	}
}

// ack-notes 3.10: a record is synced when its change is INSYNC.
func TestRecordSetWaitsForSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	zoneID, err := w.cloud.AddHostedZone("example.com")
	if err != nil {
		t.Fatal(err)
	}
	release := w.cloud.Hold("route53:ChangeResourceRecordSets")
	w.apply("RecordSet", "txt", m{"hostedZoneID": zoneID, "recordType": "TXT", "ttl": int64(60), "resourceRecords": list(m{"value": `"x"`})})
	u := w.until("RecordSet", "txt", "pending", func(u *unstructured.Unstructured) bool { return str(u, "status.status") == "PENDING" })
	if synced(u) {
		t.Error("a pending change is not synced")
	}
	release()
	w.ready("RecordSet", "txt")
}

// ack-notes 3.9: a database is changed only while it is available, and is not synced until it is available again.
func TestDatabaseChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.database(n)
	release := w.cloud.Hold("rds:ModifyDBInstance")
	spec := dbSpec(n)
	spec["dbInstanceClass"] = "db.t3.small"
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.until("DBInstance", "db", "modifying", func(u *unstructured.Unstructured) bool {
		return str(u, "status.dbInstanceStatus") == "modifying" && !synced(u)
	})
	spec["allocatedStorage"] = int64(40)
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.until("DBInstance", "db", "waiting", func(u *unstructured.Unstructured) bool {
		return recoverable(u) && strings.Contains(message(u, "ACK.Recoverable"), "cannot be modified until 'available'")
	})
	release()
	w.eventually("both changes", func() bool {
		d := w.cloud.DBInstances()[0]
		return d.Class == "db.t3.small" && d.StorageGiB == 40 && d.Status == "available"
	})
	w.ready("DBInstance", "db")
}

// ack-notes 3.9: ACK stores the zone that AWS chose; after a failover it differs for ever and the database is never synced,
// until the field is removed.
func TestMultiAZFailoverTrap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.database(n)
	spec := dbSpec(n)
	spec["multiAZ"] = true
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	w.until("DBInstance", "db", "its zone is in spec", func(u *unstructured.Unstructured) bool {
		return str(u, "spec.availabilityZone") != "" && condition(u, "Ready") == "True"
	})
	if err := w.cloud.FailOver(region, "ums-db"); err != nil {
		t.Fatal(err)
	}
	spec["tags"] = list(m{"key": "touch", "value": "1"})
	w.apply("DBInstance", "db", spec, adoptable, orCreate)
	before := w.calls("rds:ModifyDBInstance")
	w.eventually("changes of nothing", func() bool { return w.calls("rds:ModifyDBInstance") > before+3 })
	u := w.get("DBInstance", "db")
	if synced(u) || str(u, "spec.availabilityZone") != str(u, "status.secondaryAvailabilityZone") {
		t.Errorf("not trapped:\n%s", pretty(u))
	}
	w.removeField("DBInstance", "db", "/spec/availabilityZone")
	w.ready("DBInstance", "db")
}
