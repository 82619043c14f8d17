package controllers

import (
	"context"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// childHandler wakes the stack that an object belongs to, when something about the object that a pass reads has changed.
type childHandler struct {
	// shown is told of every object that a cache shows anew, gone of every one that it has seen deleted.
	shown, gone func(client.Object)
	pace        *pace
	pulse       *pulse
}

// Create wakes the stack of an object that a cache has met.
func (h childHandler) Create(_ context.Context, e event.CreateEvent, q queue) {
	h.shown(e.Object)
	h.pulse.met(e.Object)
	h.wake(e.Object, q)
}

// Update wakes the stack of an object in which something has changed that a pass reads. If the label that names the stack
// was changed, the one that it named before is woken: it puts the label back.
func (h childHandler) Update(_ context.Context, e event.UpdateEvent, q queue) {
	h.shown(e.ObjectNew)
	h.pulse.changed(e.ObjectOld, e.ObjectNew)
	if !meaningful(e.ObjectOld, e.ObjectNew) {
		return
	}
	h.wake(e.ObjectNew, q)
	if e.ObjectOld.GetLabels()[v1.LabelStack] != e.ObjectNew.GetLabels()[v1.LabelStack] {
		h.wake(e.ObjectOld, q)
	}
}

// Delete wakes the stack of an object that is gone, after what was remembered of the object is dropped.
func (h childHandler) Delete(_ context.Context, e event.DeleteEvent, q queue) {
	h.gone(e.Object)
	h.wake(e.Object, q)
}

// Generic wakes the stack of an object.
func (h childHandler) Generic(_ context.Context, e event.GenericEvent, q queue) { h.wake(e.Object, q) }

func (h childHandler) wake(object client.Object, q queue) {
	if name := object.GetLabels()[v1.LabelStack]; name != "" {
		stack := types.NamespacedName{Namespace: object.GetNamespace(), Name: name}
		q.AddAfter(reconcile.Request{NamespacedName: stack}, h.pace.gather(stack))
	}
}

// meaningful compares all but what ACK rewrites in every pass without anything having changed: the times in its
// conditions, and with them the resource version.
func meaningful(before, after client.Object) bool {
	a, ok := before.(*unstructured.Unstructured)
	b, same := after.(*unstructured.Unstructured)
	if !ok || !same {
		return before.GetResourceVersion() != after.GetResourceVersion()
	}
	return a.GetGeneration() != b.GetGeneration() ||
		(a.GetDeletionTimestamp() == nil) != (b.GetDeletionTimestamp() == nil) ||
		ack.PassedSinceUpdate(a) != ack.PassedSinceUpdate(b) ||
		!reflect.DeepEqual(a.GetLabels(), b.GetLabels()) ||
		!reflect.DeepEqual(a.GetAnnotations(), b.GetAnnotations()) ||
		!reflect.DeepEqual(a.GetOwnerReferences(), b.GetOwnerReferences()) ||
		!reflect.DeepEqual(a.GetFinalizers(), b.GetFinalizers()) ||
		!ack.SameStatus(a, b)
}

// stackPredicate passes what a pass of a stack has to see: its spec, the annotations addressed to us, its deletion, and what
// somebody took away of ours. Our own status writes are no news.
func stackPredicate() predicate.Predicate {
	return predicate.Or(
		predicate.GenerationChangedPredicate{},
		predicate.Funcs{
			CreateFunc:  func(event.CreateEvent) bool { return true },
			DeleteFunc:  func(event.DeleteEvent) bool { return true },
			GenericFunc: func(event.GenericEvent) bool { return true },
			UpdateFunc: func(e event.UpdateEvent) bool {
				return (e.ObjectOld.GetDeletionTimestamp() == nil) != (e.ObjectNew.GetDeletionTimestamp() == nil) ||
					!reflect.DeepEqual(addressed(e.ObjectOld), addressed(e.ObjectNew)) ||
					robbed(e.ObjectOld, e.ObjectNew)
			},
		},
	)
}

// robbed says whether a stack has lost our finalizer, which `kubectl replace` takes off with everything else that its file
// does not name (until it is back, a deletion would be nobody's to order), or its status.
func robbed(before, after client.Object) bool {
	had, has := controllerutil.ContainsFinalizer(before, v1.Finalizer), controllerutil.ContainsFinalizer(after, v1.Finalizer)
	old, isStack := before.(*v1.UserManagementStack)
	now, isStill := after.(*v1.UserManagementStack)
	return had && !has || isStack && isStill && now.Status.ObservedGeneration < old.Status.ObservedGeneration
}

func addressed(object metav1.Object) [3]string {
	a := object.GetAnnotations()
	return [3]string{
		a[v1.AnnotationReconcileRequestedAt], a[v1.AnnotationRegenerateSecret], a[v1.AnnotationAbandon],
	}
}
