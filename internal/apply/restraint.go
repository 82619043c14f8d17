package apply

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Restraint slows down the correction of an object that is changed again and again: three corrections at once, then ever
// rarer ones, so that a fight with another controller costs neither side much and stays visible.
type Restraint struct {
	mu    sync.Mutex
	fight map[types.UID]rounds
}

type rounds struct {
	count int
	last  time.Time
}

const (
	freeRounds  = 3
	longestRest = 5 * time.Minute
	peaceAfter  = 10 * time.Minute
)

// NewRestraint makes one that has seen no fight.
func NewRestraint() *Restraint { return &Restraint{fight: map[types.UID]rounds{}} }

// Wait is how long a correction of the object has to wait still; zero if it may be made now.
func (r *Restraint) Wait(uid types.UID, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.fight[uid]
	if !ok {
		return 0
	}
	if now.Sub(f.last) > peaceAfter {
		delete(r.fight, uid)
		return 0
	}
	if f.count < freeRounds {
		return 0
	}
	rest := min(time.Second<<min(f.count-freeRounds, 10), longestRest)
	return max(0, rest-now.Sub(f.last))
}

// Corrected notes that a correction was made.
func (r *Restraint) Corrected(uid types.UID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.fight[uid]
	r.fight[uid] = rounds{count: f.count + 1, last: now}
}

// Gone forgets an object.
func (r *Restraint) Gone(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.fight, uid)
}
