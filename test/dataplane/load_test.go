package dataplane

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// clients is how many requests are under way at once.
const clients = 16

// load is a constant stream of requests of signed-in people, none of which is repeated by itself.
type load struct {
	t       *testing.T
	end     chan struct{}
	workers sync.WaitGroup

	mu       sync.Mutex
	answered int
	failures []string
}

// underLoad sends requests for a page that needs the database, until stop.
func (d *deployed) underLoad(p *person) *load {
	l := &load{t: d.t, end: make(chan struct{})}
	transport := direct()
	d.t.Cleanup(transport.CloseIdleConnections)
	for range clients {
		l.workers.Go(func() {
			for {
				select {
				case <-l.end:
					return
				default:
					l.count(get(d.t.Context(), transport, p, d.url()+"/account"))
				}
			}
		})
	}
	return l
}

// get is one request; a body that cannot be had again keeps Go from repeating it.
func get(ctx context.Context, transport http.RoundTripper, p *person, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, io.NopCloser(strings.NewReader("")))
	if err != nil {
		return err
	}
	for _, cookie := range p.client.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || !strings.Contains(string(body), "root1") {
		return fmt.Errorf("%d %s", response.StatusCode, string(body[:min(len(body), 200)]))
	}
	return nil
}

func (l *load) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failures = append(l.failures, err.Error())
		return
	}
	l.answered++
}

func (l *load) sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered + len(l.failures)
}

// stop ends the load and tells how many requests were answered, and how the others failed.
func (l *load) stop() (answered int, failures []string) {
	close(l.end)
	l.workers.Wait()
	return l.answered, l.failures
}
