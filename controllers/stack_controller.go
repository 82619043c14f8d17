package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/apply"
	"usermanagement.dev/stack/internal/probe"
)

// The rights of the operator, and nothing beyond them: its own kind, the kinds of ACK that a stack is made of, the app
// Secrets it makes, and sight of which kinds and namespaces there are.
//
// +kubebuilder:rbac:groups=usermanagement.dev,resources=usermanagementstacks,verbs=list;watch;patch
// +kubebuilder:rbac:groups=usermanagement.dev,resources=usermanagementstacks/status,verbs=patch
// +kubebuilder:rbac:groups=ec2.services.k8s.aws,resources=vpcs;internetgateways;routetables;subnets;elasticipaddresses;natgateways;securitygroups;instances,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=iam.services.k8s.aws,resources=roles;instanceprofiles,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=secretsmanager.services.k8s.aws,resources=secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rds.services.k8s.aws,resources=dbsubnetgroups;dbparametergroups;dbinstances,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=acm.services.k8s.aws,resources=certificates,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=route53.services.k8s.aws,resources=recordsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=elbv2.services.k8s.aws,resources=loadbalancers;targetgroups;listeners,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=secrets,verbs=list;watch;create;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler runs passes: each brings one stack as far as it can go at that moment.
type Reconciler struct {
	client    client.Client
	live      client.Reader
	kinds     *KindWatcher
	engine    *apply.Engine
	recent    *apply.Recent
	restraint *apply.Restraint
	refusals  *refusals
	losses    *losses
	written   *stackMemory
	pace      *pace
	pulse     *pulse
	health    HealthSource
	events    events.EventRecorder
	clock     func() time.Time
}

// Options are the operator's settings.
type Options struct {
	// Workers is the number of stacks that are worked on at the same time.
	Workers int
	// Health asks hosts how they are; nil if nobody does.
	Health *probe.Prober
	// Clock is the time; time.Now unless a test says otherwise.
	Clock func() time.Time
}

// Setup adds the controller of stacks to a manager whose cache was made with CacheOptions.
func Setup(m manager.Manager, options Options) error {
	r := newReconciler(m, options)
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](250*time.Millisecond, 5*time.Minute)
	wakeAll := make(chan event.GenericEvent, 1024)
	wakeOne := make(chan event.GenericEvent, 1024)
	if err := r.probe(m, options.Health, wakeOne); err != nil {
		return err
	}
	c, err := builder.ControllerManagedBy(m).
		Named("stack").
		For(&v1.UserManagementStack{}, builder.WithPredicates(stackPredicate())).
		WatchesRawSource(source.Kind(m.GetCache(), &v1.UserManagementStack{}, r.written.follow())).
		Owns(&corev1.Secret{}).
		WatchesRawSource(source.Channel(wakeAll, &handler.EnqueueRequestForObject{})).
		WatchesRawSource(source.Channel(wakeOne, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: max(1, options.Workers), RateLimiter: limiter}).
		Build(r)
	if err != nil {
		return fmt.Errorf("set up the controller of stacks: %w", err)
	}
	r.kinds.watch = func(object client.Object) error {
		events := childHandler{shown: r.showChild, gone: r.forgetChild, pace: r.pace, pulse: r.pulse}
		return c.Watch(source.Kind(m.GetCache(), object, handler.EventHandler(events)))
	}
	r.kinds.changed = func() { r.wakeAll(wakeAll) }
	if err := watchNamespaces(m); err != nil {
		return err
	}
	if err := m.Add(r.kinds); err != nil {
		return fmt.Errorf("set up the watch of kinds: %w", err)
	}
	if err := m.Add(&stackCollector{stacks: m.GetClient()}); err != nil {
		return fmt.Errorf("set up the metrics of stacks: %w", err)
	}
	return nil
}

func newReconciler(m manager.Manager, options Options) *Reconciler {
	recent := apply.NewRecent()
	clock := options.Clock
	if clock == nil {
		clock = time.Now
	}
	return &Reconciler{
		client: m.GetClient(), live: m.GetAPIReader(), kinds: NewKindWatcher(m),
		engine: apply.NewEngine(m.GetClient(), recent), recent: recent, restraint: apply.NewRestraint(),
		refusals: newRefusals(), losses: newLosses(), written: newStackMemory(), pace: newPace(),
		pulse: newPulse(clock), clock: clock,
		events: m.GetEventRecorder("user-management-stack"),
	}
}

// probe has hosts asked for their health, and stacks woken by what they answer.
func (r *Reconciler) probe(m manager.Manager, prober *probe.Prober, wake chan<- event.GenericEvent) error {
	if prober == nil {
		return nil
	}
	r.health = prober
	prober.Wake = func(ctx context.Context, name types.NamespacedName) {
		stack := &v1.UserManagementStack{}
		stack.Namespace, stack.Name = name.Namespace, name.Name
		select {
		case wake <- event.GenericEvent{Object: stack}:
		case <-ctx.Done():
		}
	}
	if err := m.Add(prober); err != nil {
		return fmt.Errorf("set up the health prober: %w", err)
	}
	return nil
}

// showChild drops what was remembered of a write, once a cache shows it.
func (r *Reconciler) showChild(object client.Object) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		r.recent.Shown(u)
	}
}

// forgetChild drops what is remembered of an object that is gone, and notes it as lost if nobody here asked it to go.
func (r *Reconciler) forgetChild(object client.Object) {
	r.restraint.Gone(object.GetUID())
	if !r.recent.Gone(object.GetUID()) {
		r.losses.note(types.UID(object.GetLabels()[v1.LabelStackUID]), object)
	}
}

// wakeAll has every stack looked at again, after the set of kinds changed.
func (r *Reconciler) wakeAll(wake chan<- event.GenericEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stacks := &v1.UserManagementStackList{}
	if err := r.client.List(ctx, stacks); err != nil {
		return // the cache is not there yet: every stack gets its first pass anyway
	}
	for i := range stacks.Items {
		select {
		case wake <- event.GenericEvent{Object: &stacks.Items[i]}:
		case <-ctx.Done():
			return
		}
	}
}

// Reconcile runs one pass of one stack.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if err := r.kinds.Wait(ctx); err != nil {
		return reconcile.Result{}, fmt.Errorf("wait for the watched kinds: %w", err)
	}
	stack := &v1.UserManagementStack{}
	if err := r.client.Get(ctx, request.NamespacedName, stack); err != nil {
		r.pace.forget(request.NamespacedName)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	p := &pass{
		Reconciler: r, stack: r.written.newer(stack), now: r.clock(),
		log: logr.FromContextOrDiscard(ctx), served: r.kinds.Served(),
	}
	started := time.Now()
	err := p.run(ctx)
	took := time.Since(started)
	passSeconds.Observe(took.Seconds())
	r.pace.took(request.NamespacedName, took)
	return p.result(err)
}

// conflictRest is how long to wait with another look after a write that met a newer version of the stack.
const conflictRest = 250 * time.Millisecond

// result turns what became of the steps into what the queue understands. This is the only place that does.
func (p *pass) result(err error) (reconcile.Result, error) {
	if apierrors.IsConflict(err) {
		// Somebody has changed the stack between our look and our write, which is no fault: look again.
		p.log.V(1).Info("The stack was changed meanwhile", "conflict", err.Error())
		return reconcile.Result{RequeueAfter: conflictRest}, nil
	}
	if err != nil && !errors.Is(err, errDone) {
		return reconcile.Result{}, fmt.Errorf("stack %s/%s: %w", p.stack.Namespace, p.stack.Name, err)
	}
	return reconcile.Result{RequeueAfter: p.recheck}, nil
}
