package build

import (
	"slices"
	"strconv"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/elbv2"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/hostcontract"
)

const (
	protocolHTTP  = "HTTP"
	protocolHTTPS = "HTTPS"
	// tlsPolicy offers TLS 1.3, and TLS 1.2 with forward secrecy and authenticated encryption only.
	tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
	// idleTimeout is in seconds. The app must keep idle connections longer than the balancer does.
	idleTimeout = "60"
	// How the balancer finds out about a host, in seconds and in answers in a row.
	healthInterval     = 10
	healthTimeout      = 5
	healthyThreshold   = 2
	unhealthyThreshold = 3
)

// balancer adds the load balancer, the target group of the hosts, and the listeners.
func (a *assembly) balancer() {
	a.loadBalancer()
	a.targetGroup()
	a.httpListener()
	if a.spec.Ingress.Domain != nil {
		a.httpsListener(a.spec.Ingress.Domain)
	}
}

// loadBalancer adds the balancer. enablePrefixForIPv6SourceNAT is not set: AWS takes it for network load balancers
// only, and ACK fills it in from what AWS returns.
func (a *assembly) loadBalancer() {
	n := a.Node(BalancerNode(a.stack), v1.ComponentBalancer)
	subnets := make([]string, 0, len(a.zones))
	for _, z := range a.zones {
		subnets = append(subnets, n.Value(SubnetNode(tierPublic, z.name), ack.OutputID))
	}
	slices.Sort(subnets)
	a.set(n, ack.LoadBalancer, &elbv2.LoadBalancer{Spec: elbv2.LoadBalancerSpec{
		Name:           a.awsName(n.ID(), maxBalancerName),
		Type:           "application",
		Scheme:         string(a.spec.Ingress.Scheme),
		IPAddressType:  "ipv4",
		Subnets:        subnets,
		SecurityGroups: []string{n.Value(NodeBalancerGroup, ack.OutputID)},
		Attributes: []elbv2.Attribute{
			{Key: "deletion_protection.enabled", Value: "false"}, // the operator tears down; spec.database has its own
			{Key: "idle_timeout.timeout_seconds", Value: idleTimeout},
			{Key: "routing.http.drop_invalid_header_fields.enabled", Value: "true"},
		},
		Tags: a.elbTags(n),
	}})
}

// targetGroup adds the group that the listeners forward to. Its first apply is bare: ACK loses the ARN of a group that
// is created with targets or attributes. They follow together, once the ARN is known and the first host runs.
func (a *assembly) targetGroup() {
	n := a.Node(TargetGroupNode(a.stack), v1.ComponentBalancer)
	spec := elbv2.TargetGroupSpec{
		Name:            a.awsName(n.ID(), maxBalancerName),
		Port:            portApp,
		Protocol:        protocolHTTP,
		ProtocolVersion: "HTTP1",
		TargetType:      "instance",
		IPAddressType:   "ipv4",
		VPCID:           n.Value(NodeVPC, ack.OutputID),

		HealthCheckEnabled:         true,
		HealthCheckProtocol:        protocolHTTP,
		HealthCheckPort:            "traffic-port",
		HealthCheckPath:            hostcontract.HealthPath,
		HealthCheckIntervalSeconds: healthInterval,
		HealthCheckTimeoutSeconds:  healthTimeout,
		HealthyThresholdCount:      healthyThreshold,
		UnhealthyThresholdCount:    unhealthyThreshold,
		Matcher:                    &elbv2.Matcher{HTTPCode: "200"},

		Tags: a.elbTags(n),
	}
	targets := a.targets(n)
	if _, created := n.Own(ack.OutputARN); created && len(targets) > 0 {
		spec.Targets = targets
		spec.Attributes = []elbv2.Attribute{{
			Key:   "deregistration_delay.timeout_seconds",
			Value: strconv.FormatInt(int64(a.spec.Rollout.DrainTime().Seconds()), 10),
		}}
	}
	a.set(n, ack.TargetGroup, &elbv2.TargetGroup{Spec: spec})
}

// targets are the hosts that run and that no rollout drains. AWS refuses the registration of an instance that does not
// run.
func (a *assembly) targets(n *graph.NodeBuilder) []elbv2.Target {
	var ids []string
	for _, host := range a.hostNodes() {
		id, known := n.Optional(host, ack.OutputID)
		state, _ := n.Optional(host, ack.OutputState)
		if known && ack.InstanceRunning(state) {
			ids = append(ids, id)
		}
	}
	if fleet, ok := a.world.(Fleet); ok {
		ids = fleet.Targets()
	}
	slices.Sort(ids)
	targets := make([]elbv2.Target, 0, len(ids))
	for _, id := range ids {
		targets = append(targets, elbv2.Target{ID: id, Port: portApp})
	}
	return targets
}

// httpListener adds the listener on port 80. With a domain it only leads to HTTPS, and waits until HTTPS is served: a
// redirect to a port where nobody listens is worse than what was there before.
func (a *assembly) httpListener() {
	n := a.Node(HTTPListenerNode(a.stack), v1.ComponentBalancer)
	action := elbv2.Action{Type: "redirect", RedirectConfig: &elbv2.RedirectConfig{
		Protocol: protocolHTTPS, Port: strconv.Itoa(portHTTPS),
		Host: "#{host}", Path: "/#{path}", Query: "#{query}", StatusCode: "HTTP_301",
	}}
	if a.spec.Ingress.Domain == nil {
		action = a.forward(n)
	} else {
		n.After(HTTPSListenerNode(a.stack))
	}
	a.set(n, ack.Listener, &elbv2.Listener{Spec: elbv2.ListenerSpec{
		LoadBalancerARN: n.Value(BalancerNode(a.stack), ack.OutputARN),
		Port:            portHTTP,
		Protocol:        protocolHTTP,
		DefaultActions:  []elbv2.Action{action},
		Tags:            a.elbTags(n),
	}})
}

// httpsListener adds the listener on port 443, which waits for an issued certificate.
func (a *assembly) httpsListener(domain *v1.DomainSpec) {
	n := a.Node(HTTPSListenerNode(a.stack), v1.ComponentBalancer)
	certificate := domain.CertificateARN
	if certificate == "" {
		certificate = n.Value(CertificateNode(domain), ack.OutputIssuedARN)
	}
	a.set(n, ack.Listener, &elbv2.Listener{Spec: elbv2.ListenerSpec{
		LoadBalancerARN: n.Value(BalancerNode(a.stack), ack.OutputARN),
		Port:            portHTTPS,
		Protocol:        protocolHTTPS,
		SSLPolicy:       tlsPolicy,
		Certificates:    []elbv2.Certificate{{CertificateARN: certificate}},
		DefaultActions:  []elbv2.Action{a.forward(n)},
		Tags:            a.elbTags(n),
	}})
}

// forward sends requests to the hosts, in the one form that AWS returns as it was given.
func (a *assembly) forward(n *graph.NodeBuilder) elbv2.Action {
	return elbv2.Action{Type: "forward", ForwardConfig: &elbv2.ForwardConfig{
		TargetGroupStickinessConfig: &elbv2.Stickiness{Enabled: false},
		TargetGroups: []elbv2.WeightedTargetGroup{{
			TargetGroupARN: n.Value(TargetGroupNode(a.stack), ack.OutputARN), Weight: 1,
		}},
	}}
}

func (a *assembly) elbTags(n *graph.NodeBuilder) []elbv2.Tag {
	return tagList(a, n.ID(), func(key, value string) elbv2.Tag { return elbv2.Tag{Key: key, Value: value} })
}
