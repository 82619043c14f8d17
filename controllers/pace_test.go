package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

func TestEventsGatherAsLongAsPassesTake(t *testing.T) {
	p := newPace()
	slow, quick := types.NamespacedName{Name: "slow"}, types.NamespacedName{Name: "quick"}
	for _, c := range []struct{ pass, want time.Duration }{
		{0, shortestGather},
		{5 * time.Millisecond, shortestGather},
		{200 * time.Millisecond, 400 * time.Millisecond},
		{time.Minute, longestGather},
		{5 * time.Millisecond, shortestGather},
	} {
		p.took(slow, c.pass)
		if got := p.gather(slow); got != c.want {
			t.Errorf("after a pass of %s events gather for %s, want %s", c.pass, got, c.want)
		}
		if got := p.gather(quick); got != shortestGather {
			t.Errorf("another stack's events gather for %s", got)
		}
	}
	p.took(slow, time.Minute)
	p.forget(slow)
	if len(p.stack) > 0 || p.gather(slow) != shortestGather {
		t.Errorf("of a stack that is gone something is left: %v", p.stack)
	}
}
