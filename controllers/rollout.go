package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/health"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/probe"
	"usermanagement.dev/stack/internal/rollout"
)

// HealthSource asks hosts how they are, through their load balancer.
type HealthSource interface {
	// Look has a stack's hosts asked from now on, until Forget.
	Look(stack types.UID, target probe.Target)
	// Observed is what is known of the hosts of a stack.
	Observed(stack types.UID) health.Observation
	// Forget ends the questions.
	Forget(stack types.UID)
}

// decide finds the one step to take with the stack's hosts. A host that is to be made becomes part of the plan, so that
// it is written down before it is there, like everything else.
func (p *pass) decide(context.Context) error {
	facts := rollout.Facts{Stack: p.stack, Actions: p.actions, Hosts: p.world.Hosts(), Stale: p.stale, Now: p.now}
	if p.health != nil {
		observed := p.health.Observed(p.stack.UID)
		facts.Observed = &observed
	}
	p.fleet = rollout.Observe(facts)
	p.rollout = rollout.Next(p.fleet)
	if p.rollout.Step.Verb != rollout.Create {
		return nil
	}
	step := p.rollout.Step
	for i, action := range p.actions {
		if action.Node.ID != step.Node {
			continue
		}
		object := action.Node.Object.DeepCopy()
		build.SetReplacement(object, step.Replacement)
		beside, err := plan.Beside(action, object, step.Why)
		if err != nil {
			return err
		}
		p.actions[i] = beside
	}
	return nil
}

// rollOut takes the step that was decided on, unless it was part of the plan.
func (p *pass) rollOut(ctx context.Context) error {
	step := p.rollout.Step
	if step.Verb == rollout.Rest || step.Verb == rollout.Wait {
		return nil
	}
	rolloutSteps.WithLabelValues(string(step.Verb)).Inc()
	p.log.Info("Replacing hosts", "step", step.Verb, "node", step.Node, "instance", step.Instance, "why", step.Why)
	if step.Verb == rollout.Create {
		return nil
	}
	instance := p.world.Object(ack.Instance.Name, step.Instance)
	if instance == nil {
		return fmt.Errorf("there is no Instance %s to %s", step.Instance, step.Verb)
	}
	if step.Verb == rollout.Remove {
		return p.removeHost(ctx, instance)
	}
	return p.mark(ctx, instance, step)
}

// mark writes down on a host's object what a rollout has decided: from then on every pass derives the same from it.
func (p *pass) mark(ctx context.Context, instance *unstructured.Unstructured, step rollout.Step) error {
	marks := map[string]any{v1.AnnotationDraining: p.now.UTC().Format(time.RFC3339Nano)}
	if step.Verb == rollout.Withdraw {
		marks[v1.AnnotationWithdrawn] = step.Why
	}
	if step.Verb == rollout.Restore {
		marks[v1.AnnotationDraining], marks[v1.AnnotationWithdrawn] = nil, nil
	}
	return p.patch(ctx, instance, marks, nil)
}

// removeHost deletes the object of a host that serves nobody any more. Its instance goes with it whatever is to become
// of the others when the stack is deleted.
func (p *pass) removeHost(ctx context.Context, instance *unstructured.Unstructured) error {
	annotations, _ := ack.BeforeDelete(instance, string(v1.DeletionPolicyDelete))
	if len(annotations) > 0 {
		if err := p.merge(ctx, instance, annotations, nil); err != nil {
			return err
		}
	}
	childWrites.WithLabelValues(instance.GetKind(), "delete").Inc()
	return p.engine.Delete(ctx, instance)
}

// announceRollout tells of each step of a rollout once.
func (p *pass) announceRollout(before, after *v1.RolloutStatus) {
	if after == nil {
		if before != nil {
			p.tell("RolledOut", "RollOut", "all hosts are as the spec asks")
		}
		return
	}
	if before != nil && before.Node == after.Node && before.Step == after.Step && before.ToRevision == after.ToRevision {
		return
	}
	if after.Step == v1.RolloutFailed || after.Step == v1.RolloutWithdrawing {
		p.warn(v1.ReasonRolloutFailed, "RollOut", "%s: %s", after.Step, after.Message)
		return
	}
	p.tell(v1.ReasonRollingOut, "RollOut", "%s: %s", after.Step, after.Message)
}

// serving says whether some host answers well through the load balancer. Where nobody asks, one that is behind it is
// believed to.
func (p *pass) serving() bool {
	if p.health == nil {
		return slices.ContainsFunc(p.world.Hosts(), func(h *unstructured.Unstructured) bool { return ack.Assess(h, p.now).Verdict == ack.Ready })
	}
	for _, host := range p.health.Observed(p.stack.UID).Hosts {
		if host.State == v1.HealthHealthy {
			return true
		}
	}
	return false
}

// look has the hosts asked that a load balancer sends requests to, as soon as there is a listener to ask through.
func (p *pass) look(next v1.UserManagementStackStatus) {
	if p.health == nil {
		return
	}
	target, ok := p.target(next)
	if !ok {
		p.lookAway()
		return
	}
	p.health.Look(p.stack.UID, target)
}

func (p *pass) lookAway() {
	if p.health != nil {
		p.health.Forget(p.stack.UID)
	}
}

// target is where the stack's hosts are asked. A domain's own listener has to be there: the one on port 80 only leads to
// it.
func (p *pass) target(next v1.UserManagementStackStatus) (probe.Target, bool) {
	target := probe.Target{
		Namespace: p.stack.Namespace, Name: p.stack.Name, Address: next.Endpoints.LoadBalancer,
		Hurry: next.Rollout != nil || !meta.IsStatusConditionTrue(next.Conditions, v1.ConditionReady),
	}
	listener := build.HTTPListenerNode(p.stack)
	if domain := p.stack.Spec.Ingress.Domain; domain != nil {
		target.Domain, listener = domain.Name, build.HTTPSListenerNode(p.stack)
	}
	for _, instance := range p.fleet.Instances() {
		if instance.Running && !instance.Going && instance.Draining.IsZero() {
			target.Hosts = append(target.Hosts, hostcontract.HostID(instance.ID))
		}
	}
	slices.Sort(target.Hosts)
	serves := slices.ContainsFunc(p.actions, func(a plan.Action) bool {
		return a.Node.ID == listener && a.Live != nil && ack.Serving(a.Live)
	})
	return target, serves && target.Address != "" && len(target.Hosts) > 0
}
