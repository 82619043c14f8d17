package stacktest

import (
	"testing"
	"time"
)

// looks is into how many pauses a wait is divided: who may wait longer looks less often.
const looks = 3000

// Until waits until something holds; what says what, and state how it is. The bound is no measure: a busy machine is slow.
func Until(t testing.TB, bound time.Duration, what string, holds func() (ok bool, state string)) {
	t.Helper()
	if state, ok := wait(bound, holds); !ok {
		t.Fatalf("waited in vain until %s: %s", what, state)
	}
}

// wait reports whether something held in time, and how it was at last.
func wait(bound time.Duration, holds func() (ok bool, state string)) (state string, ok bool) {
	deadline := time.Now().Add(bound)
	for {
		if ok, state = holds(); ok || time.Now().After(deadline) {
			return state, ok
		}
		<-time.After(bound / looks)
	}
}
