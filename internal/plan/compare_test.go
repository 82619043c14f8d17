package plan

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"usermanagement.dev/stack/internal/ack"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// writtenByACK has what we apply and what ACK leaves after its passes, as seen with its controllers.
var writtenByACK = []struct {
	kind       ack.Kind
	ours, live string
}{
	{
		ack.VPC, `{cidrBlocks: [10.0.0.0/16], enableDNSSupport: true, enableDNSHostnames: true}`,
		`{cidrBlocks: [10.0.0.0/16], enableDNSSupport: true, enableDNSHostnames: true, instanceTenancy: default,
		  enableNetworkAddressUsageMetrics: false}`,
	},
	{
		ack.Subnet, `{vpcID: vpc-1, cidrBlock: 10.0.1.0/24, routeTables: [rtb-1], mapPublicIPOnLaunch: false, enableDNS64: false}`,
		`{vpcID: vpc-1, cidrBlock: 10.0.1.0/24, routeTables: [rtb-1], mapPublicIPOnLaunch: false, enableDNS64: false,
		  availabilityZoneID: use2-az1}`,
	},
	{
		ack.ElasticIPAddress, `{tags: [{key: Name, value: a}]}`,
		`{tags: [{key: Name, value: a}], networkBorderGroup: us-east-2, publicIPv4Pool: amazon}`,
	},
	{
		ack.NATGateway, `{subnetID: subnet-1, allocationID: eipalloc-1, connectivityType: public}`,
		`{subnetID: subnet-1, allocationID: eipalloc-1, connectivityType: public, vpcID: vpc-1, availabilityMode: zonal}`,
	},
	{
		ack.RouteTable, `{vpcID: vpc-1, routes: [{destinationCIDRBlock: 0.0.0.0/0, natGatewayID: nat-1}]}`,
		`{vpcID: vpc-1, routes: [{destinationCIDRBlock: 0.0.0.0/0, natGatewayID: nat-1}]}`,
	},
	{
		ack.SecurityGroup,
		`{name: app, ingressRules: [{ipProtocol: tcp, fromPort: 22, toPort: 22, userIDGroupPairs: [{groupID: sg-1, description: a}]},
		  {ipProtocol: tcp, fromPort: 80, toPort: 80, ipRanges: [{cidrIP: 10.0.0.0/24, description: b}, {cidrIP: 10.0.1.0/24,
		  description: b}]}]}`,
		`{name: app, ingressRules: [{ipProtocol: tcp, fromPort: 80, toPort: 80, ipRanges: [{cidrIP: 10.0.1.0/24, description: b},
		  {cidrIP: 10.0.0.0/24, description: b}]},
		  {ipProtocol: tcp, fromPort: 22, toPort: 22, userIDGroupPairs: [{groupID: sg-1, userID: "111122223333", description: a}]}]}`,
	},
	{
		ack.Instance,
		`{imageID: ami-1, instanceType: t3.micro, subnetID: subnet-1, securityGroupIDs: [sg-1], userData: I2Nsb3Vk,
		  iamInstanceProfile: {arn: "arn:p"}, monitoring: {enabled: false}, metadataOptions: {httpTokens: required},
		  blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeSize: 20, encrypted: true, volumeType: gp3}}]}`,
		`{imageID: ami-1, instanceType: t3.micro, subnetID: subnet-1, securityGroupIDs: [sg-1],
		  iamInstanceProfile: {arn: "arn:p"}, monitoring: {}, metadataOptions: {httpEndpoint: enabled, httpTokens: required},
		  blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {deleteOnTermination: true}}],
		  networkInterfaces: [{networkInterfaceID: eni-1}], securityGroups: [app], privateIPAddress: 10.0.1.7,
		  placement: {availabilityZone: us-east-2a}, cpuOptions: {coreCount: 1}, hibernationOptions: {configured: false}}`,
	},
	{
		ack.LoadBalancer,
		`{name: a, type: application, scheme: internal, ipAddressType: ipv4, subnets: [subnet-1, subnet-2], attributes: [{key: k,
		  value: v}]}`,
		`{name: a, type: application, scheme: internal, ipAddressType: ipv4, subnets: [subnet-2, subnet-1], attributes: [{key: k,
		  value: v}],
		  enablePrefixForIPv6SourceNAT: "off", securityGroups: [sg-1]}`,
	},
	{
		ack.TargetGroup,
		`{name: a, port: 8080, protocol: HTTP, vpcID: vpc-1, matcher: {httpCode: "200"}, targets: [{id: i-1, port: 8080}]}`,
		`{name: a, port: 8080, protocol: HTTP, vpcID: vpc-1, matcher: {httpCode: "200"}, healthyThresholdCount: 2,
		  targets: [{id: i-0, port: 8080}, {id: i-1, port: 8080, availabilityZone: us-east-2a}]}`,
	},
	{ack.Listener, forward, forward},
	{ack.Listener, forward, // AWS names a single group once more, numbers actions, and leaves defaults out
		`{port: 443, protocol: HTTPS, sslPolicy: p, certificates: [{certificateARN: "arn:c", isDefault: true}],
		  mutualAuthentication: {mode: "off"},
		  defaultActions: [{type: forward, order: 1, targetGroupARN: "arn:tg",
		  forwardConfig: {targetGroups: [{targetGroupARN: "arn:tg", weight: 1}]}}]}`},
	{
		ack.Listener, forward,
		`{port: 443, protocol: HTTPS, sslPolicy: p, certificates: [{certificateARN: "arn:c"}], defaultActions: [{type: forward,
		  targetGroupARN: "arn:tg"}]}`,
	},
	{
		ack.Listener,
		`{port: 80, protocol: HTTP, defaultActions: [{type: redirect, redirectConfig: {protocol: HTTPS, port: "443",
		  host: "#{host}", statusCode: HTTP_301}}]}`,
		`{port: 80, protocol: HTTP, defaultActions: [{type: redirect, order: 1, redirectConfig: {protocol: HTTPS, port: "443",
		  host: "#{host}", path: "/#{path}", statusCode: HTTP_301}}]}`,
	},
	{
		ack.DBSubnetGroup, `{name: a, description: d, subnetIDs: [subnet-1, subnet-2]}`,
		`{name: a, description: d, subnetIDs: [subnet-2, subnet-1]}`,
	},
	{
		ack.DBParameterGroup, `{name: a, family: mysql8.4, parameterOverrides: {require_secure_transport: "1"}}`,
		`{name: a, family: mysql8.4, parameterOverrides: {require_secure_transport: "1"}, description: d}`,
	},
	{
		ack.DBInstance,
		`{dbInstanceIdentifier: a, engine: mysql, engineVersion: "8.4", multiAZ: false, backupRetentionPeriod: 0,
		  vpcSecurityGroupIDs: [sg-1]}`,
		`{dbInstanceIdentifier: a, engine: mysql, engineVersion: 8.4.5, multiAZ: false, backupRetentionPeriod: 0,
		  vpcSecurityGroupIDs: [sg-1],
		  availabilityZone: us-east-2a, licenseModel: general-public-license, preferredBackupWindow: "03:00-03:30"}`,
	},
	{
		ack.Certificate, `{domainName: a.example.com, subjectAlternativeNames: [a.example.com, b.example.com]}`,
		`{domainName: a.example.com, subjectAlternativeNames: [b.example.com, a.example.com], keyAlgorithm: RSA_2048,
		  options: {certificateTransparencyLoggingPreference: ENABLED}, domainValidationOptions: [{domainName: a.example.com}]}`,
	},
	{
		ack.Role, `{name: a, assumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}',
	  inlinePolicies: {p: '{}'}}`,
		`{name: a, assumeRolePolicyDocument: '{"Statement": [ {"Effect": "Allow"} ], "Version": "2012-10-17"}',
		  inlinePolicies: {p: '{}'},
		  path: /, maxSessionDuration: 3600}`,
	},
	{ack.InstanceProfile, `{name: a, role: r}`, `{name: a, role: r, path: /}`},
	{
		ack.RecordSet, `{name: a., recordType: A, aliasTarget: {dnsName: lb, hostedZoneID: Z1, evaluateTargetHealth: true}}`,
		`{name: a., recordType: A, aliasTarget: {dnsName: lb, hostedZoneID: Z1, evaluateTargetHealth: true}}`,
	},
	{
		ack.Secret, `{name: a, description: d, secretString: {name: s, key: k}}`,
		`{name: a, description: d, secretString: {name: s, key: k, namespace: n}}`,
	},
}

func TestWhatACKWritesIsNobodysEdit(t *testing.T) {
	for _, c := range writtenByACK {
		found := comparison{ack.Rewritten(c.kind.Name)}.differences(parse(t, c.ours), parse(t, c.live), "")
		if len(found) > 0 {
			t.Errorf("%s: what ACK wrote in %v is taken for an edit", c.kind.Name, found)
		}
	}
}

const forward = `{port: 443, protocol: HTTPS, sslPolicy: p, certificates: [{certificateARN: "arn:c"}],
  defaultActions: [{type: forward, forwardConfig: {targetGroupStickinessConfig: {enabled: false},
  targetGroups: [{targetGroupARN: "arn:tg", weight: 1}]}}]}`

func TestEditsAreSeen(t *testing.T) {
	for _, c := range []struct {
		why        string
		kind       ack.Kind
		ours, live string
		want       []string
	}{
		{"a value", ack.VPC, `{a: 1}`, `{a: 2}`, []string{"a"}},
		{"a value that is gone", ack.VPC, `{a: x, b: {c: y}}`, `{b: {}}`, []string{"a", "b.c"}},
		{"a whole spec that is gone", ack.VPC, `{a: x}`, `null`, []string{""}},
		{"another type", ack.VPC, `{a: {b: 1}, c: [1], d: "1"}`, `{a: 1, c: {}, d: 1}`, []string{"a", "c", "d"}},
		{
			"a switch that is not set any more, which costs a call to AWS in each pass", ack.Subnet, `{enableDNS64: false}`, `{}`,
			[]string{"enableDNS64"},
		},
		{"a zero that is not set any more", ack.DBInstance, `{backupRetentionPeriod: 0}`, `{}`, []string{"backupRetentionPeriod"}},
		{"an empty text that is not set any more", ack.VPC, `{a: ""}`, `{}`, []string{"a"}},
		{
			"one element more", ack.SecurityGroup, `{ingressRules: [{fromPort: 22}]}`,
			`{ingressRules: [{fromPort: 22}, {fromPort: 23}]}`,
			[]string{"ingressRules"},
		},
		{"one element less", ack.VPC, `{tags: [{key: a}, {key: b}]}`, `{tags: [{key: a}]}`, []string{"tags"}},
		{"one element twice for two", ack.VPC, `{tags: [{key: a}, {key: b}]}`, `{tags: [{key: a}, {key: a}]}`, []string{"tags"}},
		{"an element in a list we want empty", ack.VPC, `{tags: []}`, `{tags: [{key: a}]}`, []string{"tags"}},
		{
			"a rule that lets more in", ack.SecurityGroup, `{ingressRules: [{ipRanges: [{cidrIP: 10.0.0.0/24}]}]}`,
			`{ingressRules: [{ipRanges: [{cidrIP: 0.0.0.0/0}]}]}`,
			[]string{"ingressRules"},
		},
		{
			"a listener that forwards elsewhere", ack.Listener, forward,
			`{port: 443, protocol: HTTPS, sslPolicy: p, certificates: [{certificateARN: "arn:c"}], defaultActions: [{type: forward,
			  targetGroupARN: "arn:other"}]}`,
			[]string{"defaultActions"},
		},
		{
			"a listener that forwards elsewhere too", ack.Listener,
			`{defaultActions: [{type: forward, forwardConfig: {targetGroups: [{targetGroupARN: a}]}}]}`,
			`{defaultActions: [{type: forward, forwardConfig: {targetGroups: [{targetGroupARN: a}, {targetGroupARN: b}]}}]}`,
			[]string{"defaultActions"},
		},
		{"a listener without actions", ack.Listener, `{defaultActions: [{type: forward}]}`, `{}`, []string{"defaultActions"}},
		{
			"a redirect to somewhere else", ack.Listener, `{defaultActions: [{type: redirect, redirectConfig: {host: "#{host}"}}]}`,
			`{defaultActions: [{type: redirect, redirectConfig: {host: evil.example.com}}]}`,
			[]string{"defaultActions"},
		},
		{
			"another certificate", ack.Listener, `{certificates: [{certificateARN: a}]}`, `{certificates: [{certificateARN: b}]}`,
			[]string{"certificates"},
		},
		{
			"a host that is taken off the load balancer", ack.TargetGroup, `{targets: [{id: i-1}, {id: i-2}]}`, `{targets: [{id: i-2}]}`,
			[]string{"targets"},
		},
		{"all hosts taken off the load balancer", ack.TargetGroup, `{targets: [{id: i-1}]}`, `{}`, []string{"targets"}},
		{"an older database", ack.DBInstance, `{engineVersion: "8.4"}`, `{engineVersion: "8.40.1"}`, []string{"engineVersion"}},
		{
			"a role for somebody else", ack.Role, `{assumeRolePolicyDocument: '{"a":1}'}`, `{assumeRolePolicyDocument: '{"a":2}'}`,
			[]string{"assumeRolePolicyDocument"},
		},
		{
			"a document that is none", ack.Role, `{assumeRolePolicyDocument: '{"a":1}'}`, `{assumeRolePolicyDocument: 'x'}`,
			[]string{"assumeRolePolicyDocument"},
		},
	} {
		found := comparison{ack.Rewritten(c.kind.Name)}.differences(parse(t, c.ours), parse(t, c.live), "")
		if !slices.Equal(found, c.want) {
			t.Errorf("%s: got %q, want %q", c.why, found, c.want)
		}
	}
}

func TestWhatIsNotOursOrMeansTheSameIsNoEdit(t *testing.T) {
	for _, c := range []struct {
		why        string
		ours, live any
	}{
		{
			"an integer from a Go struct and a number from JSON",
			map[string]any{"a": int64(3_300_000)},
			map[string]any{"a": float64(3_300_000)},
		},
		{"integers of two sizes", map[string]any{"a": int32(7)}, map[string]any{"a": int64(7)}},
		{"an empty list that ACK's types leave out", map[string]any{"a": []any{}}, map[string]any{}},
		{"an empty map that ACK's types leave out", map[string]any{"a": map[string]any{}}, map[string]any{}},
		{"an empty map that ACK has filled", map[string]any{"a": map[string]any{}}, map[string]any{"a": map[string]any{"b": 1}}},
		{"nothing asked for", nil, map[string]any{"a": "x"}},
		{"a null is nothing asked for", map[string]any{"a": nil}, map[string]any{"a": "x"}},
		{
			"an element that would hold two, where only one way fits",
			[]any{map[string]any{"a": "1"}, map[string]any{"a": "1", "b": "2"}},
			[]any{map[string]any{"a": "1", "b": "2"}, map[string]any{"a": "1"}},
		},
	} {
		if found := (comparison{}).differences(c.ours, c.live, ""); len(found) > 0 {
			t.Errorf("%s: taken for an edit of %q", c.why, found)
		}
	}
}

// jsonValue draws what JSON can hold, nested to a depth.
func jsonValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Map(rapid.SampledFrom([]string{"", "a", "b"}), func(v string) any { return v }),
		rapid.Map(rapid.Int64Range(-2, 2), func(v int64) any { return v }),
		rapid.Map(rapid.Bool(), func(v bool) any { return v }),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return jsonValue(depth - 1) })
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(v []any) any { return v }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), inner, 0, 3), func(v map[string]any) any { return v }),
	)...)
}

// grown is a value as AWS may answer: lists in another order, maps with more in them, integers as floats.
func grown(t *rapid.T, value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{"added": "by AWS"}
		for key, inner := range v {
			out[key] = grown(t, inner)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, inner := range v {
			out = append(out, grown(t, inner))
		}
		return rapid.Permutation(out).Draw(t, "order")
	case int64:
		return float64(v)
	default:
		return v
	}
}

func TestAnythingIsHeldByWhatAWSMakesOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := jsonValue(3).Draw(t, "value")
		if found := (comparison{}).differences(value, grown(t, value), ""); len(found) > 0 {
			t.Fatalf("differs at %q", found)
		}
	})
}
