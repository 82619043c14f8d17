package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/observe"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/rollout"
	"usermanagement.dev/stack/internal/status"
)

// errDone ends a pass early without anything being wrong.
var errDone = errors.New("the pass is done")

// pass is one look at one stack and what is done about it. It lives as long as one call of Reconcile.
type pass struct {
	*Reconciler
	stack  *v1.UserManagementStack
	served map[string]bool
	now    time.Time
	log    logr.Logger

	world     *observe.Stack
	namespace types.UID
	secret    appSecret
	graph     *graph.Graph
	actions   []plan.Action
	fleet     rollout.Fleet
	rollout   rollout.Outcome
	stale     []*unstructured.Unstructured
	problems  map[string]status.Problem
	contested []string
	recheck   time.Duration
}

// step is one part of a pass. errDone ends the pass; any other error has it tried again.
type step struct {
	name string
	do   func(*pass, context.Context) error
}

// steps are a pass from the first to the last.
var steps = []step{
	{"observe", (*pass).observe},
	{"tear down", (*pass).teardown},
	{"hold on", (*pass).holdOn},
	{"suspend", (*pass).suspend},
	{"validate", (*pass).validate},
	{"hold", (*pass).hold},
	{"look up the namespace", (*pass).lookUpNamespace},
	{"app secret", (*pass).appSecret},
	{"build", (*pass).build},
	{"plan", (*pass).plan},
	{"decide on hosts", (*pass).decide},
	{"record the inventory", (*pass).recordInventory},
	{"apply", (*pass).apply},
	{"roll out", (*pass).rollOut},
	{"prune", (*pass).prune},
	{"report", (*pass).report},
}

func (p *pass) run(ctx context.Context) error {
	p.problems = map[string]status.Problem{}
	for _, s := range steps {
		if err := s.do(p, ctx); err != nil {
			if errors.Is(err, errDone) {
				return err
			}
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// again asks for a pass after some time, the soonest of all that ask.
func (p *pass) again(after time.Duration) {
	if after > 0 && (p.recheck == 0 || after < p.recheck) {
		p.recheck = after
	}
}

// requested says whether somebody has asked for a full pass that has not been made yet.
func (p *pass) requested() bool {
	return p.stack.Annotations[v1.AnnotationReconcileRequestedAt] != p.stack.Status.LastHandledReconcileAt
}

// observe reads the stack's objects from the caches, and over them what was written a moment ago.
func (p *pass) observe(ctx context.Context) error {
	var objects []*unstructured.Unstructured
	for _, kind := range ack.Kinds() {
		if !p.served[kind.Name] {
			continue
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GVK().GroupVersion().WithKind(kind.Name + "List"))
		err := p.client.List(ctx, list, client.InNamespace(p.stack.Namespace),
			client.MatchingFields{stackUIDIndex: string(p.stack.UID)}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return fmt.Errorf("list %s: %w", kind.Plural, err)
		}
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
	p.world = observe.New(p.recent.Overlay(p.stack.UID, objects), p.served, p.now)
	return nil
}

// suspend ends the pass of a stack that the spec holds still.
func (p *pass) suspend(ctx context.Context) error {
	if !p.stack.Spec.Suspend {
		return nil
	}
	p.lookAway()
	return p.finish(ctx, status.Suspended(p.stack, p.now))
}

// validate is the API server's own validation once more: an object may be older than its rules. It is done once for each
// generation.
func (p *pass) validate(ctx context.Context) error {
	if p.written.validated(p.stack) {
		return nil
	}
	if problems := build.Validate(ctx, p.stack); len(problems) > 0 {
		return p.finish(ctx, status.Invalid(p.stack, problems.ToAggregate().Error(), p.now))
	}
	p.written.setValidated(p.stack)
	return nil
}

// holdOn puts the finalizer back on a stack that has objects, also one that is suspended or no longer valid: without it a
// deletion would leave all of them to the garbage collector, in no order.
func (p *pass) holdOn(ctx context.Context) error {
	if len(p.stack.Status.Inventory) == 0 && len(p.world.Objects()) == 0 {
		return nil
	}
	return p.hold(ctx)
}

// hold puts the finalizer on before anything is made.
func (p *pass) hold(ctx context.Context) error {
	if controllerutil.ContainsFinalizer(p.stack, v1.Finalizer) {
		return nil
	}
	held := p.stack.DeepCopy()
	controllerutil.AddFinalizer(held, v1.Finalizer)
	patch := client.MergeFromWithOptions(p.stack, client.MergeFromWithOptimisticLock{})
	if err := p.client.Patch(ctx, held, patch, client.FieldOwner(v1.ManagedBy)); err != nil {
		return fmt.Errorf("add the finalizer: %w", err)
	}
	held.Status = p.stack.Status
	p.written.wrote(held)
	p.stack = held
	return nil
}

// build makes the graph of what shall be.
func (p *pass) build(ctx context.Context) error {
	g, err := build.Stack(p.stack, p.world, build.Inputs{AppSecretHash: p.secret.hash, Namespace: p.namespace, Serving: p.serving()})
	if err != nil {
		return p.finish(ctx, status.Invalid(p.stack, err.Error(), p.now))
	}
	p.graph = g
	return nil
}

// plan decides what to do, and which objects nobody asks for any more.
func (p *pass) plan(context.Context) error {
	actions, err := plan.Make(p.graph, p.world, p.now)
	if err != nil {
		return err
	}
	p.actions = actions
	// Hosts go by a rollout, drained, and not because no node stands for them.
	p.stale = slices.DeleteFunc(plan.Stale(actions, p.world.Objects()), observe.IsHost)
	return nil
}

// finish writes a status and ends the pass.
func (p *pass) finish(ctx context.Context, s v1.UserManagementStackStatus) error {
	if err := p.writeStatus(ctx, s); err != nil {
		return err
	}
	return errDone
}
