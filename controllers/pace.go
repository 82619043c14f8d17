package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// The bounds of how long the first event of a burst waits for the others: ACK often moves several objects of a stack at
// once, and one pass serves them all.
const (
	shortestGather = 25 * time.Millisecond
	longestGather  = time.Second
)

// passesGathered is for how many times as long as the stack's last pass took its events are gathered.
const passesGathered = 2

// pace is how long the events of each stack are gathered. Where the API server is slow, passes take long and events trickle
// in: a pass for each would make it slower still. With ten stacks at once this halves the passes.
type pace struct {
	mu    sync.Mutex
	stack map[types.NamespacedName]time.Duration
}

func newPace() *pace { return &pace{stack: map[types.NamespacedName]time.Duration{}} }

// gather is how long to wait with a pass after an event.
func (p *pace) gather(stack types.NamespacedName) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(passesGathered*p.stack[stack], shortestGather), longestGather)
}

// took notes how long a pass was. One that changes nothing needs no note.
func (p *pace) took(stack types.NamespacedName, pass time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if passesGathered*pass <= shortestGather {
		delete(p.stack, stack)
		return
	}
	p.stack[stack] = pass
}

// forget drops a stack that is gone.
func (p *pace) forget(stack types.NamespacedName) { p.took(stack, 0) }
