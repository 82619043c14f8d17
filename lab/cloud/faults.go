package cloud

import (
	"math/rand/v2"
	"path"
	"strings"
)

// Fault makes calls fail that would have succeeded, or makes what they start fail.
type Fault struct {
	// Op is the action, or a shell pattern such as "rds:*".
	Op Op
	// Match narrows the fault to some callers; nil means all.
	Match func(Caller) bool
	// Nth is the first matching call to fail, counted from Inject; 0 and 1 mean the next one.
	Nth int
	// Times is how many calls fail from there on; 0 means one, a negative number means all.
	Times int
	// Code and Message are the error, or with Late the reason that the thing itself reports.
	Code, Message string
	// When says where in the call's life it fails.
	When FaultTime
}

// FaultTime says when a faulted call fails.
type FaultTime int

const (
	// Before refuses the call: nothing happens.
	Before FaultTime = iota
	// After does what was asked and then answers with the error, as a broken connection would.
	After
	// Late answers well, and what was started fails in the background: a NAT gateway ends in state failed, a
	// certificate in FAILED, an instance terminates while pending, a database ends in state failed.
	Late
)

type injected struct {
	Fault
	seen int
}

func (f *injected) hits(op Op, caller Caller) bool {
	if !matches(f.Op, op) || f.Match != nil && !f.Match(caller) {
		return false
	}
	f.seen++
	first, times := max(f.Nth, 1), f.Times
	if times == 0 {
		times = 1
	}
	return f.seen >= first && (times < 0 || f.seen < first+times)
}

func matches(pattern, op Op) bool {
	if pattern == op {
		return true
	}
	ok, err := path.Match(string(pattern), string(op))
	return err == nil && ok
}

type throttle struct {
	pattern     Op
	probability float64
}

type faultTable struct {
	rng       *rand.Rand
	faults    []*injected
	throttles []throttle
}

func newFaultTable(seed uint64) faultTable {
	return faultTable{rng: rand.New(rand.NewPCG(seed, 0x7468726f74746c65))} //nolint:gosec // repeatable faults
}

type verdict struct {
	before, after error
	late          *APIError
}

func (t *faultTable) judge(op Op, caller Caller) verdict {
	var v verdict
	for _, f := range t.faults {
		if !f.hits(op, caller) {
			continue
		}
		err := &APIError{Code: f.Code, Message: f.Message}
		switch f.When {
		case After:
			v.after = err
		case Late:
			v.late = err
		default:
			v.before = err
		}
	}
	for _, th := range t.throttles {
		if v.before == nil && matches(th.pattern, op) && t.rng.Float64() < th.probability {
			v.before = throttled(op)
		}
	}
	return v
}

// throttled is the error that op's service gives when asked too often.
func throttled(op Op) error {
	service, _, _ := strings.Cut(string(op), ":")
	switch service {
	case "ec2":
		return refuse("RequestLimitExceeded", "Request limit exceeded.")
	case "secretsmanager", "acm":
		return refuse("ThrottlingException", "Rate exceeded")
	default:
		return refuse("Throttling", "Rate exceeded")
	}
}

// Inject adds a fault and returns the function that takes it away again.
func (c *Cloud) Inject(f Fault) (remove func()) {
	entry := &injected{Fault: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.faults = append(c.faults.faults, entry)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		kept := c.faults.faults[:0:0]
		for _, other := range c.faults.faults {
			if other != entry {
				kept = append(kept, other)
			}
		}
		c.faults.faults = kept
	}
}

// Throttle refuses calls that match pattern ("*" or "ec2:*" or one action) with the given probability, each service with
// its own throttling code. Probability 0 ends the throttling of pattern.
func (c *Cloud) Throttle(pattern Op, probability float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.faults.throttles[:0:0]
	for _, th := range c.faults.throttles {
		if th.pattern != pattern {
			kept = append(kept, th)
		}
	}
	if probability > 0 {
		kept = append(kept, throttle{pattern: pattern, probability: probability})
	}
	c.faults.throttles = kept
}
