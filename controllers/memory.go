package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/status"
)

// stackMemory remembers each stack as it was last written, until the cache shows it, when its progress was last told, and
// which generation was found valid.
type stackMemory struct {
	mu     sync.Mutex
	stacks map[types.UID]remembered
}

type remembered struct {
	stack *v1.UserManagementStack
	told  time.Time
	valid int64
}

func newStackMemory() *stackMemory { return &stackMemory{stacks: map[types.UID]remembered{}} }

func (m *stackMemory) wrote(stack *v1.UserManagementStack) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.stacks[stack.UID]
	r.stack = stack
	m.stacks[stack.UID] = r
}

// newer is the cached stack, or the written one while the cache is behind it.
func (m *stackMemory) newer(cached *v1.UserManagementStack) *v1.UserManagementStack {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.stacks[cached.UID]
	if !ok || r.stack == nil {
		return cached
	}
	order, err := resourceversion.CompareResourceVersion(cached.ResourceVersion, r.stack.ResourceVersion)
	if err != nil || order >= 0 {
		r.stack = nil
		m.stacks[cached.UID] = r
		return cached
	}
	return r.stack
}

// follow is told of every stack that the cache shows anew, and forgets the written one then, which would stay in memory until
// the stack's next pass: at rest for ever.
func (m *stackMemory) follow() handler.TypedFuncs[*v1.UserManagementStack, reconcile.Request] {
	return handler.TypedFuncs[*v1.UserManagementStack, reconcile.Request]{
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[*v1.UserManagementStack], _ queue) {
			m.newer(e.ObjectNew)
		},
	}
}

func (m *stackMemory) toldAt(uid types.UID) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stacks[uid].told
}

func (m *stackMemory) tell(uid types.UID, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.stacks[uid]
	r.told = now
	m.stacks[uid] = r
}

// validated says whether this generation of the spec was found to be valid.
func (m *stackMemory) validated(stack *v1.UserManagementStack) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stacks[stack.UID].valid == stack.Generation
}

func (m *stackMemory) setValidated(stack *v1.UserManagementStack) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.stacks[stack.UID]
	r.valid = stack.Generation
	m.stacks[stack.UID] = r
}

func (m *stackMemory) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.stacks, uid)
}

// losses remembers the objects that somebody else deleted, until they are made again.
type losses struct {
	mu   sync.Mutex
	lost map[types.UID]map[objectKey]types.UID
}

type objectKey struct{ namespace, kind, name string }

func newLosses() *losses { return &losses{lost: map[types.UID]map[objectKey]types.UID{}} }

func (l *losses) note(stack types.UID, object client.Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost[stack] == nil {
		l.lost[stack] = map[objectKey]types.UID{}
	}
	l.lost[stack][keyOf(object)] = object.GetUID()
}

// found says whether an object of that name was lost, and which one, and forgets that it was.
func (l *losses) found(stack types.UID, object client.Object) (which types.UID, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	which, ok = l.lost[stack][keyOf(object)]
	delete(l.lost[stack], keyOf(object))
	return which, ok
}

func (l *losses) forget(stack types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lost, stack)
}

// refusals remembers what the API server has refused, so that the same is not asked again with every event.
type refusals struct {
	mu   sync.Mutex
	list map[objectKey]refusal
}

type refusal struct {
	intent  string
	problem status.Problem
	at      time.Time
}

func newRefusals() *refusals { return &refusals{list: map[objectKey]refusal{}} }

func keyOf(object client.Object) objectKey {
	return objectKey{object.GetNamespace(), object.GetObjectKind().GroupVersionKind().Kind, object.GetName()}
}

func intentOf(object *unstructured.Unstructured) string {
	return object.GetAnnotations()[v1.AnnotationIntent]
}

// recent is the refusal of the very same content within the last moments, and how long to leave it alone still.
func (r *refusals) recent(object *unstructured.Unstructured, now time.Time) (status.Problem, time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.list[keyOf(object)]
	rest := refusalRest - now.Sub(known.at)
	if !ok || known.intent != intentOf(object) || rest <= 0 {
		return status.Problem{}, 0, false
	}
	return known.problem, rest, true
}

func (r *refusals) remember(object *unstructured.Unstructured, problem status.Problem, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list[keyOf(object)] = refusal{intent: intentOf(object), problem: problem, at: now}
}

func (r *refusals) forget(object *unstructured.Unstructured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.list, keyOf(object))
}
