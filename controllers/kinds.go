package controllers

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// stackUIDIndex finds a stack's objects in a cache without looking at everybody else's.
const stackUIDIndex = "stack-uid"

// crdGVK is read as metadata only: the schemas of ACK's kinds are large, and nobody here needs them.
var crdGVK = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

// KindWatcher follows which ACK kinds the cluster serves, and has each watched from the moment it is there: an operator
// may be installed before ACK, and ACK's services one by one.
type KindWatcher struct {
	manager manager.Manager
	log     logr.Logger
	// watch starts to watch a kind's objects.
	watch func(object client.Object) error
	// changed is called after the set of kinds changed.
	changed func()

	mu     sync.RWMutex
	served map[string]bool
	ready  chan struct{}
	// unwatched are kinds that are defined and could not be watched, and when to try again. Only follow touches it.
	unwatched map[ack.Kind]time.Time
}

// NewKindWatcher makes a watcher that has not seen any kind yet.
func NewKindWatcher(m manager.Manager) *KindWatcher {
	return &KindWatcher{
		manager: m, log: m.GetLogger().WithName("kinds"), served: map[string]bool{}, ready: make(chan struct{}),
		unwatched: map[ack.Kind]time.Time{}, changed: func() {},
	}
}

// Served is the set of kinds that the cluster serves and that are watched.
func (w *KindWatcher) Served() map[string]bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return maps.Clone(w.served)
}

// Wait returns when the kinds that were installed at the start are watched.
func (w *KindWatcher) Wait(ctx context.Context) error {
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NeedLeaderElection is false: a standby keeps its caches warm.
func (w *KindWatcher) NeedLeaderElection() bool { return false }

// Start follows the CustomResourceDefinitions until the context ends.
func (w *KindWatcher) Start(ctx context.Context) error {
	crd := &metav1.PartialObjectMetadata{}
	crd.SetGroupVersionKind(crdGVK)
	informer, err := w.manager.GetCache().GetInformer(ctx, crd)
	if err != nil {
		return fmt.Errorf("watch CustomResourceDefinitions: %w", err)
	}
	events := make(chan crdEvent, 256)
	registration, err := informer.AddEventHandler(crdHandler(events))
	if err != nil {
		return fmt.Errorf("watch CustomResourceDefinitions: %w", err)
	}
	defer func() { _ = informer.RemoveEventHandler(registration) }()
	w.follow(ctx, events, registration.HasSynced)
	return nil
}

type crdEvent struct {
	name string
	gone bool
}

func crdHandler(events chan<- crdEvent) toolscache.ResourceEventHandler {
	name := func(object any) string {
		if deleted, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
			object = deleted.Obj
		}
		if m, ok := object.(metav1.Object); ok {
			return m.GetName()
		}
		return ""
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { events <- crdEvent{name: name(object)} },
		DeleteFunc: func(object any) { events <- crdEvent{name: name(object), gone: true} },
	}
}

// follow takes events one by one. It reports ready when all that was there at the start has been taken up.
func (w *KindWatcher) follow(ctx context.Context, events <-chan crdEvent, synced func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			w.take(ctx, event)
		case now := <-tick.C:
			if synced() && len(events) == 0 {
				close(w.ready)
				tick.Reset(retryLook)
				synced = func() bool { return false }
			}
			w.retry(ctx, now)
		}
	}
}

func (w *KindWatcher) take(ctx context.Context, event crdEvent) {
	for _, kind := range ack.Kinds() {
		if kind.CRD() != event.name {
			continue
		}
		delete(w.unwatched, kind)
		if event.gone {
			w.forget(ctx, kind)
			w.changed()
		} else {
			w.meet(ctx, kind, establishTimeout)
		}
	}
}

// meet has a kind watched that is defined. If that does not come about in time it is tried again later.
func (w *KindWatcher) meet(ctx context.Context, kind ack.Kind, patience time.Duration) {
	if err := w.establish(ctx, kind, patience); err != nil {
		w.log.Error(err, "The kind cannot be watched; its objects wait, and it is tried again", "kind", kind.Name)
		w.unwatched[kind] = time.Now().Add(establishAgain)
		return
	}
	delete(w.unwatched, kind)
	w.changed()
}

// retry tries the kinds again that are defined and could not be watched, when it is time.
func (w *KindWatcher) retry(ctx context.Context, now time.Time) {
	for kind, due := range maps.Clone(w.unwatched) {
		if !now.Before(due) {
			w.meet(ctx, kind, establishPoll)
		}
	}
}

const (
	// establishTimeout bounds the wait for a new definition to be served.
	establishTimeout = 30 * time.Second
	// retryLook is how often it is looked whether a definition is to be tried again.
	retryLook     = time.Second
	establishPoll = 100 * time.Millisecond
	// establishAgain is how long to leave a definition alone that was not served in time: its names may be taken by another
	// one, or the API server has other troubles.
	establishAgain = 30 * time.Second
)

// establish waits until the API server serves the kind, then has it watched.
func (w *KindWatcher) establish(ctx context.Context, kind ack.Kind, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	object := newObject(kind)
	for {
		_, err := w.manager.GetRESTMapper().RESTMapping(kind.GVK().GroupKind(), ack.Version)
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s is served: %w", kind.CRD(), err)
		case <-time.After(establishPoll):
		}
	}
	if err := w.manager.GetFieldIndexer().IndexField(ctx, object, stackUIDIndex, indexByStack); err != nil {
		return fmt.Errorf("index %s: %w", kind.Name, err)
	}
	if err := w.watch(object); err != nil {
		return fmt.Errorf("watch %s: %w", kind.Name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.served[kind.Name] = true
	return nil
}

func (w *KindWatcher) forget(ctx context.Context, kind ack.Kind) {
	w.mu.Lock()
	delete(w.served, kind.Name)
	w.mu.Unlock()
	if err := w.manager.GetCache().RemoveInformer(ctx, newObject(kind)); err != nil {
		w.log.Error(err, "The cache of a kind that is gone cannot be removed", "kind", kind.Name)
	}
	w.log.Info("The cluster no longer serves a kind", "kind", kind.Name)
}

func indexByStack(object client.Object) []string {
	if uid := object.GetLabels()[v1.LabelStackUID]; uid != "" {
		return []string{uid}
	}
	return nil
}

func newObject(kind ack.Kind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind.GVK())
	return object
}
