package cloud

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// Target is an instance that a target group sends requests to.
type Target struct {
	ID   string
	Port int
	// Health is initial, healthy, unhealthy or draining. AWS says unused while no listener sends to the group.
	Health, Reason string
}

func (t *tx) setTargets(g *TargetGroup, targets []Target) {
	g.Targets = targets
	t.emit(KindTargetGroup, Changed, g.ARN, g.Meta)
}

// RegisterTargets adds instances. They must be running and in the group's VPC. A port of 0 is the group's port.
func (c *Client) RegisterTargets(ctx context.Context, arn string, targets []Target) error {
	return do(ctx, c, "elbv2:RegisterTargets", func(t *tx) error {
		g, err := t.targetGroup(arn)
		if err != nil {
			return err
		}
		registered := slices.Clone(g.Targets)
		for _, target := range targets {
			if target.Port == 0 {
				target.Port = g.Port
			}
			if err := t.checkTarget(g, target); err != nil {
				return err
			}
			at := slices.IndexFunc(registered, func(o Target) bool { return o.ID == target.ID && o.Port == target.Port })
			target.Health = "initial"
			if at < 0 {
				registered = append(registered, target)
			} else if registered[at].Health == "draining" {
				registered[at] = target
			}
		}
		t.setTargets(g, registered)
		if !t.cloud.healthReported {
			t.settle(OpRegister, func(t *tx) { t.firstChecks(g, targets) })
		}
		return nil
	})
}

// firstChecks makes new targets healthy, where nobody really checks them.
func (t *tx) firstChecks(g *TargetGroup, targets []Target) {
	current := slices.Clone(g.Targets)
	for i := range current {
		if current[i].Health == "initial" && slices.ContainsFunc(targets, func(o Target) bool { return o.ID == current[i].ID }) {
			current[i].Health = "healthy"
		}
	}
	t.setTargets(g, current)
}

func (t *tx) checkTarget(g *TargetGroup, target Target) error {
	if g.TargetType == "ip" {
		return nil
	}
	i := t.db.instances[target.ID]
	if i == nil || i.Region != g.Region {
		return refuse("InvalidTarget", "The following targets are not valid instances: '%s'", target.ID)
	}
	if i.State != "running" {
		return refuse("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", target.ID)
	}
	if i.VPCID != g.VPCID {
		return refuse("InvalidTarget", "The following targets are not in the target group VPC '%s': '%s'", g.VPCID, target.ID)
	}
	return nil
}

// DeregisterTargets drains targets and then removes them. Unknown targets are no error.
func (c *Client) DeregisterTargets(ctx context.Context, arn string, targets []Target) error {
	return do(ctx, c, "elbv2:DeregisterTargets", func(t *tx) error {
		g, err := t.targetGroup(arn)
		if err != nil {
			return err
		}
		leaving := func(o Target) bool {
			return slices.ContainsFunc(targets, func(x Target) bool { return x.ID == o.ID && (x.Port == 0 || x.Port == o.Port) })
		}
		current := slices.Clone(g.Targets)
		for i := range current {
			if leaving(current[i]) {
				current[i].Health, current[i].Reason = "draining", "Target.DeregistrationInProgress"
			}
		}
		t.setTargets(g, current)
		t.drain(g, func(t *tx) {
			t.setTargets(g, slices.DeleteFunc(slices.Clone(g.Targets), func(o Target) bool {
				return o.Health == "draining" && leaving(o)
			}))
		})
		return nil
	})
}

// drain runs fn after the shorter of the group's own delay and the cloud's drain latency.
func (t *tx) drain(g *TargetGroup, fn func(*tx)) {
	seconds, err := strconv.Atoi(g.Attributes["deregistration_delay.timeout_seconds"])
	own := time.Duration(seconds) * time.Second
	if err != nil || own >= t.cloud.latencies.Settle[OpDrain] {
		t.settle(OpDrain, fn)
		return
	}
	if own == 0 {
		fn(t)
		return
	}
	t.later(own, fn)
}

// dropTargets removes an instance that no longer exists from all groups.
func (t *tx) dropTargets(instanceID string) {
	for _, g := range t.db.targetGroups {
		if slices.ContainsFunc(g.Targets, func(o Target) bool { return o.ID == instanceID }) {
			t.setTargets(g, slices.DeleteFunc(slices.Clone(g.Targets), func(o Target) bool { return o.ID == instanceID }))
		}
	}
}

// DescribeTargetHealth lists the targets of a group, draining ones included.
func (c *Client) DescribeTargetHealth(ctx context.Context, arn string) ([]Target, error) {
	return call(ctx, c, "elbv2:DescribeTargetHealth", func(t *tx) ([]Target, error) {
		g, err := t.targetGroup(arn)
		if err != nil {
			return nil, err
		}
		targets := slices.Clone(g.Targets)
		if len(t.balancersOf(arn)) == 0 {
			for i := range targets {
				if targets[i].Health != "draining" {
					targets[i].Health, targets[i].Reason = "unused", "Target.NotInUse"
				}
			}
		}
		return targets, nil
	})
}

// SetTargetHealth is for the data plane: it reports what its own health checks found.
func (c *Cloud) SetTargetHealth(arn, id, health, reason string) {
	c.change(func(t *tx) {
		g := t.db.targetGroups[arn]
		if g == nil {
			return
		}
		targets := slices.Clone(g.Targets)
		for i := range targets {
			if targets[i].ID == id && targets[i].Health != "draining" {
				targets[i].Health, targets[i].Reason = health, reason
			}
		}
		t.setTargets(g, targets)
	})
}
