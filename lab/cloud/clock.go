package cloud

import (
	"slices"
	"sort"
	"sync"
	"time"
)

// Clock tells the time and runs functions later, so that tests need not wait.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f in d's time, on a goroutine of the clock's choosing.
	AfterFunc(d time.Duration, f func())
}

type systemClock struct{}

// SystemClock is the machine's own clock.
func SystemClock() Clock { return systemClock{} }

func (systemClock) Now() time.Time                      { return time.Now() }
func (systemClock) AfterFunc(d time.Duration, f func()) { time.AfterFunc(d, f) }

// ManualClock stands still until Advance is called.
type ManualClock struct {
	mu  sync.Mutex
	now time.Time
	due []alarm // in the order in which they fall due
}

type alarm struct {
	at time.Time
	f  func()
}

// NewManualClock returns a clock that shows start.
func NewManualClock(start time.Time) *ManualClock { return &ManualClock{now: start} }

// Now is the time that the clock was last advanced to.
func (m *ManualClock) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc keeps f until the clock has been advanced by d.
func (m *ManualClock) AfterFunc(d time.Duration, f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.now.Add(d)
	place := sort.Search(len(m.due), func(i int) bool { return m.due[i].at.After(at) }) // behind those of the same time
	m.due = slices.Insert(m.due, place, alarm{at: at, f: f})
}

// Advance moves the clock on by d and runs what falls due on the way, in order of time, on the caller's goroutine.
func (m *ManualClock) Advance(d time.Duration) {
	m.mu.Lock()
	end := m.now.Add(d)
	for len(m.due) > 0 && !m.due[0].at.After(end) {
		next := m.due[0]
		m.due = slices.Delete(m.due, 0, 1)
		m.now = next.at
		m.mu.Unlock()
		next.f()
		m.mu.Lock()
	}
	m.now = end
	m.mu.Unlock()
}
