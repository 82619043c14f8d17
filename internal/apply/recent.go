package apply

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	v1 "usermanagement.dev/stack/api/v1"
)

// Recent remembers each write until the caches have caught up with it, so that a pass never acts on a world older than
// its own last deed. It holds a handful of objects for a few milliseconds each.
type Recent struct {
	mu      sync.Mutex
	written map[types.UID]entry
	byStack map[types.UID]map[types.UID]struct{}
	doomed  map[types.UID]struct{}
	clock   func() time.Time
}

type entry struct {
	object  *unstructured.Unstructured
	stack   types.UID
	deleted bool
	at      time.Time
}

// forget bounds how long a write is remembered that never shows: its object was deleted before any cache saw it.
const forget = 30 * time.Second

// NewRecent makes an empty memory.
func NewRecent() *Recent {
	return &Recent{
		written: map[types.UID]entry{}, byStack: map[types.UID]map[types.UID]struct{}{}, doomed: map[types.UID]struct{}{},
		clock: time.Now,
	}
}

// Wrote remembers the API server's answer to a write.
func (r *Recent) Wrote(object *unstructured.Unstructured) { r.remember(object, false) }

// Deleted remembers that an object was asked to go.
func (r *Recent) Deleted(object *unstructured.Unstructured) { r.remember(object, true) }

func (r *Recent) remember(object *unstructured.Unstructured, deleted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	uid, stack := object.GetUID(), stackOf(object)
	r.written[uid] = entry{object: object, stack: stack, deleted: deleted, at: r.clock()}
	if deleted {
		r.doomed[uid] = struct{}{}
	}
	if r.byStack[stack] == nil {
		r.byStack[stack] = map[types.UID]struct{}{}
	}
	r.byStack[stack][uid] = struct{}{}
}

// stackOf is the stack that an object belongs to, by its label or, if somebody took that away, by the owner in control. The
// garbage collector takes the owner away when the stack is deleted in the foreground.
func stackOf(object *unstructured.Unstructured) types.UID {
	if uid := object.GetLabels()[v1.LabelStackUID]; uid != "" {
		return types.UID(uid)
	}
	for _, owner := range object.GetOwnerReferences() {
		if owner.Controller != nil && *owner.Controller {
			return owner.UID
		}
	}
	return ""
}

// Overlay puts what was written over what a cache shows of one stack, and forgets what the cache has caught up with.
func (r *Recent) Overlay(stack types.UID, cached []*unstructured.Unstructured) []*unstructured.Unstructured {
	r.mu.Lock()
	defer r.mu.Unlock()
	pending := r.byStack[stack]
	if len(pending) == 0 {
		return cached
	}
	shown := make([]*unstructured.Unstructured, 0, len(cached)+len(pending))
	seen := make(map[types.UID]bool, len(cached))
	for _, object := range cached {
		seen[object.GetUID()] = true
		shown = append(shown, r.newer(object))
	}
	for uid := range pending {
		e := r.written[uid]
		switch {
		case seen[uid]:
		case e.deleted, r.clock().Sub(e.at) > forget:
			r.drop(uid)
		default:
			shown = append(shown, e.object)
		}
	}
	return shown
}

// newer is the cached object or, while that is older, the one that was written.
func (r *Recent) newer(cached *unstructured.Unstructured) *unstructured.Unstructured {
	e, ok := r.written[cached.GetUID()]
	if !ok {
		return cached
	}
	if r.caughtUp(e, cached) {
		r.drop(cached.GetUID())
		return cached
	}
	if !e.deleted {
		return e.object
	}
	going := cached.DeepCopy()
	asked := metav1.NewTime(e.at)
	going.SetDeletionTimestamp(&asked)
	return going
}

// caughtUp says whether a cached object shows what was done to it. A deletion that never shows counts after a while.
func (r *Recent) caughtUp(e entry, cached *unstructured.Unstructured) bool {
	if e.deleted {
		return cached.GetDeletionTimestamp() != nil || r.clock().Sub(e.at) > forget
	}
	order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), e.object.GetResourceVersion())
	return err != nil || order >= 0
}

// Shown forgets a write as soon as a cache shows it. The next look at its stack would too, but among many stacks that may be
// long away, and the written objects of all of them would be remembered until then.
func (r *Recent) Shown(cached *unstructured.Unstructured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.written[cached.GetUID()]; ok && r.caughtUp(e, cached) {
		r.drop(cached.GetUID())
	}
}

// Gone forgets an object that a cache has seen deleted, and says whether it was asked to go.
func (r *Recent) Gone(uid types.UID) (asked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.written[uid]; ok {
		r.drop(uid)
	}
	_, asked = r.doomed[uid]
	delete(r.doomed, uid)
	return asked
}

func (r *Recent) drop(uid types.UID) {
	stack := r.written[uid].stack
	delete(r.written, uid)
	delete(r.byStack[stack], uid)
	if len(r.byStack[stack]) == 0 {
		delete(r.byStack, stack)
	}
}
