package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	v1 "usermanagement.dev/stack/api/v1"
)

// observer notes when each stack was first seen Ready, and when it was seen gone, by a watch of its own.
type observer struct {
	cancel context.CancelFunc
	ended  chan error

	mu      sync.Mutex
	changed chan struct{}
	last    *v1.UserManagementStack
	ready   map[string]time.Time
	gone    []time.Time
}

func newObserver(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) (*observer, error) {
	stacks, err := cache.New(config, cache.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("watch stacks: %w", err)
	}
	running, cancel := context.WithCancel(ctx)
	o := &observer{cancel: cancel, ended: make(chan error, 1), changed: make(chan struct{}), ready: map[string]time.Time{}}
	go func() { o.ended <- stacks.Start(running) }()
	informer, err := stacks.GetInformer(ctx, &v1.UserManagementStack{})
	if err == nil {
		_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: o.seen, UpdateFunc: func(_, now any) { o.seen(now) }, DeleteFunc: o.vanished,
		})
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watch stacks: %w", err)
	}
	return o, nil
}

func (o *observer) stop() error {
	o.cancel()
	return <-o.ended
}

func (o *observer) seen(object any) {
	stack, ok := object.(*v1.UserManagementStack)
	if !ok || stack.Status.ObservedGeneration != stack.Generation ||
		!meta.IsStatusConditionTrue(stack.Status.Conditions, v1.ConditionReady) {
		return
	}
	o.note(func() {
		o.last = stack
		if _, known := o.ready[stack.Name]; !known {
			o.ready[stack.Name] = time.Now()
		}
	})
}

func (o *observer) vanished(any) { o.note(func() { o.gone = append(o.gone, time.Now()) }) }

func (o *observer) note(what func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	what()
	close(o.changed)
	o.changed = make(chan struct{})
}

// resources is how many objects a stack is made of.
func (o *observer) resources() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return int(o.last.Status.Progress.Total)
}

// awaitReady returns when that many stacks have been Ready, with the time of each.
func (o *observer) awaitReady(ctx context.Context, n int, patience time.Duration) ([]time.Time, error) {
	return o.await(ctx, n, patience, "Ready", func() []time.Time {
		var times []time.Time
		for _, at := range o.ready {
			times = append(times, at)
		}
		return times
	})
}

// awaitGone returns when that many stacks have gone, with the time of each.
func (o *observer) awaitGone(ctx context.Context, n int, patience time.Duration) ([]time.Time, error) {
	return o.await(ctx, n, patience, "gone", func() []time.Time { return slices.Clone(o.gone) })
}

func (o *observer) await(
	ctx context.Context, n int, patience time.Duration, what string, times func() []time.Time,
) ([]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		o.mu.Lock()
		found, changed := times(), o.changed
		o.mu.Unlock()
		if len(found) >= n {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d stacks are %s: %w", len(found), n, what, context.Cause(ctx))
		}
	}
}

// spread is the median and the last of the times, in seconds since the begin.
func spread(began time.Time, times []time.Time) (median, last float64) {
	slices.SortFunc(times, time.Time.Compare)
	return times[(len(times)-1)/2].Sub(began).Seconds(), times[len(times)-1].Sub(began).Seconds()
}
