package cloud

import "sync"

// Change says what happened to a thing.
type Change string

// The three things that can happen.
const (
	Created Change = "Created"
	Changed Change = "Changed"
	Deleted Change = "Deleted"
)

// Event says that something changed; what it is now is to be asked from Cloud.
type Event struct {
	Kind   Kind
	Change Change
	ID     string
	Region string
	Owner  Owner
}

// Subscription delivers every event since Subscribe, in order. It never blocks the cloud: what is not yet read is kept.
type Subscription struct {
	events chan Event
	mu     sync.Mutex
	wake   *sync.Cond
	queue  []Event
	done   bool
	stop   chan struct{}
	from   *broadcaster
}

// Events is closed by Close and when the cloud is closed.
func (s *Subscription) Events() <-chan Event { return s.events }

// Close ends the subscription.
func (s *Subscription) Close() {
	s.from.remove(s)
	s.end()
}

func (s *Subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return
	}
	s.done = true
	close(s.stop)
	s.wake.Signal()
}

func (s *Subscription) push(events []Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, events...)
	s.wake.Signal()
}

func (s *Subscription) pump() {
	defer close(s.events)
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.done {
			s.wake.Wait()
		}
		batch, done := s.queue, s.done
		s.queue = nil
		s.mu.Unlock()
		if done {
			return
		}
		for _, event := range batch {
			select {
			case s.events <- event:
			case <-s.stop:
				return
			}
		}
	}
}

// Subscribe follows all changes from now on.
func (c *Cloud) Subscribe() *Subscription {
	s := &Subscription{events: make(chan Event), stop: make(chan struct{}), from: &c.events}
	s.wake = sync.NewCond(&s.mu)
	c.events.add(s)
	go s.pump()
	return s
}

type broadcaster struct {
	mu   sync.Mutex
	subs map[*Subscription]struct{}
}

func (b *broadcaster) add(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[*Subscription]struct{}{}
	}
	b.subs[s] = struct{}{}
}

func (b *broadcaster) remove(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs, s)
}

func (b *broadcaster) send(events []Event) {
	if len(events) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.push(events)
	}
}

func (b *broadcaster) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.end()
	}
	b.subs = nil
}
