package apply

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/acktest"
)

const stackUID = "stack-uid"

func version(resourceVersion string, options ...acktest.Option) *unstructured.Unstructured {
	object := acktest.Ready(ack.VPC, "vpc", options...)
	object.SetResourceVersion(resourceVersion)
	object.SetOwnerReferences([]metav1.OwnerReference{{UID: stackUID, Controller: new(true)}})
	return object
}

func memory() (*Recent, *time.Time) {
	now := acktest.Start
	r := NewRecent()
	r.clock = func() time.Time { return now }
	return r, &now
}

func shown(t *testing.T, r *Recent, cached ...*unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	objects := r.Overlay(stackUID, cached)
	switch len(objects) {
	case 0:
		return nil
	case 1:
		return objects[0]
	}
	t.Fatalf("one object is shown as %d", len(objects))
	return nil
}

func TestAWriteIsSeenBeforeTheCacheShowsIt(t *testing.T) {
	r, _ := memory()
	written := version("10")
	r.Wrote(written)
	if shown(t, r) != written {
		t.Error("a new object")
	}
	if shown(t, r, version("9")) != written {
		t.Error("a changed object")
	}
	if shown(t, r, version("10")); len(r.written) != 0 {
		t.Error("the cache shows the very write")
	}
	r.Wrote(written)
	if got := shown(t, r, version("100")); got.GetResourceVersion() != "100" {
		t.Error("resource versions are numbers: 100 is newer than 10")
	}
	if got := shown(t, r, version("9")); got.GetResourceVersion() != "9" {
		t.Error("what the cache has caught up with is forgotten")
	}
	if len(r.written)+len(r.byStack) != 0 {
		t.Error("and leaves nothing behind")
	}
}

// TestAWriteIsForgottenWhenACacheShowsIt: its stack may be looked at much later.
func TestAWriteIsForgottenWhenACacheShowsIt(t *testing.T) {
	r, _ := memory()
	r.Wrote(version("10"))
	if r.Shown(version("9")); len(r.written) != 1 {
		t.Error("the cache is still behind the write")
	}
	if r.Shown(version("10")); len(r.written)+len(r.byStack) != 0 {
		t.Error("the cache shows the write")
	}
	r.Deleted(version("10"))
	if r.Shown(version("11")); len(r.written) != 1 {
		t.Error("the cache does not show the deletion")
	}
}

func TestOneStackDoesNotSeeTheWritesOfAnother(t *testing.T) {
	r, _ := memory()
	r.Wrote(version("10"))
	if objects := r.Overlay("another", nil); len(objects) != 0 {
		t.Errorf("got %v", objects)
	}
}

func TestADeletionIsSeenBeforeTheCacheShowsIt(t *testing.T) {
	r, now := memory()
	r.Deleted(version("10"))
	cached := version("10")
	if got := shown(t, r, cached); got.GetDeletionTimestamp() == nil || cached.GetDeletionTimestamp() != nil {
		t.Error("it is going, and the cache's own object is not changed")
	}
	if shown(t, r) != nil {
		t.Error("what is gone from the cache is gone")
	}
	r.Deleted(version("10"))
	if got := shown(t, r, version("11", acktest.Deleting(*now))); got.GetResourceVersion() != "11" || len(r.written) != 0 {
		t.Error("the cache has caught up")
	}
	r.Deleted(version("10"))
	*now = now.Add(time.Minute)
	if got := shown(t, r, cached); got.GetDeletionTimestamp() != nil {
		t.Error("a deletion that never shows is not believed for ever")
	}
}

func TestAWriteThatNeverShowsIsForgotten(t *testing.T) {
	r, now := memory()
	r.Wrote(version("10"))
	*now = now.Add(time.Minute)
	if shown(t, r) != nil || len(r.written)+len(r.byStack) != 0 {
		t.Error("its object was deleted before any cache saw it")
	}
	r.Wrote(version("10"))
	r.Gone(version("10").GetUID())
	r.Gone("never heard of")
	if shown(t, r) != nil || len(r.written)+len(r.byStack) != 0 {
		t.Error("a cache has seen it go")
	}
}

func TestAWriteAfterADeletionTellsOfTheDeletion(t *testing.T) {
	r, now := memory()
	r.Deleted(version("10"))
	r.Wrote(version("11", acktest.Deleting(*now))) // a nudge
	if got := shown(t, r, version("10")); got.GetDeletionTimestamp() == nil {
		t.Error("the deletion is forgotten")
	}
}

func TestAFightGetsRarerAndEndsInPeace(t *testing.T) {
	r, now := NewRestraint(), acktest.Start
	var rests []time.Duration
	for range 16 {
		wait := r.Wait("x", now)
		rests = append(rests, wait)
		now = now.Add(wait)
		if r.Wait("x", now) != 0 {
			t.Fatal("who has waited may correct")
		}
		r.Corrected("x", now)
	}
	if rests[0] != 0 || rests[freeRounds-1] != 0 || rests[freeRounds] != time.Second || rests[15] != longestRest {
		t.Errorf("rests %v", rests)
	}
	for i := freeRounds + 1; i < len(rests); i++ {
		if rests[i] < rests[i-1] {
			t.Errorf("rests get shorter: %v", rests)
		}
	}
	if r.Wait("another", now) != 0 {
		t.Error("one object's fight is not another's")
	}
	if r.Wait("x", now.Add(peaceAfter+time.Second)) != 0 || len(r.fight) != 0 {
		t.Error("after ten quiet minutes the fight is over")
	}
	r.Corrected("x", now)
	r.Gone("x")
	if len(r.fight) != 0 {
		t.Error("what is gone is forgotten")
	}
}
