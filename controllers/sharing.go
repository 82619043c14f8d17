package controllers

import (
	"hash/maphash"
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	toolscache "k8s.io/client-go/tools/cache"
)

// parts has cached objects share what is equal in them. The objects of a stack repeat the same tags and the same owner
// forty times, each a map of its own of some 350 bytes; shared, a stack takes less than half the memory. Sharing is safe
// because nobody may change an object of a cache anyway.
//
// It remembers the maps of two generations: when the young one is full it becomes the old one, and what was not seen
// again meanwhile is forgotten. So it is bounded, however often ACK writes new times into conditions.
type parts struct {
	mu         sync.Mutex
	seed       maphash.Seed
	limit      int
	young, old map[uint64]map[string]any
}

// generation is how many maps one generation holds: those of some two thousand stacks.
const generation = 1 << 17

func newParts() *parts {
	return &parts{seed: maphash.MakeSeed(), limit: generation, young: map[uint64]map[string]any{}}
}

// transform is a cache's transform that goes on from another one.
func (p *parts) transform(first toolscache.TransformFunc) toolscache.TransformFunc {
	return func(object any) (any, error) {
		object, err := first(object)
		if u, ok := object.(*unstructured.Unstructured); ok && err == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.share(u.Object)
		}
		return object, err
	}
}

// share replaces the maps below a value that hold nothing but scalars, and returns what the value itself becomes.
func (p *parts) share(value any) any {
	switch v := value.(type) {
	case map[string]any:
		leaf := true
		for key, inner := range v {
			switch inner.(type) {
			case map[string]any, []any:
				v[key] = p.share(inner)
				leaf = false
			}
		}
		if leaf {
			return p.known(v)
		}
	case []any:
		for i, inner := range v {
			v[i] = p.share(inner)
		}
	}
	return value
}

// known is an equal map that was seen before, or this one.
func (p *parts) known(m map[string]any) map[string]any {
	hash := p.hash(m)
	before, ok := p.young[hash]
	if !ok {
		before, ok = p.old[hash]
	}
	if !ok || !maps.Equal(before, m) {
		before = m
	}
	if len(p.young) >= p.limit {
		p.young, p.old = map[uint64]map[string]any{}, p.young
	}
	p.young[hash] = before
	return before
}

// hash does not depend on the order of keys.
func (p *parts) hash(m map[string]any) uint64 {
	var sum uint64
	for key, value := range m {
		sum += maphash.Comparable(p.seed, struct {
			key   string
			value any
		}{key, value})
	}
	return sum
}
