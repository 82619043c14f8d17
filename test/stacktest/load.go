package stacktest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Load is a constant stream of requests of a signed-in person, none of which is repeated by itself.
type Load struct {
	end     chan struct{}
	finish  func()
	workers sync.WaitGroup

	mu       sync.Mutex
	answered int
	failures []string
}

// UnderLoad has so many clients ask for a page that needs the database, each again and again with a pause between, by a
// transport, until Stop.
func (p *Person) UnderLoad(way http.RoundTripper, clients int, pause time.Duration) *Load {
	l := &Load{end: make(chan struct{})}
	l.finish = sync.OnceFunc(func() { close(l.end) })
	p.t.Cleanup(l.finish)
	for range clients {
		l.workers.Go(func() {
			for {
				select {
				case <-l.end:
					return
				case <-time.After(pause):
					l.count(p.ask(way, "/account"))
				}
			}
		})
	}
	return l
}

// ask is one request; a body that cannot be had again keeps Go from repeating it.
func (p *Person) ask(way http.RoundTripper, path string) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.site+path, io.NopCloser(strings.NewReader("")))
	if err != nil {
		return err
	}
	for _, cookie := range p.client.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	response, err := way.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || !strings.Contains(string(body), Administrator) {
		return fmt.Errorf("%d %s", response.StatusCode, string(body[:min(len(body), 200)]))
	}
	return nil
}

func (l *Load) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failures = append(l.failures, err.Error())
		return
	}
	l.answered++
}

// Sent is how many requests have been answered or have failed.
func (l *Load) Sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered + len(l.failures)
}

// Failed is how many requests have failed.
func (l *Load) Failed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.failures)
}

// Stop ends the load and tells how many requests were answered, and how the others failed.
func (l *Load) Stop() (answered int, failures []string) {
	l.finish()
	l.workers.Wait()
	return l.answered, l.failures
}

// NoneFails ends the load and fails the test if a request failed, or if there were fewer than so many.
func (l *Load) NoneFails(t testing.TB, least int) {
	t.Helper()
	answered, failures := l.Stop()
	sent := answered + len(failures)
	if len(failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(failures), sent, failures[0])
	}
	if sent < least {
		t.Errorf("there were %d requests, want %d", sent, least)
	}
	t.Logf("%d requests, %d failed", sent, len(failures))
}
