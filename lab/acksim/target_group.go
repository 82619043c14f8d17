package acksim

import (
	"context"
	"errors"
	"slices"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// targetGroupKind is elbv2 TargetGroup, known by its name. With targets or attributes in its first spec the answer of the
// create is lost, ARN and all. Only the health check can be changed: any other change is undone in spec.
func targetGroupKind() *kind {
	return &kind{
		name: "TargetGroup", service: "elbv2", untagged: true,
		terminal: []string{"InvalidConfigurationRequest"}, gone: []string{"TargetGroupNotFound"},
		references: []reference{{from: "vpcRef", into: "vpcID", kind: "VPC", value: "status.vpcID"}},
		compared: append(fields("healthCheckEnabled", "healthCheckIntervalSeconds", "healthCheckPath", "healthCheckPort",
			"healthCheckProtocol", "healthCheckTimeoutSeconds", "healthyThresholdCount", "unhealthyThresholdCount", "ipAddressType",
			"matcher", "port", "protocol", "protocolVersion", "targetType", "vpcID"),
			comparison{"targets", differentTargets}, comparison{"attributes", declared}),
		read: readTargetGroup, create: createTargetGroup, update: updateTargetGroup,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteTargetGroup(ctx, latest.arn())
		},
	}
}

func targetsOf(value any) []cloud.Target {
	var targets []cloud.Target
	for _, t := range trees(tree{"x": value}, "x") {
		targets = append(targets, cloud.Target{ID: text(t, "id"), Port: number(t, "port")})
	}
	return targets
}

// targetChanges compares by id; a port that the spec leaves out matches any.
func targetChanges(want, have []cloud.Target) (add, remove []cloud.Target) {
	match := func(w, h cloud.Target) bool { return w.ID == h.ID && (w.Port == 0 || w.Port == h.Port) }
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h cloud.Target) bool { return match(w, h) }) {
			add = append(add, w)
		}
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w cloud.Target) bool { return w.ID == h.ID }) {
			remove = append(remove, h)
		}
	}
	return add, remove
}

func differentTargets(a, b any) bool {
	want, have := targetsOf(a), targetsOf(b)
	add, remove := targetChanges(want, have)
	return len(want) != len(have) || len(add)+len(remove) > 0
}

func readTargetGroup(ctx context.Context, p *pass, desired *object) (*object, error) {
	g, err := p.aws.DescribeTargetGroup(ctx, text(desired.spec(), "name"))
	if err != nil {
		return nil, err
	}
	targets, err := p.aws.DescribeTargetHealth(ctx, g.ARN)
	if err != nil {
		return nil, err
	}
	latest := p.showTargetGroup(desired.copy(), g)
	put(latest.spec(), "targets", list(targets, func(t cloud.Target) any {
		return tree{"id": t.ID, "port": int64(t.Port)}
	}))
	put(latest.spec(), "attributes", attributeList(g.Attributes))
	return latest, nil
}

func (p *pass) showTargetGroup(o *object, g cloud.TargetGroup) *object {
	spec := o.spec()
	spec["healthCheckEnabled"], spec["healthCheckPath"] = g.Health.Enabled, g.Health.Path
	spec["healthCheckPort"], spec["healthCheckProtocol"] = g.Health.Port, g.Health.Protocol
	spec["healthCheckIntervalSeconds"] = int64(g.Health.IntervalSeconds)
	spec["healthCheckTimeoutSeconds"] = int64(g.Health.TimeoutSeconds)
	spec["healthyThresholdCount"] = int64(g.Health.HealthyThreshold)
	spec["unhealthyThresholdCount"] = int64(g.Health.UnhealthyThreshold)
	spec["matcher"] = tree{"httpCode": g.Health.Matcher}
	spec["ipAddressType"], spec["protocolVersion"], spec["targetType"] = g.IPAddressType, g.ProtocolVersion, g.TargetType
	spec["port"], spec["protocol"], spec["vpcID"] = int64(g.Port), g.Protocol, g.VPCID
	o.setARN(g.ARN)
	put(o.status(), "loadBalancerARNs", textList(g.LoadBalancers))
	return o
}

func healthChange(spec tree) cloud.HealthCheckChange {
	return cloud.HealthCheckChange{
		Enabled: truthPtr(spec, "healthCheckEnabled"), Protocol: textPtr(spec, "healthCheckProtocol"),
		Port: textPtr(spec, "healthCheckPort"), Path: textPtr(spec, "healthCheckPath"), Matcher: textPtr(spec, "matcher.httpCode"),
		IntervalSeconds: numberPtr(spec, "healthCheckIntervalSeconds"), TimeoutSeconds: numberPtr(spec, "healthCheckTimeoutSeconds"),
		HealthyThreshold: numberPtr(spec, "healthyThresholdCount"), UnhealthyThreshold: numberPtr(spec, "unhealthyThresholdCount"),
	}
}

func createTargetGroup(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	g, err := p.aws.CreateTargetGroup(ctx, cloud.CreateTargetGroupInput{
		Name: text(spec, "name"), Protocol: text(spec, "protocol"), ProtocolVersion: text(spec, "protocolVersion"),
		VPCID: text(spec, "vpcID"), TargetType: text(spec, "targetType"), IPAddressType: text(spec, "ipAddressType"),
		Port: number(spec, "port"), Health: healthChange(spec), Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	if len(items(spec, "targets")) > 0 || len(items(spec, "attributes")) > 0 {
		return nil, waitFor(p.opts.Pace.poll(5*time.Second), "Requeuing for post-create updates (targets or attributes)")
	}
	return p.showTargetGroup(desired.copy(), g), nil
}

// updateTargetGroup answers with the stored status where only targets or attributes changed: an ARN that the create lost is
// not found again that way.
func updateTargetGroup(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	arn, spec := latest.arn(), desired.spec()
	if arn == "" {
		return nil, errors.New("target group ARN is not yet available")
	}
	if changed.has("targets") {
		if err := p.exchangeTargets(ctx, arn, targetsOf(spec["targets"]), targetsOf(latest.spec()["targets"])); err != nil {
			return nil, err
		}
	}
	if changed.has("attributes") {
		if err := p.aws.ModifyTargetGroupAttributes(ctx, arn, attributesOf(spec)); err != nil {
			return nil, err
		}
	}
	if !changed.beyond("targets", "attributes") {
		return desired.copy(), nil
	}
	g, err := p.aws.ModifyTargetGroup(ctx, arn, healthChange(spec))
	if err != nil {
		return nil, err
	}
	g.LoadBalancers = texts(latest.status(), "loadBalancerARNs")
	return p.showTargetGroup(desired.copy(), g), nil
}

func (p *pass) exchangeTargets(ctx context.Context, arn string, want, have []cloud.Target) error {
	add, remove := targetChanges(want, have)
	if len(remove) > 0 {
		if err := p.aws.DeregisterTargets(ctx, arn, remove); err != nil {
			return err
		}
	}
	if len(add) == 0 {
		return nil
	}
	return p.aws.RegisterTargets(ctx, arn, add)
}
