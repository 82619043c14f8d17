package controllers

import (
	"context"
	"errors"

	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/prune"
)

// prune removes what is no longer asked for, in order, once all that is asked for is there and settled: until then
// something may still lean on what is to go.
func (p *pass) prune(ctx context.Context) error {
	if len(p.stale) == 0 || !p.settled() {
		return nil
	}
	next := prune.Next(p.stale)
	var failed []error
	for _, object := range next.Delete {
		failed = append(failed, p.discard(ctx, object, "it is no longer asked for"))
	}
	failed = append(failed, p.nudge(ctx, next.Going))
	return errors.Join(failed...)
}

func (p *pass) settled() bool {
	for _, action := range p.actions {
		if action.Verb != plan.Keep && action.Verb != plan.Roll {
			return false
		}
	}
	for _, node := range p.nodes() {
		if node.Verdict != ack.Ready {
			return false
		}
	}
	return true
}
