package compat

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer sends requests to its hosts in turn, as a load balancer does with those that are healthy.
type balancer struct {
	mu    sync.Mutex
	hosts []*host
	next  int
}

func (b *balancer) add(h *host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts = append(b.hosts, h)
}

func (b *balancer) remove(h *host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts = slices.DeleteFunc(b.hosts, func(other *host) bool { return other == h })
}

func (b *balancer) pick() *host {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	return b.hosts[b.next%len(b.hosts)]
}

// load is people and programs that go on all the time, while releases come and go.
type load struct {
	balancer
	end     chan struct{}
	finish  func()
	workers sync.WaitGroup
	answers atomic.Int64
}

// loadPause keeps the load light: what is looked for is a wrong moment, not a limit.
const loadPause = 10 * time.Millisecond

// underLoad begins with one host; stop ends it.
func (l *life) underLoad(t *testing.T, h *host) *load {
	t.Helper()
	all := &load{end: make(chan struct{})}
	all.finish = sync.OnceFunc(func() { close(all.end) })
	all.add(h)
	all.work(t, func(h *host) {
		l.program.onto(h).api(http.StatusOK, http.MethodGet, "/api/users?q=person", "")
	})
	busy := l.program.onto(h).api(http.StatusCreated, http.MethodPost, "/api/users", `{"username":"busy","email":"busy@example.org"}`)
	all.work(t, func(h *host) {
		body := `{"display_name":"Busy ` + strconv.FormatInt(all.answers.Load(), 10) + `"}`
		l.program.onto(h).api(http.StatusOK, http.MethodPatch, path("/api/users", busy.ID), body, "If-Match", "*")
	})
	watcher := h.visitor()
	watcher.signIn(administrator)
	all.work(t, func(h *host) { watcher.onto(h).opens("/account/activity") })
	all.work(t, func(h *host) {
		stranger := h.visitor()
		stranger.t = t
		if to := stranger.signIn(l.reader); to != "/account" {
			t.Errorf("signing in at the %s release leads to %q", h.name, to)
		}
		stranger.opens("/account")
	})
	return all
}

func (l *load) work(t *testing.T, ask func(h *host)) {
	t.Helper()
	l.workers.Go(func() {
		for {
			select {
			case <-l.end:
				return
			case <-time.After(loadPause):
				ask(l.pick())
				l.answers.Add(1)
			}
		}
	})
}

// stop ends the load; it may be called more than once.
func (l *load) stop() {
	l.finish()
	l.workers.Wait()
}

// goesOn waits for so many more answers.
func (l *load) goesOn(t *testing.T, more int64) {
	t.Helper()
	from := l.answers.Load()
	await(t, "the load goes on", func() bool { return l.answers.Load() >= from+more })
}
