package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/environment"
)

// namespace is where all stacks are: one namespace is harder for caches and indexes than many.
const namespace = "scale"

// bench is one lab with one operator and a number of stacks.
type bench struct {
	settings settings
	n        int
	lab      *environment.Environment
	admin    client.Client
	counter  *controlplane.RequestCounter
	operator *operator
	watch    *observer
	result   Result
	// objects are what the first stack was made of when it was Ready, for the floor.
	objects []*unstructured.Unstructured
}

// measure takes all figures for n stacks: those of the operator, and the floor beside them.
func measure(ctx context.Context, s settings, n int) (Result, error) {
	result, objects, err := measureOperator(ctx, s, n)
	if err != nil || !s.floor {
		return result, err
	}
	began := time.Now()
	if result.Floor, err = measureFloor(ctx, s, objects, n); err != nil {
		return Result{}, fmt.Errorf("the floor: %w", err)
	}
	fmt.Fprintf(os.Stderr, "  %-22s %.1f s\n", "the floor", time.Since(began).Seconds())
	return result, nil
}

// measureOperator starts a fresh lab and a fresh operator, and takes all figures for n stacks. It also returns what one of them is made of.
func measureOperator(ctx context.Context, s settings, n int) (
	result Result, objects []*unstructured.Unstructured, err error,
) {
	b := &bench{settings: s, n: n, result: newResult(n)}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err := b.start(ctx); err != nil {
		return Result{}, nil, err
	}
	phases := []struct {
		name string
		do   func(*bench, context.Context) error
	}{
		{"until all are Ready", (*bench).create},
		{"at rest", (*bench).rest},
		{"heal a deleted child", (*bench).healDeleted},
		{"heal an edited child", (*bench).healEdited},
		{"until one is gone", (*bench).deleteOne},
		{"until all are gone", (*bench).deleteRest},
	}
	for _, phase := range phases {
		began := time.Now()
		if err := phase.do(b, ctx); err != nil {
			return Result{}, nil, fmt.Errorf("%s: %w%s", phase.name, err, b.operator.tail())
		}
		fmt.Fprintf(os.Stderr, "  %-22s %.1f s\n", phase.name, time.Since(began).Seconds())
	}
	b.result.PeakRSS = b.operator.peak()
	return b.result, b.objects, nil
}

func (b *bench) start(ctx context.Context) error {
	crds, err := environment.CRDs(b.settings.root)
	if err != nil {
		return err
	}
	restore, err := collectLess()
	if err != nil {
		return err
	}
	b.lab, err = environment.Start(ctx, environment.Options{
		CRDs: crds, Pace: acksim.Instant(), Audit: true, Progress: os.Stderr,
	})
	if err := errors.Join(err, restore()); err != nil {
		return err
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	if b.admin, err = client.New(b.lab.ControlPlane.Config(), client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if err := b.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return fmt.Errorf("make the namespace: %w", err)
	}
	if b.watch, err = newObserver(ctx, b.lab.ControlPlane.Config(), scheme); err != nil {
		return err
	}
	if b.operator, err = startOperator(ctx, b); err != nil {
		return err
	}
	if err := b.operator.ready(ctx, b.settings.patience); err != nil {
		return err
	}
	if b.counter, err = b.lab.ControlPlane.NewRequestCounter(ctx); err != nil {
		return err
	}
	if err := b.quiet(ctx); err != nil {
		return err
	}
	return b.counter.Mark(ctx)
}

// collectLess lets the lab's own programs spend memory to save processor time: they share the machine with the operator,
// which keeps Go's defaults. What it returns ends that for programs that start later.
func collectLess() (restore func() error, err error) {
	const name, percent = "GOGC", 400
	debug.SetGCPercent(percent)
	if err := os.Setenv(name, strconv.Itoa(percent)); err != nil {
		return nil, fmt.Errorf("set %s: %w", name, err)
	}
	return func() error { return os.Unsetenv(name) }, nil
}

func (b *bench) stop() error {
	var failed []error
	if b.operator != nil {
		failed = append(failed, b.operator.stop())
	}
	if b.watch != nil {
		failed = append(failed, b.watch.stop())
	}
	if b.lab != nil {
		failed = append(failed, b.lab.Stop())
	}
	return errors.Join(failed...)
}

// simulatorUser is the identity of the imitation of ACK, see package environment.
const simulatorUser = "ack"

// requests are those of the operator since the last call.
func (b *bench) requests(ctx context.Context) (Requests, error) {
	own, _, err := b.allRequests(ctx)
	return own, err
}

// allRequests are those of the operator and those of the imitation of ACK since the last call.
func (b *bench) allRequests(ctx context.Context) (operator, simulator Requests, err error) {
	counts, err := b.counter.Counts(ctx)
	if err != nil {
		return Requests{}, Requests{}, err
	}
	return summarize(counts.By(operatorUser)), summarize(counts.By(simulatorUser)), b.counter.Mark(ctx)
}

// quiet waits until the operator has made no request for a while: what it still had to do is done.
func (b *bench) quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.settings.patience)
	defer cancel()
	last, since := -1, time.Now()
	for {
		counts, err := b.counter.Counts(ctx)
		if err != nil {
			return fmt.Errorf("wait for the operator to have nothing to do: %w", err)
		}
		now := counts.By(operatorUser).Total(nil)
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > settled {
			return nil
		}
		if err := pause(ctx, settled/10); err != nil {
			return fmt.Errorf("wait for the operator to have nothing to do: %w", err)
		}
	}
}

// pause returns after some time, or when the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
