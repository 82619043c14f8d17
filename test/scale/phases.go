package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

const (
	// hands is how many stacks are created or deleted at the same time.
	hands = 8
	// settled is how long no request means that the operator has nothing to do.
	settled = 2 * time.Second
	// look is how often an object is looked at until it has been healed.
	look = 5 * time.Millisecond
)

// create makes all stacks and waits until each is Ready.
func (b *bench) create(ctx context.Context) error {
	template, err := readSample(b.settings, b.lab.Zone)
	if err != nil {
		return err
	}
	stop, err := b.profile(ctx, "create")
	if err != nil {
		return err
	}
	before := processes(b.operator.pid())
	began := time.Now()
	err = inParallel(b.n, func(i int) error { return b.admin.Create(ctx, numbered(template, i)) })
	if err != nil {
		return err
	}
	times, err := b.watch.awaitReady(ctx, b.n, b.settings.patience)
	if err != nil {
		return err
	}
	b.result.ReadyMedian, b.result.ReadyLast = spread(began, times)
	if err := b.quiet(ctx); err != nil {
		return err
	}
	b.result.CPU = processes(b.operator.pid()).since(before)
	b.result.RSSReady = b.operator.resident()
	if b.result.Passes, err = b.operator.passes(ctx); err != nil {
		return err
	}
	b.result.Resources = b.watch.resources()
	if b.result.Create, b.result.Simulated, err = b.allRequests(ctx); err != nil {
		return err
	}
	b.objects, err = b.firstObjects(ctx)
	return errors.Join(err, stop())
}

// rest watches an operator that has nothing to do.
func (b *bench) rest(ctx context.Context) error {
	before := processes(b.operator.pid())
	if err := pause(ctx, b.settings.rest); err != nil {
		return err
	}
	b.result.RestSeconds = b.settings.rest.Seconds()
	b.result.RestCPU = processes(b.operator.pid()).since(before)
	var err error
	b.result.Rest, err = b.requests(ctx)
	return err
}

// healDeleted deletes a listener and waits for the one that takes its place.
func (b *bench) healDeleted(ctx context.Context) error {
	victim, err := b.child(ctx, ack.Listener.GVK().Kind, "listener-http")
	if err != nil {
		return err
	}
	uid, began := victim.GetUID(), time.Now()
	if err := b.admin.Delete(ctx, victim); err != nil {
		return fmt.Errorf("delete the listener: %w", err)
	}
	b.result.HealDeleted, err = b.healed(ctx, began, victim, func(now *unstructured.Unstructured) bool {
		return now.GetUID() != uid && now.GetUID() != ""
	})
	return err
}

// healEdited opens a security group to everybody and waits until it is as it was.
func (b *bench) healEdited(ctx context.Context) error {
	victim, err := b.child(ctx, ack.SecurityGroup.GVK().Kind, "sg-db")
	if err != nil {
		return err
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"ingressRules":[]}}`))
	began := time.Now()
	if err := b.admin.Patch(ctx, victim, patch); err != nil {
		return fmt.Errorf("edit the security group: %w", err)
	}
	b.result.HealEdited, err = b.healed(ctx, began, victim, func(now *unstructured.Unstructured) bool {
		rules, _, _ := unstructured.NestedSlice(now.Object, "spec", "ingressRules")
		return len(rules) > 0
	})
	return err
}

// healed measures from a deed to the moment at which the object is right again, and counts until all is quiet.
func (b *bench) healed(
	ctx context.Context, began time.Time, object *unstructured.Unstructured, right func(*unstructured.Unstructured) bool,
) (Healing, error) {
	waiting, cancel := context.WithTimeout(ctx, b.settings.patience)
	defer cancel()
	for {
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(object.GroupVersionKind())
		err := b.admin.Get(waiting, client.ObjectKeyFromObject(object), now)
		if client.IgnoreNotFound(err) != nil {
			return Healing{}, fmt.Errorf("look whether %s is healed: %w", object.GetName(), err)
		}
		if err == nil && right(now) {
			break
		}
		if err := pause(waiting, look); err != nil {
			return Healing{}, fmt.Errorf("wait until %s is healed: %w", object.GetName(), err)
		}
	}
	h := Healing{Seconds: time.Since(began).Seconds()}
	if err := b.quiet(ctx); err != nil {
		return h, err
	}
	var err error
	h.Requests, err = b.requests(ctx)
	return h, err
}

// child is the object of a node of the first stack.
func (b *bench) child(ctx context.Context, kind, node string) (*unstructured.Unstructured, error) {
	k, err := ack.KindOf(kind)
	if err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(k.GVK().GroupVersion().WithKind(kind + "List"))
	labels := client.MatchingLabels{v1.LabelStack: stackName(0), v1.LabelNode: node}
	err = b.admin.List(ctx, list, client.InNamespace(namespace), labels)
	if err != nil {
		return nil, fmt.Errorf("look for the %s of %s: %w", node, stackName(0), err)
	}
	if len(list.Items) != 1 {
		return nil, fmt.Errorf("the node %s of %s has %d objects", node, stackName(0), len(list.Items))
	}
	return &list.Items[0], nil
}

// deleteOne deletes the first stack and waits until it is gone, alone.
func (b *bench) deleteOne(ctx context.Context) error {
	var err error
	b.result.GoneOne, b.result.DeleteOne, err = b.deleteStacks(ctx, 0, 1)
	return err
}

// deleteRest deletes all others at once.
func (b *bench) deleteRest(ctx context.Context) error {
	if b.n == 1 {
		return nil
	}
	stop, err := b.profile(ctx, "delete")
	if err != nil {
		return err
	}
	b.result.GoneRest, b.result.DeleteRest, err = b.deleteStacks(ctx, 1, b.n)
	return errors.Join(err, stop())
}

func (b *bench) deleteStacks(ctx context.Context, from, to int) (seconds float64, r Requests, err error) {
	began := time.Now()
	err = inParallel(to-from, func(i int) error {
		stack := &v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: stackName(from + i)}}
		return b.admin.Delete(ctx, stack)
	})
	if err != nil {
		return 0, r, fmt.Errorf("delete stacks: %w", err)
	}
	times, err := b.watch.awaitGone(ctx, to, b.settings.patience)
	if err != nil {
		return 0, r, err
	}
	_, seconds = spread(began, times)
	if err := b.quiet(ctx); err != nil {
		return 0, r, err
	}
	r, err = b.requests(ctx)
	return seconds, r, err
}

// inParallel calls do for 0 up to n, some at a time, and returns all errors.
func inParallel(n int, do func(i int) error) error {
	var group sync.WaitGroup
	failed := make([]error, n)
	slots := make(chan struct{}, hands)
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := do(i); err != nil && !apierrors.IsNotFound(err) {
				failed[i] = fmt.Errorf("stack %d: %w", i, err)
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}
