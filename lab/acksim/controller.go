package acksim

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"usermanagement.dev/stack/lab/cloud"
)

// controller runs the passes of one kind.
type controller struct {
	kind     *kind
	sim      *Simulator
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[string]
}

func newController(sim *Simulator, k *kind) (*controller, error) {
	c := &controller{kind: k, sim: sim, informer: sim.factory.ForResource(k.resource()).Informer()}
	limit := sim.opts.Pace.poll(backoffCap)
	c.queue = workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](min(backoffBase, limit), limit),
		workqueue.TypedRateLimitingQueueConfig[string]{Name: k.name},
	)
	if err := c.informer.SetTransform(slim); err != nil {
		return nil, err
	}
	_, err := c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { c.queue.Add(keyOf(o)) },
		UpdateFunc: c.updated,
		DeleteFunc: func(o any) { c.forget(keyOf(o)) },
	})
	return c, err
}

// slim drops what the simulator never looks at.
func slim(o any) (any, error) {
	if u, ok := o.(*unstructured.Unstructured); ok {
		u.SetManagedFields(nil)
	}
	return o, nil
}

func keyOf(o any) string {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o)
	if err != nil {
		return ""
	}
	return key
}

// updated is ACK's GenerationChangedPredicate: edits of annotations, labels and status trigger nothing.
func (c *controller) updated(before, after any) {
	old, ok1 := before.(*unstructured.Unstructured)
	now, ok2 := after.(*unstructured.Unstructured)
	if !ok1 || !ok2 {
		return
	}
	key := keyOf(now)
	owed := c.sim.writer.versions.arrived(c.kind.name, key, now.GetResourceVersion())
	if owed || old.GetGeneration() != now.GetGeneration() {
		c.queue.Add(key)
	}
}

func (c *controller) forget(key string) {
	c.queue.Forget(key)
	c.sim.writer.versions.forget(c.kind.name, key)
}

func (c *controller) run(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for c.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	c.queue.ShutDown()
	wg.Wait()
}

func (c *controller) next(ctx context.Context) bool {
	key, quit := c.queue.Get()
	if quit {
		return false
	}
	defer c.queue.Done(key)
	stored, exists := c.stored(key)
	if !exists || c.sim.writer.versions.stale(c.kind.name, key, stored.GetResourceVersion()) {
		return true
	}
	c.sim.passes.Add(1)
	out := c.pass(stored).run(ctx, stored)
	switch {
	case ctx.Err() != nil:
	case out.backoff:
		c.sim.opts.Log.Debug("retrying", "kind", c.kind.name, "object", key, "error", out.err)
		c.queue.AddRateLimited(key)
	case out.after > 0:
		c.queue.Forget(key)
		c.queue.AddAfter(key, out.after)
	default:
		c.queue.Forget(key)
	}
	return true
}

func (c *controller) stored(key string) (*unstructured.Unstructured, bool) {
	item, exists, err := c.informer.GetStore().GetByKey(key)
	if err != nil || !exists {
		return nil, false
	}
	u, ok := item.(*unstructured.Unstructured)
	return u, ok
}

// pass prepares a pass over an object.
func (c *controller) pass(stored *unstructured.Unstructured) *pass {
	sim := c.sim
	region := sim.regionOf(stored)
	owner := cloud.Owner{
		Kind: c.kind.name, Namespace: stored.GetNamespace(), Name: stored.GetName(), UID: string(stored.GetUID()),
	}
	return &pass{
		kind: c.kind, aws: sim.cloud.Client(cloud.Caller{Region: region, Owner: owner}), opts: &sim.opts, writer: sim.writer,
		secrets: sim.readSecret, find: sim.find, side: sim.cloud, policy: sim.deletionPolicyOf(c.kind, stored), region: region,
		account: sim.cloud.Account(), now: time.Now(),
	}
}
