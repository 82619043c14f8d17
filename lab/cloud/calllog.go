package cloud

import (
	"maps"
	"time"
)

// Call is one API call as the cloud saw it.
type Call struct {
	Time   time.Time
	Op     Op
	Caller Caller
	// Err is nil or an *APIError.
	Err error
}

// maxCalls bounds the memory of the call log; the counts go on.
const maxCalls = 200_000

type callLog struct {
	calls  []Call
	counts map[Op]int
	failed map[Op]int
}

func newCallLog() callLog {
	return callLog{counts: map[Op]int{}, failed: map[Op]int{}}
}

func (l *callLog) record(call Call) {
	l.counts[call.Op]++
	if call.Err != nil {
		l.failed[call.Op]++
	}
	if len(l.calls) < maxCalls {
		l.calls = append(l.calls, call)
	}
}

// Calls lists the calls made since New or ResetCalls, oldest first, up to a bound of 200,000.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call(nil), c.calls.calls...)
}

// CallCount says how many calls of op were made, and how many of these were refused.
func (c *Cloud) CallCount(op Op) (made, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls.counts[op], c.calls.failed[op]
}

// CallCounts says how many calls of each op were made, refused ones included.
func (c *Cloud) CallCounts() map[Op]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[Op]int, len(c.calls.counts))
	maps.Copy(counts, c.calls.counts)
	return counts
}

// ResetCalls empties the call log.
func (c *Cloud) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = newCallLog()
}
