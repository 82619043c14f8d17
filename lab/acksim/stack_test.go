package acksim_test

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

const (
	adoptable = "services.k8s.aws/adoption-policy"
	orCreate  = "adopt-or-create"
	trustEC2  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` +
		`"Action":"sts:AssumeRole"}]}`
	readSecrets = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`
)

// network makes VPC, gateway, public and private tables and subnets; names are the operator's.
type network struct {
	vpc, igw, rtPublic string
	public, app, db    [2]string
	nat                [2]string
	sgALB, sgApp, sgDB string
}

func zone(i int) string { return region + string(rune('a'+i)) }

func (w *world) subnet(name, vpc, cidr, az, table string, publicIP bool) string {
	w.t.Helper()
	w.apply("Subnet", name, m{
		"vpcID": vpc, "cidrBlock": cidr, "availabilityZone": az, "routeTables": list(table), "mapPublicIPOnLaunch": publicIP,
		"assignIPv6AddressOnCreation": false, "enableDNS64": false, "enableResourceNameDNSARecord": false,
		"enableResourceNameDNSAAAARecord": false, "tags": tags(),
	})
	return str(w.ready("Subnet", name), "status.subnetID")
}

func (w *world) network() network {
	w.t.Helper()
	var n network
	w.apply("VPC", "vpc", m{"cidrBlocks": list("10.0.0.0/16"), "enableDNSSupport": true, "enableDNSHostnames": true, "tags": tags()})
	n.vpc = str(w.ready("VPC", "vpc"), "status.vpcID")
	w.apply("InternetGateway", "igw", m{"vpc": n.vpc, "tags": tags()})
	n.igw = str(w.ready("InternetGateway", "igw"), "status.internetGatewayID")
	w.apply("RouteTable", "rt-public", m{
		"vpcID": n.vpc, "routes": list(m{"destinationCIDRBlock": "0.0.0.0/0", "gatewayID": n.igw}), "tags": tags(),
	})
	n.rtPublic = str(w.ready("RouteTable", "rt-public"), "status.routeTableID")
	w.apply("RouteTable", "rt-db", m{"vpcID": n.vpc, "tags": tags()})
	rtDB := str(w.ready("RouteTable", "rt-db"), "status.routeTableID")
	for i := range 2 {
		n.public[i] = w.subnet(seq("public-%d", i), n.vpc, seq("10.0.%d.0/24", 1+i), zone(i), n.rtPublic, true)
		n.db[i] = w.subnet(seq("db-%d", i), n.vpc, seq("10.0.%d.0/24", 100+i), zone(i), rtDB, false)
		w.apply("ElasticIPAddress", seq("eip-%d", i), m{"tags": tags()})
		eip := str(w.ready("ElasticIPAddress", seq("eip-%d", i)), "status.allocationID")
		w.apply("NATGateway", seq("nat-%d", i), m{"subnetID": n.public[i], "allocationID": eip, "connectivityType": "public", "tags": tags()})
		n.nat[i] = str(w.ready("NATGateway", seq("nat-%d", i)), "status.natGatewayID")
		w.apply("RouteTable", seq("rt-app-%d", i), m{
			"vpcID": n.vpc, "routes": list(m{"destinationCIDRBlock": "0.0.0.0/0", "natGatewayID": n.nat[i]}), "tags": tags(),
		})
		rt := str(w.ready("RouteTable", seq("rt-app-%d", i)), "status.routeTableID")
		n.app[i] = w.subnet(seq("app-%d", i), n.vpc, seq("10.0.%d.0/24", 10+i), zone(i), rt, false)
	}
	n.sgALB = w.group("sg-alb", n.vpc, 80, m{"ipRanges": list(m{"cidrIP": "0.0.0.0/0"})})
	n.sgApp = w.group("sg-app", n.vpc, 8080, m{"userIDGroupPairs": list(m{"groupID": n.sgALB})})
	n.sgDB = w.group("sg-db", n.vpc, 3306, m{"userIDGroupPairs": list(m{"groupID": n.sgApp})})
	return n
}

func (w *world) group(name, vpc string, port int64, peers m) string {
	w.t.Helper()
	rule := m{"ipProtocol": "tcp", "fromPort": port, "toPort": port}
	maps.Copy(rule, peers)
	w.apply("SecurityGroup", name, m{
		"name": "ums-" + name, "description": "of the stack", "vpcID": vpc, "ingressRules": list(rule),
		"egressRules": list(m{"ipProtocol": "-1", "ipRanges": list(m{"cidrIP": "0.0.0.0/0"})}), "tags": tags(),
	}, adoptable, orCreate)
	return str(w.ready("SecurityGroup", name), "status.id")
}

// identity makes role and profile of the hosts and returns the profile's ARN.
func (w *world) identity() string {
	w.t.Helper()
	w.apply("Role", "role", m{
		"name": "ums-host", "assumeRolePolicyDocument": trustEC2,
		"policies": list("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"), "tags": tags(),
		"inlinePolicies": m{"secrets": readSecrets},
	}, adoptable, orCreate)
	w.ready("Role", "role")
	w.apply("InstanceProfile", "profile", m{"name": "ums-host", "role": "ums-host", "tags": tags()}, adoptable, orCreate)
	u := w.until("InstanceProfile", "profile", "has its role", func(u *unstructured.Unstructured) bool {
		for _, p := range w.cloud.InstanceProfiles() {
			if p.RoleName == "ums-host" && condition(u, "Ready") == "True" {
				return true
			}
		}
		return false
	})
	return arn(u)
}

func (w *world) host(name, subnet, group, profile string) string {
	w.t.Helper()
	w.apply("Instance", name, m{
		"imageID": "ami-0123456789abcdef0", "instanceType": "t3.micro", "subnetID": subnet, "securityGroupIDs": list(group),
		"iamInstanceProfile": m{"arn": profile}, "userData": "I2Nsb3VkLWNvbmZpZwo=",
		"metadataOptions":     m{"httpTokens": "required", "httpEndpoint": "enabled", "httpPutResponseHopLimit": int64(1)},
		"blockDeviceMappings": list(m{"deviceName": "/dev/xvda", "ebs": m{"volumeSize": int64(20), "volumeType": "gp3", "encrypted": true}}),
		"tags":                tags(),
	})
	u := w.ready("Instance", name)
	if state := str(u, "status.state.name"); state != "running" {
		w.t.Fatalf("instance %s is Ready in state %q", name, state)
	}
	return str(u, "status.instanceID")
}

func (w *world) database(n network) *unstructured.Unstructured {
	w.t.Helper()
	w.apply("DBSubnetGroup", "db-subnets", m{
		"name": "ums-db", "description": "of the stack", "subnetIDs": list(n.db[0], n.db[1]), "tags": tags(),
	}, adoptable, orCreate)
	w.ready("DBSubnetGroup", "db-subnets")
	w.apply("DBParameterGroup", "db-params", m{
		"name": "ums-db", "description": "of the stack", "family": "mysql8.4", "tags": tags(),
		"parameterOverrides": m{"character_set_server": "utf8mb4"},
	}, adoptable, orCreate)
	w.ready("DBParameterGroup", "db-params")
	w.apply("DBInstance", "db", dbSpec(n), adoptable, orCreate)
	return w.ready("DBInstance", "db")
}

func dbSpec(n network) m {
	return m{
		"dbInstanceIdentifier": "ums-db", "dbInstanceClass": "db.t3.micro", "engine": "mysql", "engineVersion": "8.4",
		"allocatedStorage": int64(20), "storageType": "gp3", "storageEncrypted": true, "dbName": "ums", "masterUsername": "ums",
		"manageMasterUserPassword": true, "multiAZ": false, "dbSubnetGroupName": "ums-db", "dbParameterGroupName": "ums-db",
		"vpcSecurityGroupIDs": list(n.sgDB), "backupRetentionPeriod": int64(7), "deletionProtection": false,
		"publiclyAccessible": false, "databaseInsightsMode": "standard", "tags": tags(),
	}
}

func forward(targetGroup string) []any {
	return list(m{"type": "forward", "forwardConfig": m{
		"targetGroupStickinessConfig": m{"enabled": false},
		"targetGroups":                list(m{"targetGroupARN": targetGroup, "weight": int64(1)}),
	}})
}

func tgSpec(vpc string) m {
	return m{"name": "ums-tg", "port": int64(8080), "protocol": "HTTP", "targetType": "instance", "vpcID": vpc, "healthCheckPath": "/health"}
}

// balancer makes load balancer and target group and returns both.
func (w *world) balancer(n network) (lb, tg *unstructured.Unstructured) {
	w.t.Helper()
	w.apply("LoadBalancer", "alb", m{
		"name": "ums-alb", "scheme": "internet-facing", "type": "application", "subnets": list(n.public[0], n.public[1]),
		"securityGroups": list(n.sgALB), "attributes": list(m{"key": "idle_timeout.timeout_seconds", "value": "30"}), "tags": tags(),
	}, adoptable, orCreate)
	lb = w.ready("LoadBalancer", "alb")
	w.apply("TargetGroup", "tg", tgSpec(n.vpc), adoptable, orCreate)
	tg = w.ready("TargetGroup", "tg")
	return lb, tg
}

// certificate makes an issued certificate.
func (w *world) certificate(zoneID string) string {
	w.t.Helper()
	w.apply("Certificate", "cert", m{"domainName": "users.example.com", "tags": tags()})
	u := w.until("Certificate", "cert", "shows its record", func(u *unstructured.Unstructured) bool {
		return validationRecord(u) != nil
	})
	record := validationRecord(u)
	w.apply("RecordSet", "cert-validation", m{
		"hostedZoneID": zoneID, "name": record["name"], "recordType": record["type_"], "ttl": int64(300),
		"resourceRecords": list(m{"value": record["value"]}),
	}, adoptable, orCreate)
	w.ready("RecordSet", "cert-validation")
	return arn(w.until("Certificate", "cert", "issued", func(u *unstructured.Unstructured) bool {
		return str(u, "status.status") == "ISSUED"
	}))
}

// validationRecord is the DNS record that a certificate of one domain asks for; nil if ACM has not named it yet.
func validationRecord(certificate *unstructured.Unstructured) m {
	validations := elements(certificate.Object, "status.domainValidations")
	if len(validations) != 1 {
		return nil
	}
	record, _ := validations[0]["resourceRecord"].(m)
	return record
}

// TestWholeStack makes every kind, sees it ready and consistent in AWS, and takes it all away again.
func TestWholeStack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloud.Options{}, acksim.Options{})
	n := w.network()
	w.secrets()
	db := w.database(n)
	if str(db, "status.endpoint.address") == "" || str(db, "status.masterUserSecret.secretARN") == "" {
		t.Errorf("database lacks endpoint or secret:\n%s", pretty(db))
	}
	w.site(n)
	if owned := len(w.cloud.OwnedObjects()); owned != 34 {
		t.Errorf("%d AWS objects, want one for each of 34 custom resources: %v", owned, w.cloud.OwnedObjects())
	}
	w.teardown(wholeStack)
	if left := w.cloud.OwnedObjects(); len(left) != 0 {
		t.Errorf("left in AWS: %v", left)
	}
}

// secrets makes a secret of which AWS has to hold the value, and a policy.
func (w *world) secrets() {
	w.t.Helper()
	w.secret("app", "secret", `{"key":"value"}`, corev1.SecretTypeOpaque)
	w.apply("Secret", "app-secret", m{
		"name": "ums-app", "description": "hash 1", "secretString": m{"name": "app", "key": "secret"}, "tags": tags(),
	}, adoptable, orCreate)
	if value, ok := w.cloud.SecretValue(arn(w.ready("Secret", "app-secret"))); !ok || value != `{"key":"value"}` {
		w.t.Errorf("secret in AWS is %q", value)
	}
	w.apply("Policy", "policy", m{
		"name": "ums", "policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`,
	})
	w.ready("Policy", "policy")
}

// site makes hosts behind a load balancer with a certificate and a name.
func (w *world) site(n network) {
	w.t.Helper()
	zoneID, err := w.cloud.AddHostedZone("example.com")
	if err != nil {
		w.t.Fatal(err)
	}
	profile := w.identity()
	lb, tg := w.balancer(n)
	cert := w.certificate(zoneID)
	hosts := []string{w.host("host-0", n.app[0], n.sgApp, profile), w.host("host-1", n.app[1], n.sgApp, profile)}
	spec := tgSpec(n.vpc)
	spec["targets"] = list(m{"id": hosts[0], "port": int64(8080)}, m{"id": hosts[1], "port": int64(8080)})
	w.apply("TargetGroup", "tg", spec, adoptable, orCreate)
	w.eventually("targets are registered", func() bool { return len(w.cloud.TargetGroups()[0].Targets) == 2 })
	w.apply("Listener", "https", m{
		"loadBalancerARN": arn(lb), "port": int64(443), "protocol": "HTTPS", "certificates": list(m{"certificateARN": cert}),
		"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06", "defaultActions": forward(arn(tg)),
	})
	w.ready("Listener", "https")
	w.apply("RecordSet", "dns", m{
		"hostedZoneID": zoneID, "name": "users", "recordType": "A", "aliasTarget": m{
			"dnsName": str(lb, "status.dnsName"), "hostedZoneID": str(lb, "status.canonicalHostedZoneID"), "evaluateTargetHealth": true,
		},
	}, adoptable, orCreate)
	w.ready("RecordSet", "dns")
}

// wholeStack is all that TestWholeStack makes, in waves in which it can be deleted.
var wholeStack = [][]string{
	{"RecordSet/dns"},
	{"Listener/https"},
	{"LoadBalancer/alb", "Instance/host-0", "Instance/host-1"},
	{"TargetGroup/tg"},
	{"DBInstance/db"},
	{"Certificate/cert", "RecordSet/cert-validation"},
	{"DBSubnetGroup/db-subnets", "DBParameterGroup/db-params"},
	{"NATGateway/nat-0", "NATGateway/nat-1"},
	{"ElasticIPAddress/eip-0", "ElasticIPAddress/eip-1"},
	{"Subnet/public-0", "Subnet/public-1", "Subnet/app-0", "Subnet/app-1", "Subnet/db-0", "Subnet/db-1"},
	{"RouteTable/rt-public", "RouteTable/rt-db", "RouteTable/rt-app-0", "RouteTable/rt-app-1"},
	{"SecurityGroup/sg-db", "SecurityGroup/sg-app", "SecurityGroup/sg-alb"},
	{"InternetGateway/igw"},
	{"VPC/vpc"},
	{"InstanceProfile/profile"},
	{"Role/role", "Policy/policy", "Secret/app-secret"},
}

// teardown deletes wave after wave.
func (w *world) teardown(waves [][]string) {
	w.t.Helper()
	for _, wave := range waves {
		for _, id := range wave {
			kind, name := split(id)
			w.delete(kind, name)
		}
		for _, id := range wave {
			kind, name := split(id)
			w.gone(kind, name)
		}
	}
}

func split(id string) (kind, name string) {
	for i := range id {
		if id[i] == '/' {
			return id[:i], id[i+1:]
		}
	}
	return id, ""
}
