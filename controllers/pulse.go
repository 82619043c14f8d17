package controllers

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usermanagement.dev/stack/internal/ack"
)

// pulse notes when ACK is seen at work, by what its controllers write. With it a controller that is busy with many objects can be
// told from one that is not there: both leave an object untouched.
type pulse struct {
	mu    sync.Mutex
	clock func() time.Time
	// last is when the controller of a kind was last seen to write, whatever the namespace.
	last map[string]time.Time
	// works are the namespaces in which a service's controller has ever been seen: it may be told to watch some only.
	works map[workplace]struct{}
}

type workplace struct{ service, namespace string }

func newPulse(clock func() time.Time) *pulse {
	return &pulse{clock: clock, last: map[string]time.Time{}, works: map[workplace]struct{}{}}
}

// met notes an object that a cache shows for the first time: ACK may have been at work on it long ago.
func (p *pulse) met(object client.Object) {
	if kind, ok := kindOf(object); ok && slices.Contains(object.GetFinalizers(), kind.Finalizer()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.works[workplace{kind.Service, object.GetNamespace()}] = struct{}{}
	}
}

// changed notes a change that only ACK makes: of an object's status, or of ACK's finalizer.
func (p *pulse) changed(before, after client.Object) {
	a, isOne := before.(*unstructured.Unstructured)
	b, isOther := after.(*unstructured.Unstructured)
	kind, ok := kindOf(after)
	if !isOne || !isOther || !ok {
		return
	}
	now := p.clock()
	p.mu.Lock()
	defer p.mu.Unlock()
	place := workplace{kind.Service, after.GetNamespace()}
	if _, works := p.works[place]; works && now.Sub(p.last[kind.Name]) < time.Second {
		return // often enough, and comparing costs
	}
	if reflect.DeepEqual(a.Object["status"], b.Object["status"]) && reflect.DeepEqual(a.GetFinalizers(), b.GetFinalizers()) {
		return
	}
	p.works[place] = struct{}{}
	p.last[kind.Name] = now
}

// heard is when ACK was last seen at work, by kind, for the kinds whose controllers work in a namespace.
func (p *pulse) heard(namespace string) map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := make(map[string]time.Time, len(p.last))
	for _, kind := range ack.Kinds() {
		at, ok := p.last[kind.Name]
		if _, works := p.works[workplace{kind.Service, namespace}]; ok && works {
			heard[kind.Name] = at
		}
	}
	return heard
}

func kindOf(object client.Object) (ack.Kind, bool) {
	kind, err := ack.KindOf(object.GetObjectKind().GroupVersionKind().Kind)
	return kind, err == nil
}
