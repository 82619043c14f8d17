package cloud_test

import (
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestCertificateValidation(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.AWS()})
	a.tick()
	outer := cloudtest.Must[string](t)(a.cloud.AddHostedZone("example.com"))
	inner := cloudtest.Must[string](t)(a.cloud.AddHostedZone("apps.example.com"))
	cert := cloudtest.Must[cloud.Certificate](t)(a.RequestCertificate(a.ctx, cloud.RequestCertificateInput{
		Domain: "users.apps.example.com", Alternatives: []string{"*.users.apps.example.com"},
	}))
	if cert.Validations[0].RecordName != "" {
		t.Error("the record is not known at once")
	}
	a.clock.Advance(10 * time.Second)
	cert = cloudtest.Must[cloud.Certificate](t)(a.DescribeCertificate(a.ctx, cert.ARN))
	v := cert.Validations[0]
	if v.RecordName != cert.Validations[1].RecordName || !strings.HasSuffix(v.RecordName, ".users.apps.example.com.") {
		t.Errorf("validations: %+v", cert.Validations)
	}
	record := cloud.RecordSet{Name: v.RecordName, Type: "CNAME", TTL: 60, Values: []string{v.RecordValue}}
	cloudtest.Must[cloud.ChangeInfo](t)(a.ChangeRecordSet(a.ctx, outer, "CREATE", record))
	a.clock.Advance(time.Hour)
	a.wantCertificate(cert.ARN, "PENDING_VALIDATION") // the inner zone answers for that name
	change := cloudtest.Must[cloud.ChangeInfo](t)(a.ChangeRecordSet(a.ctx, inner, "CREATE", record))
	if change.Status != "PENDING" {
		t.Errorf("change is %s", change.Status)
	}
	a.clock.Advance(3 * time.Minute)
	a.wantCertificate(cert.ARN, "ISSUED")
	if change = cloudtest.Must[cloud.ChangeInfo](t)(a.GetChange(a.ctx, change.ID)); change.Status != "INSYNC" {
		t.Errorf("change is %s", change.Status)
	}
	late := cloudtest.Must[cloud.Certificate](t)(a.RequestCertificate(a.ctx, cloud.RequestCertificateInput{Domain: "other.example.net"}))
	a.clock.Advance(73 * time.Hour)
	a.wantCertificate(late.ARN, "VALIDATION_TIMED_OUT")
	a.cloud.Inject(cloud.Fault{Op: "acm:RequestCertificate", When: cloud.Late, Code: "CAA_ERROR"})
	bad := cloudtest.Must[cloud.Certificate](t)(a.RequestCertificate(a.ctx, cloud.RequestCertificateInput{Domain: "users.apps.example.com"}))
	a.clock.Advance(3 * time.Minute)
	a.wantCertificate(bad.ARN, "FAILED")
}

func (a *account) wantCertificate(arn, status string) {
	a.t.Helper()
	if c := cloudtest.Must[cloud.Certificate](a.t)(a.DescribeCertificate(a.ctx, arn)); c.Status != status {
		a.t.Errorf("certificate is %s (%s), want %s", c.Status, c.FailureReason, status)
	}
}

// issued makes an issued certificate.
func (a *account) issued(domain string) string {
	a.t.Helper()
	zone := cloudtest.Must[string](a.t)(a.cloud.AddHostedZone(domain))
	cert := cloudtest.Must[cloud.Certificate](a.t)(a.RequestCertificate(a.ctx, cloud.RequestCertificateInput{Domain: domain}))
	v := cert.Validations[0]
	cloudtest.Must[cloud.ChangeInfo](a.t)(a.ChangeRecordSet(a.ctx, zone, "CREATE",
		cloud.RecordSet{Name: v.RecordName, Type: v.RecordType, TTL: 60, Values: []string{v.RecordValue}}))
	a.wantCertificate(cert.ARN, "ISSUED")
	return cert.ARN
}

func TestRecordSetRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	zone := cloudtest.Must[string](t)(a.cloud.AddHostedZone("example.com"))
	lb := a.balancer(a.network())
	text := func(name, kind, value string) cloud.RecordSet {
		return cloud.RecordSet{Name: name, Type: kind, TTL: 60, Values: []string{value}}
	}
	alias := func(name, to, zone string) cloud.RecordSet {
		return cloud.RecordSet{Name: name, Type: "A", Alias: &cloud.Alias{DNSName: to, ZoneID: zone}}
	}
	for _, c := range []struct {
		what, zone, action string
		record             cloud.RecordSet
		code               string
	}{
		{"unknown zone", "Z1", "CREATE", text("a.example.com", "A", "10.0.0.1"), "NoSuchHostedZone"},
		{"foreign name", zone, "CREATE", text("a.example.org", "A", "10.0.0.1"), "InvalidChangeBatch"},
		{"bad address", zone, "CREATE", text("a.example.com", "A", "host"), "InvalidChangeBatch"},
		{"no value", zone, "CREATE", cloud.RecordSet{Name: "a.example.com", Type: "A"}, "InvalidInput"},
		{"name at the apex", zone, "CREATE", text("example.com", "CNAME", "x.example.org"), "InvalidChangeBatch"},
		{"good", zone, "CREATE", text("A.example.com.", "A", "10.0.0.1"), ""},
		{"again", zone, "CREATE", text("a.example.com", "A", "10.0.0.2"), "InvalidChangeBatch"},
		{"over it", zone, "UPSERT", text("a.example.com", "A", "10.0.0.2"), ""},
		{"name beside an address", zone, "CREATE", text("a.example.com", "CNAME", "x.example.org"), "InvalidChangeBatch"},
		{"alias to nothing", zone, "CREATE", alias("www.example.com", "x.us-east-2.elb.amazonaws.com", lb.ZoneID), "InvalidChangeBatch"},
		{"alias in the wrong zone", zone, "CREATE", alias("www.example.com", lb.DNSName, "Z35SXDOTRQ7X7K"), "InvalidChangeBatch"},
		{"alias", zone, "CREATE", alias("www.example.com", "dualstack."+lb.DNSName, lb.ZoneID), ""},
		{"deleting other values", zone, "DELETE", text("a.example.com", "A", "10.0.0.1"), "InvalidChangeBatch"},
		{"deleting nothing", zone, "DELETE", text("b.example.com", "A", "10.0.0.1"), "InvalidChangeBatch"},
		{"deleting", zone, "DELETE", text("a.example.com", "A", "10.0.0.2"), ""},
	} {
		_, err := a.ChangeRecordSet(a.ctx, c.zone, c.action, c.record)
		a.refused(c.what, err, c.code)
	}
	a.refused("zone with records", a.DeleteHostedZone(a.ctx, zone), "HostedZoneNotEmpty")
}

func TestLoadBalancerRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	closed := cloudtest.Must[cloud.VPC](t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.9.0.0/16"})).ID
	subnet := func(vpc, cidr, zone string) string {
		in := cloud.CreateSubnetInput{VPCID: vpc, CIDRBlock: cidr, Zone: region + zone}
		return cloudtest.Must[cloud.Subnet](t)(a.CreateSubnet(a.ctx, in)).ID
	}
	closedPair := []string{subnet(closed, "10.9.0.0/24", "a"), subnet(closed, "10.9.1.0/24", "b")}
	small := subnet(n.vpc, "10.0.7.0/28", "c")
	same := subnet(n.vpc, "10.0.8.0/24", "a")
	type input = cloud.CreateLoadBalancerInput
	for _, c := range []struct {
		what string
		in   input
		code string
	}{
		{"one subnet", input{Name: "x", SubnetIDs: n.subnets[:1]}, "ValidationError"},
		{"one zone", input{Name: "x", SubnetIDs: []string{n.subnets[0], same}}, "InvalidConfigurationRequest"},
		{"two VPCs", input{Name: "x", SubnetIDs: []string{n.subnets[0], closedPair[1]}}, "InvalidConfigurationRequest"},
		{"no way to the internet", input{Name: "x", SubnetIDs: closedPair}, "InvalidSubnet"},
		{"internal needs none", input{Name: "inside", Scheme: "internal", SubnetIDs: closedPair}, ""},
		{"unknown scheme", input{Name: "x", Scheme: "public", SubnetIDs: n.subnets[:]}, "InvalidScheme"},
		{"unknown group", input{Name: "x", SubnetIDs: n.subnets[:], Groups: []string{"sg-00000000000000000"}}, "InvalidSecurityGroup"},
		{"reserved name", input{Name: "internal-x", SubnetIDs: n.subnets[:]}, "ValidationError"},
		{"too long a name", input{Name: strings.Repeat("x", 33), SubnetIDs: n.subnets[:]}, "ValidationError"},
		{"hyphen at the end", input{Name: "x-", SubnetIDs: n.subnets[:]}, "ValidationError"},
		{"good", input{Name: "x", SubnetIDs: n.subnets[:], Groups: []string{n.group}}, ""},
		{"the same again", input{Name: "x", SubnetIDs: n.subnets[:], Groups: []string{n.group}}, ""},
		{"the same name, otherwise", input{Name: "x", Scheme: "internal", SubnetIDs: n.subnets[:]}, "DuplicateLoadBalancerName"},
	} {
		_, err := a.CreateLoadBalancer(a.ctx, c.in)
		a.refused(c.what, err, c.code)
	}
	_ = small
	if lbs := a.cloud.LoadBalancers(); len(lbs) != 2 || !strings.HasPrefix(lbs[0].DNSName, "internal-inside-") {
		t.Errorf("load balancers: %+v", lbs)
	}
}

func TestTargetGroupAndListenerRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	lb, tg, host := a.balancer(n), a.targetGroup(n), a.host(n)
	other := cloudtest.Must[cloud.LoadBalancer](t)(
		a.CreateLoadBalancer(a.ctx, cloud.CreateLoadBalancerInput{Name: "other", SubnetIDs: n.subnets[:]}))
	pending := cloudtest.Must[cloud.Certificate](t)(a.RequestCertificate(a.ctx, cloud.RequestCertificateInput{Domain: "x.example.net"})).ARN
	cert := a.issued("example.com")
	type input = cloud.ListenerInput
	for _, c := range []struct {
		what string
		in   input
		code string
	}{
		{"unknown balancer", input{LoadBalancerARN: lb.ARN + "x", Port: 80, Protocol: "HTTP", Actions: forwardTo(tg.ARN)}, "LoadBalancerNotFound"},
		{"unknown target group", input{LoadBalancerARN: lb.ARN, Port: 80, Protocol: "HTTP", Actions: forwardTo(tg.ARN + "x")}, "TargetGroupNotFound"},
		{"no action", input{LoadBalancerARN: lb.ARN, Port: 80, Protocol: "HTTP"}, "ValidationError"},
		{"protocol", input{LoadBalancerARN: lb.ARN, Port: 80, Protocol: "TCP", Actions: forwardTo(tg.ARN)}, "UnsupportedProtocol"},
		{"certificate for HTTP", input{LoadBalancerARN: lb.ARN, Port: 80, Protocol: "HTTP", Certificates: []string{cert}, Actions: forwardTo(tg.ARN)}, "InvalidConfigurationRequest"},
		{"HTTPS without certificate", input{LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Actions: forwardTo(tg.ARN)}, "ValidationError"},
		{"pending certificate", input{LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Certificates: []string{pending}, Actions: forwardTo(tg.ARN)}, "UnsupportedCertificate"},
		{"unknown certificate", input{LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Certificates: []string{cert + "x"}, Actions: forwardTo(tg.ARN)}, "CertificateNotFound"},
		{"unknown policy", input{LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", SSLPolicy: "Best", Certificates: []string{cert}, Actions: forwardTo(tg.ARN)}, "SSLPolicyNotFound"},
		{"redirect loop", input{LoadBalancerARN: lb.ARN, Port: 80, Protocol: "HTTP", Actions: []cloud.Action{{Type: "redirect", StatusCode: "HTTP_301"}}}, "InvalidLoadBalancerAction"},
		{"good", input{LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Certificates: []string{cert}, Actions: forwardTo(tg.ARN)}, ""},
		{"port taken", input{LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Certificates: []string{cert}, Actions: forwardTo(tg.ARN)}, "DuplicateListener"},
		{"second balancer for a group", input{LoadBalancerARN: other.ARN, Port: 80, Protocol: "HTTP", Actions: forwardTo(tg.ARN)}, "TargetGroupAssociationLimit"},
	} {
		_, err := a.CreateListener(a.ctx, c.in)
		a.refused(c.what, err, c.code)
	}
	a.refused("group in use", a.DeleteTargetGroup(a.ctx, tg.ARN), "ResourceInUse")
	a.refused("certificate in use", a.DeleteCertificate(a.ctx, cert), "ResourceInUseException")
	a.check(a.RegisterTargets(a.ctx, tg.ARN, []cloud.Target{{ID: host}}))
	a.check(a.TerminateInstance(a.ctx, host))
	if left := cloudtest.Must[[]cloud.Target](t)(a.DescribeTargetHealth(a.ctx, tg.ARN)); len(left) != 0 {
		t.Errorf("a terminated instance is no target: %v", left)
	}
	a.refused("terminated target", a.RegisterTargets(a.ctx, tg.ARN, []cloud.Target{{ID: host}}), "InvalidTarget")
	a.check(a.DeleteLoadBalancer(a.ctx, lb.ARN))
	if left := a.cloud.Listeners(); len(left) != 0 {
		t.Errorf("listeners go with their balancer: %v", left)
	}
	a.check(a.DeleteTargetGroup(a.ctx, tg.ARN))
	a.check(a.DeleteCertificate(a.ctx, cert))
}

func TestTargetsDrain(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.Latencies{Settle: map[cloud.Op]time.Duration{cloud.OpDrain: 300 * time.Second}}})
	n := a.network()
	tg, host := a.targetGroup(n), a.host(n)
	a.check(a.ModifyTargetGroupAttributes(a.ctx, tg.ARN, map[string]string{"deregistration_delay.timeout_seconds": "30"}))
	a.refused("unknown attribute", a.ModifyTargetGroupAttributes(a.ctx, tg.ARN, map[string]string{"x": "1"}), "ValidationError")
	a.check(a.RegisterTargets(a.ctx, tg.ARN, []cloud.Target{{ID: host}}))
	a.check(a.DeregisterTargets(a.ctx, tg.ARN, []cloud.Target{{ID: host}}))
	health := func() []cloud.Target { return cloudtest.Must[[]cloud.Target](t)(a.DescribeTargetHealth(a.ctx, tg.ARN)) }
	if h := health(); len(h) != 1 || h[0].Health != "draining" {
		t.Errorf("targets: %+v", h)
	}
	a.clock.Advance(31 * time.Second)
	if h := health(); len(h) != 0 {
		t.Errorf("targets: %+v", h)
	}
}

func TestHealthCheckRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	tg := a.targetGroup(a.network())
	number := func(n int) *int { return &n }
	str := func(s string) *string { return &s }
	for what, c := range map[string]struct {
		change cloud.HealthCheckChange
		code   string
	}{
		"interval below its timeout": {cloud.HealthCheckChange{IntervalSeconds: number(5), TimeoutSeconds: number(5)}, "ValidationError"},
		"interval":                   {cloud.HealthCheckChange{IntervalSeconds: number(301)}, "ValidationError"},
		"threshold":                  {cloud.HealthCheckChange{HealthyThreshold: number(1)}, "ValidationError"},
		"path":                       {cloud.HealthCheckChange{Path: str("health")}, "ValidationError"},
		"codes":                      {cloud.HealthCheckChange{Matcher: str("500")}, "ValidationError"},
		"good":                       {cloud.HealthCheckChange{Path: str("/health"), Matcher: str("200-299"), IntervalSeconds: number(10)}, ""},
	} {
		_, err := a.ModifyTargetGroup(a.ctx, tg.ARN, c.change)
		a.refused(what, err, c.code)
	}
}
