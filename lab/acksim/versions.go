package acksim

import "sync"

// versions remembers the resource version of the simulator's last write to each object. ACK reads every object live before
// a pass; the simulator reads its cache instead, and waits until the cache has caught up with its own writes.
type versions struct {
	mu      sync.Mutex
	written map[string]uint64
	waiting map[string]bool
	// echoes are the generations that the simulator's own writes to spec made.
	echoes map[string]int64
}

func newVersions() versions {
	return versions{written: map[string]uint64{}, waiting: map[string]bool{}, echoes: map[string]int64{}}
}

func (v *versions) wrote(kind, key, version string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.written[kind+"/"+key] = parseVersion(version)
}

// made records that the simulator itself caused a generation; isEcho reports whether it did.
func (v *versions) made(kind, key string, generation int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.echoes[kind+"/"+key] = generation
}

func (v *versions) isEcho(kind, key string, generation int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.echoes[kind+"/"+key] == generation
}

// stale reports whether a cached version is older than the last write. If so, a pass is owed once the cache has it.
func (v *versions) stale(kind, key, cached string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := kind + "/" + key
	if parseVersion(cached) >= v.written[id] {
		return false
	}
	v.waiting[id] = true
	return true
}

// arrived reports whether a pass was owed that can now be made.
func (v *versions) arrived(kind, key, cached string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := kind + "/" + key
	if !v.waiting[id] || parseVersion(cached) < v.written[id] {
		return false
	}
	delete(v.waiting, id)
	return true
}

func (v *versions) forget(kind, key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.written, kind+"/"+key)
	delete(v.waiting, kind+"/"+key)
	delete(v.echoes, kind+"/"+key)
}
