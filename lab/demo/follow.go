package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/present"
)

const (
	// redraw is how often the objects are looked at.
	redraw = 250 * time.Millisecond
	// lineEvery is the least time between two lines of progress in a log.
	lineEvery = 2 * time.Second
)

// follower shows a stack's progress.
type follower struct {
	client  client.Client
	key     client.ObjectKey
	console *Console
	lined   time.Time
}

// follow shows a stack's progress until it is Ready, or until it is Stalled, which is an error with what blocks it.
func (f *follower) follow(ctx context.Context) (*v1.UserManagementStack, []*unstructured.Unstructured, error) {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		stack, objects, err := f.look(ctx)
		if err != nil {
			return stack, objects, err
		}
		f.show(stack, objects)
		switch {
		case isTrue(stack, v1.ConditionReady):
			return stack, objects, nil
		case isTrue(stack, v1.ConditionStalled):
			return stack, objects, stalled(stack)
		}
		select {
		case <-ctx.Done():
			return stack, objects, errors.Join(context.Cause(ctx), blocked(stack))
		case <-tick.C:
		}
	}
}

func (f *follower) look(ctx context.Context) (*v1.UserManagementStack, []*unstructured.Unstructured, error) {
	stack := &v1.UserManagementStack{}
	if err := f.client.Get(ctx, f.key, stack); err != nil {
		return stack, nil, fmt.Errorf("look at the stack %s: %w", f.key, err)
	}
	objects, err := present.Objects(ctx, f.client, stack)
	return stack, objects, err
}

// show draws a screen in a terminal and writes a line, not too often, elsewhere.
func (f *follower) show(stack *v1.UserManagementStack, objects []*unstructured.Unstructured) {
	now := f.console.now()
	if f.console.terminal.Redraw {
		f.console.Draw(present.Progress(stack, objects, now, f.console.style))
		return
	}
	if now.Sub(f.lined) >= lineEvery || isTrue(stack, v1.ConditionReady) {
		f.lined = now
		f.console.Draw(f.console.style.Note(present.ProgressLine(stack, objects, now)))
	}
}

func isTrue(stack *v1.UserManagementStack, condition string) bool {
	found := meta.FindStatusCondition(stack.Status.Conditions, condition)
	return found != nil && found.Status == "True" && found.ObservedGeneration == stack.Generation
}

func stalled(stack *v1.UserManagementStack) error {
	message := "it needs somebody to act"
	if c := meta.FindStatusCondition(stack.Status.Conditions, v1.ConditionStalled); c != nil {
		message = c.Message
	}
	return errors.Join(fmt.Errorf("the stack %s/%s is stalled: %s", stack.Namespace, stack.Name, message), blocked(stack))
}

// blocked is what stands in the way of a stack, one line for each object; nil if nothing does.
func blocked(stack *v1.UserManagementStack) error {
	if len(stack.Status.Blockers) == 0 {
		return nil
	}
	lines := []string{"in its way:"}
	for _, b := range stack.Status.Blockers {
		lines = append(lines, fmt.Sprintf("  %s %s: %s: %s", b.Kind, b.Name, b.Reason, b.Message))
		if b.Hint != "" {
			lines = append(lines, "    "+b.Hint)
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}
