package controllers

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	v1 "usermanagement.dev/stack/api/v1"
)

// TestAWrittenStackIsForgottenWhenTheCacheShowsIt: a stack that is Ready may get no further pass for days.
func TestAWrittenStackIsForgottenWhenTheCacheShowsIt(t *testing.T) {
	version := func(resourceVersion string) *v1.UserManagementStack {
		return &v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{UID: "uid", ResourceVersion: resourceVersion}}
	}
	memory := newStackMemory()
	memory.wrote(version("10"))
	show := func(resourceVersion string) {
		memory.follow().Update(t.Context(), event.TypedUpdateEvent[*v1.UserManagementStack]{
			ObjectOld: version("1"), ObjectNew: version(resourceVersion),
		}, nil)
	}
	if show("9"); memory.stacks["uid"].stack == nil {
		t.Error("the cache is still behind what was written")
	}
	if show("10"); memory.stacks["uid"].stack != nil {
		t.Error("the cache shows what was written")
	}
}
