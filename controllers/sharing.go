package controllers

import (
	"hash/maphash"
	"maps"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	toolscache "k8s.io/client-go/tools/cache"

	"usermanagement.dev/stack/internal/ack"
)

// parts has cached objects share what is equal in them. The objects of a stack repeat the same tags and the same owner
// forty times, each a map of its own of some 350 bytes, and the same names of fields thousands of times, each a string of
// its own; shared, a stack takes less than half the memory. Sharing is safe because nobody may change an object of a cache
// anyway.
type parts struct {
	mu    sync.Mutex
	seed  maphash.Seed
	maps  generations[uint64, map[string]any]
	words generations[string, any] // each in the form that a map holds it in
}

const (
	// sharedMaps is how many maps one generation holds: those of some two thousand stacks.
	sharedMaps = 1 << 17
	// sharedWords is how many strings one generation holds: names of fields, and what is short enough to be said often.
	sharedWords = 1 << 15
	// longestWord is that of a stack's UID, which stands in the labels of each object.
	longestWord = 36
)

func newParts() *parts {
	return &parts{
		seed:  maphash.MakeSeed(),
		maps:  newGenerations[uint64, map[string]any](sharedMaps),
		words: newGenerations[string, any](sharedWords),
	}
}

// generations remember what was seen in two generations: when the young one is full it becomes the old one, and what was not
// seen again meanwhile is forgotten. So they are bounded, however often ACK writes new times into conditions.
type generations[K comparable, V any] struct {
	limit      int
	young, old map[K]V
}

func newGenerations[K comparable, V any](limit int) generations[K, V] {
	return generations[K, V]{limit: limit, young: map[K]V{}, old: map[K]V{}}
}

func (g *generations[K, V]) get(key K) (V, bool) {
	value, ok := g.young[key]
	if !ok {
		value, ok = g.old[key]
	}
	return value, ok
}

func (g *generations[K, V]) put(key K, value V) {
	if len(g.young) >= g.limit {
		g.young, g.old = map[K]V{}, g.young
	}
	g.young[key] = value
}

// transform is a cache's transform that goes on from another one, and takes out what nobody reads.
func (p *parts) transform(first toolscache.TransformFunc) toolscache.TransformFunc {
	return func(object any) (any, error) {
		object, err := first(object)
		if u, ok := object.(*unstructured.Unstructured); ok && err == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			ack.Trim(u)
			p.share(u.Object)
		}
		return object, err
	}
}

// share replaces the maps below a value that hold nothing but scalars, and the short strings, and returns what the value
// itself becomes.
func (p *parts) share(value any) any {
	switch v := value.(type) {
	case map[string]any:
		leaf := true
		for key, inner := range v {
			switch inner.(type) {
			case map[string]any, []any:
				leaf = false
			}
			name, _ := p.word(key).(string)
			v[name] = p.share(inner) // replaces the key's own string as well
		}
		if leaf {
			return p.known(v)
		}
	case []any:
		for i, inner := range v {
			v[i] = p.share(inner)
		}
	case string:
		return p.word(v)
	}
	return value
}

// word is an equal string that was seen before, or this one.
func (p *parts) word(s string) any {
	if len(s) > longestWord {
		return s
	}
	before, ok := p.words.get(s)
	if !ok {
		before = strings.Clone(s) // of its own, and not a part of something longer
	}
	if name, isString := before.(string); isString {
		p.words.put(name, before)
	}
	return before
}

// known is an equal map that was seen before, or this one.
func (p *parts) known(m map[string]any) map[string]any {
	hash := p.hash(m)
	before, ok := p.maps.get(hash)
	if !ok || !maps.Equal(before, m) {
		before = m
	}
	p.maps.put(hash, before)
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
