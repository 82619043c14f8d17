package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "usermanagement.dev/stack/api/v1"
)

// TestAMovedObjectWakesTheStackThatItIsTakenFrom: nobody else would put its label back.
func TestAMovedObjectWakesTheStackThatItIsTakenFrom(t *testing.T) {
	object := func(stack string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{}}
		o.SetNamespace("team-a")
		o.SetLabels(map[string]string{v1.LabelStack: stack})
		return o
	}
	queue := priorityqueue.New[reconcile.Request]("test")
	defer queue.ShutDown()
	h := childHandler{shown: func(client.Object) {}, gone: func(client.Object) {}, pace: newPace(), pulse: newPulse(time.Now)}
	h.Update(t.Context(), event.UpdateEvent{ObjectOld: object("prod"), ObjectNew: object("other")}, queue)
	woken := map[string]bool{}
	for range 2 {
		request, _ := queue.Get()
		woken[request.Name] = true
	}
	if !woken["prod"] || !woken["other"] {
		t.Errorf("woken are %v", woken)
	}
}

func TestWhatWakesAStack(t *testing.T) {
	before := func() *v1.UserManagementStack {
		return &v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{
			Generation: 1, ResourceVersion: "1", Finalizers: []string{"other", v1.Finalizer},
		}, Status: v1.UserManagementStackStatus{ObservedGeneration: 1}}
	}
	for name, c := range map[string]struct {
		change func(*v1.UserManagementStack)
		wakes  bool
	}{
		"a spec":       {func(s *v1.UserManagementStack) { s.Generation = 2 }, true},
		"its deletion": {func(s *v1.UserManagementStack) { s.DeletionTimestamp = &metav1.Time{} }, true},
		"a request": {func(s *v1.UserManagementStack) {
			s.Annotations = map[string]string{v1.AnnotationReconcileRequestedAt: "now"}
		}, true},
		"the loss of a finalizer": {func(s *v1.UserManagementStack) { s.Finalizers = []string{"other"} }, true},
		"somebody's finalizer":    {func(s *v1.UserManagementStack) { s.Finalizers = []string{v1.Finalizer} }, false},
		"the loss of its status":  {func(s *v1.UserManagementStack) { s.Status = v1.UserManagementStackStatus{} }, true},
		"a status":                {func(s *v1.UserManagementStack) { s.Status.Progress.Ready = 7 }, false},
		"somebody's annotation":   {func(s *v1.UserManagementStack) { s.Annotations = map[string]string{"a": "b"} }, false},
	} {
		after := before()
		c.change(after)
		if got := stackPredicate().Update(event.UpdateEvent{ObjectOld: before(), ObjectNew: after}); got != c.wakes {
			t.Errorf("%s wakes the stack: %v, want %v", name, got, c.wakes)
		}
	}
}
