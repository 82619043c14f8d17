package cloud

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// HealthCheck says how a load balancer checks targets.
type HealthCheck struct {
	Enabled                              bool
	Protocol, Port, Path, Matcher        string
	IntervalSeconds, TimeoutSeconds      int
	HealthyThreshold, UnhealthyThreshold int
}

// TargetGroup is where a listener sends requests. It serves one load balancer.
type TargetGroup struct {
	Meta
	Name, ARN, Protocol, ProtocolVersion, VPCID string
	TargetType, IPAddressType                   string
	Port                                        int
	Health                                      HealthCheck
	Attributes                                  map[string]string
	Targets                                     []Target
	// LoadBalancers are those whose listeners use it: none or one.
	LoadBalancers []string
}

func (g *TargetGroup) object() Object { return Object{ID: g.ARN} }

func defaultTGAttributes() map[string]string {
	return map[string]string{
		"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false", "stickiness.type": "lb_cookie",
		"stickiness.lb_cookie.duration_seconds": "86400", "stickiness.app_cookie.duration_seconds": "86400",
		"stickiness.app_cookie.cookie_name": "", "slow_start.duration_seconds": "0",
		"load_balancing.algorithm.type": "round_robin", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
		"load_balancing.algorithm.anomaly_mitigation": "off", "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
		"target_group_health.dns_failover.minimum_healthy_targets.percentage":            "off",
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count":      "1",
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
	}
}

// CreateTargetGroupInput is what CreateTargetGroup takes. Zero values get the defaults of an HTTP target group.
type CreateTargetGroupInput struct {
	Name, Protocol, ProtocolVersion, VPCID, TargetType, IPAddressType string
	Port                                                              int
	Health                                                            HealthCheckChange
	Tags                                                              Tags
}

// HealthCheckChange sets parts of a health check; nil leaves a part as it is.
type HealthCheckChange struct {
	Enabled                              *bool
	Protocol, Port, Path, Matcher        *string
	IntervalSeconds, TimeoutSeconds      *int
	HealthyThreshold, UnhealthyThreshold *int
}

var matchers = regexp.MustCompile(`^[2-4]\d\d([,-][2-4]\d\d)*$`)

// applied is a health check with a change made, checked against the limits of CreateTargetGroup.
func (h HealthCheck) applied(ch HealthCheckChange) (HealthCheck, error) {
	set(&h.Enabled, ch.Enabled)
	set(&h.Protocol, ch.Protocol)
	set(&h.Port, ch.Port)
	set(&h.Path, ch.Path)
	set(&h.Matcher, ch.Matcher)
	set(&h.IntervalSeconds, ch.IntervalSeconds)
	set(&h.TimeoutSeconds, ch.TimeoutSeconds)
	set(&h.HealthyThreshold, ch.HealthyThreshold)
	set(&h.UnhealthyThreshold, ch.UnhealthyThreshold)
	for _, limit := range []struct {
		name             string
		value, low, high int
	}{
		{"interval", h.IntervalSeconds, 5, 300},
		{"timeout", h.TimeoutSeconds, 2, 120},
		{"healthy threshold count", h.HealthyThreshold, 2, 10},
		{"unhealthy threshold count", h.UnhealthyThreshold, 2, 10},
	} {
		if limit.value < limit.low || limit.value > limit.high {
			return h, refuse("ValidationError", "Health check %s '%d' must be between %d and %d", limit.name, limit.value, limit.low, limit.high)
		}
	}
	switch {
	case h.TimeoutSeconds >= h.IntervalSeconds:
		return h, refuse("ValidationError", "Health check interval must be greater than the timeout.")
	case h.Path == "" || h.Path[0] != '/' || len(h.Path) > 1024:
		return h, refuse("ValidationError", "Health check path '%s' must begin with a '/' character, and can be at most 1024 characters", h.Path)
	case !matchers.MatchString(h.Matcher):
		return h, refuse("ValidationError", "Health check matcher HTTP code '%s' must be within '200-499' inclusive", h.Matcher)
	}
	return h, nil
}

// CreateTargetGroup makes a target group. Asking again with the same settings answers with the one that exists.
func (c *Client) CreateTargetGroup(ctx context.Context, in CreateTargetGroupInput) (TargetGroup, error) {
	return call(ctx, c, "elbv2:CreateTargetGroup", func(t *tx) (TargetGroup, error) {
		in.TargetType, in.IPAddressType = orDefault(in.TargetType, "instance"), orDefault(in.IPAddressType, "ipv4")
		in.ProtocolVersion = orDefault(in.ProtocolVersion, "HTTP1")
		health, err := HealthCheck{
			Enabled: true, Protocol: orDefault(in.Protocol, "HTTP"), Port: "traffic-port", Path: "/", Matcher: "200",
			IntervalSeconds: 30, TimeoutSeconds: 5, HealthyThreshold: 5, UnhealthyThreshold: 2,
		}.applied(in.Health)
		if err != nil {
			return TargetGroup{}, err
		}
		if err := t.checkTargetGroup(in); err != nil {
			return TargetGroup{}, err
		}
		g := &TargetGroup{
			Meta: t.meta(in.Tags), Name: in.Name, ARN: t.arn("elasticloadbalancing", "targetgroup/"+in.Name+"/"+t.hex(16)),
			Protocol: in.Protocol, ProtocolVersion: in.ProtocolVersion, VPCID: in.VPCID, TargetType: in.TargetType,
			IPAddressType: in.IPAddressType, Port: in.Port, Health: health, Attributes: defaultTGAttributes(),
		}
		if old := t.targetGroupNamed(in.Name); old != nil {
			if old.Protocol == g.Protocol && old.Port == g.Port && old.VPCID == g.VPCID && old.Health == g.Health {
				return *old, nil
			}
			return TargetGroup{}, refuse("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different "+
				"settings", in.Name)
		}
		t.db.targetGroups[g.ARN] = g
		t.emit(KindTargetGroup, Created, g.ARN, g.Meta)
		return *g, nil
	})
}

func (t *tx) checkTargetGroup(in CreateTargetGroupInput) error {
	if err := checkELBName("target group", in.Name); err != nil {
		return err
	}
	if in.Protocol != "HTTP" && in.Protocol != "HTTPS" {
		return refuse("ValidationError", "Protocol '%s' must be one of 'HTTP, HTTPS'", in.Protocol)
	}
	if in.Port < 1 || in.Port > 65535 {
		return refuse("ValidationError", "Port '%d' must be between 1 and 65535", in.Port)
	}
	if in.TargetType != "instance" && in.TargetType != "ip" {
		return refuse("ValidationError", "Target type '%s' must be one of 'instance, ip'", in.TargetType)
	}
	if v := t.db.vpcs[in.VPCID]; v == nil || v.Region != t.caller.Region {
		return refuse("ValidationError", "The VPC ID '%s' is not found", in.VPCID)
	}
	return checkTags(in.Tags)
}

func (t *tx) targetGroupNamed(name string) *TargetGroup {
	for _, g := range t.db.targetGroups {
		if g.Name == name && g.Region == t.caller.Region {
			return g
		}
	}
	return nil
}

func (t *tx) targetGroup(arn string) (*TargetGroup, error) {
	g, ok := t.db.targetGroups[arn]
	if !ok || g.Region != t.caller.Region {
		return nil, refuse("TargetGroupNotFound", "Target groups '%s' not found", arn)
	}
	return g, nil
}

// balancersOf lists the load balancers whose listeners send to a group.
func (t *tx) balancersOf(arn string) []string {
	var arns []string
	for _, l := range t.db.listeners {
		if slices.Contains(l.targetGroups(), arn) && !slices.Contains(arns, l.LoadBalancerARN) {
			arns = append(arns, l.LoadBalancerARN)
		}
	}
	return arns
}

// DescribeTargetGroup reads a target group by name.
func (c *Client) DescribeTargetGroup(ctx context.Context, name string) (TargetGroup, error) {
	return call(ctx, c, "elbv2:DescribeTargetGroups", func(t *tx) (TargetGroup, error) {
		g := t.targetGroupNamed(name)
		if g == nil {
			return TargetGroup{}, refuse("TargetGroupNotFound", "One or more target groups not found")
		}
		shown := *g
		shown.LoadBalancers = t.balancersOf(g.ARN)
		return shown, nil
	})
}

// ModifyTargetGroup changes the health check: nothing else of a target group can be changed.
func (c *Client) ModifyTargetGroup(ctx context.Context, arn string, ch HealthCheckChange) (TargetGroup, error) {
	return call(ctx, c, "elbv2:ModifyTargetGroup", func(t *tx) (TargetGroup, error) {
		g, err := t.targetGroup(arn)
		if err != nil {
			return TargetGroup{}, err
		}
		health, err := g.Health.applied(ch)
		if err != nil {
			return TargetGroup{}, err
		}
		g.Health = health
		t.emit(KindTargetGroup, Changed, arn, g.Meta)
		return *g, nil
	})
}

// ModifyTargetGroupAttributes sets attributes; the others stay as they are.
func (c *Client) ModifyTargetGroupAttributes(ctx context.Context, arn string, attributes map[string]string) error {
	return do(ctx, c, "elbv2:ModifyTargetGroupAttributes", func(t *tx) error {
		g, err := t.targetGroup(arn)
		if err != nil {
			return err
		}
		changed := maps.Clone(g.Attributes)
		for key, value := range attributes {
			if _, known := changed[key]; !known {
				return refuse("ValidationError", "Target group attribute key '%s' is not recognized", key)
			}
			if err := checkDelay(key, value); err != nil {
				return err
			}
			changed[key] = value
		}
		g.Attributes = changed
		t.emit(KindTargetGroup, Changed, arn, g.Meta)
		return nil
	})
}

func checkDelay(key, value string) error {
	if key != "deregistration_delay.timeout_seconds" {
		return nil
	}
	var seconds int
	if _, err := fmt.Sscanf(value, "%d", &seconds); err != nil || seconds < 0 || seconds > 3600 {
		return refuse("ValidationError", "'%s' must be an integer between 0 and 3600: '%s'", key, value)
	}
	return nil
}

// DeleteTargetGroup deletes a group that no listener uses. Deleting what is gone succeeds.
func (c *Client) DeleteTargetGroup(ctx context.Context, arn string) error {
	return do(ctx, c, "elbv2:DeleteTargetGroup", func(t *tx) error {
		g, err := t.targetGroup(arn)
		if err != nil {
			return nil //nolint:nilerr // AWS: no error if it does not exist
		}
		if len(t.balancersOf(arn)) > 0 {
			return refuse("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", arn)
		}
		delete(t.db.targetGroups, arn)
		t.emit(KindTargetGroup, Deleted, arn, g.Meta)
		return nil
	})
}

// TargetGroups lists all target groups with their targets.
func (c *Cloud) TargetGroups() []TargetGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	groups := list(c.db.targetGroups, nil)
	t := c.begin(Caller{})
	for i := range groups {
		groups[i].LoadBalancers = t.balancersOf(groups[i].ARN)
	}
	return groups
}
