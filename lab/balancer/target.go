package balancer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// target is a registered instance.
type target struct {
	key     key
	healthy atomic.Bool

	mu       sync.Mutex
	requests map[*request]struct{}
	left     bool
	// endChecks is nil until the checks have begun.
	endChecks context.CancelFunc
}

// request is one that the target has not answered yet.
type request struct{ cut context.CancelCauseFunc }

func newTarget(k key) *target { return &target{key: k, requests: map[*request]struct{}{}} }

// begin counts a request until done is called; its context ends when the target's time is over.
func (t *target) begin(ctx context.Context) (_ context.Context, done func()) {
	ctx, cut := context.WithCancelCause(ctx)
	r := &request{cut: cut}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests[r] = struct{}{}
	return ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.requests, r)
		cut(nil)
	}
}

// leave ends the target: its checks at once, its requests when they are answered or the delay is over.
func (t *target) leave(delay time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left {
		return
	}
	t.left = true
	if t.endChecks != nil {
		t.endChecks()
	}
	time.AfterFunc(delay, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for r := range t.requests {
			r.cut(errDrained)
		}
	})
}

// startChecks begins the health checks, once.
func (t *target) startChecks(g *group) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left || t.endChecks != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.endChecks = cancel
	c := &checker{group: g, target: t}
	go c.run(ctx)
}
