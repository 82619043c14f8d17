package controllers

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"usermanagement.dev/stack/internal/ack"
)

// apart is a manager of an API server that serves only some kinds.
type apart struct {
	manager.Manager
	meta.RESTMapper
	serves map[string]bool
}

func (a apart) GetLogger() logr.Logger               { return logr.Discard() }
func (a apart) GetRESTMapper() meta.RESTMapper       { return a }
func (a apart) GetFieldIndexer() client.FieldIndexer { return a }

func (a apart) IndexField(context.Context, client.Object, string, client.IndexerFunc) error {
	return nil
}

func (a apart) RESTMapping(kind schema.GroupKind, _ ...string) (*meta.RESTMapping, error) {
	if !a.serves[kind.Kind] {
		return nil, &meta.NoKindMatchError{GroupKind: kind}
	}
	return &meta.RESTMapping{}, nil
}

func TestADefinitionThatIsServedLateIsWatchedThen(t *testing.T) {
	server := apart{serves: map[string]bool{}}
	w := NewKindWatcher(server)
	watched, told := 0, 0
	w.watch = func(client.Object) error { watched++; return nil }
	w.changed = func() { told++ }

	w.meet(t.Context(), ack.VPC, time.Millisecond)
	if w.Served()[ack.VPC.Name] || watched > 0 {
		t.Fatal("a kind that is not served counts as served")
	}
	server.serves[ack.VPC.Name] = true
	w.retry(t.Context(), time.Now())
	if watched > 0 {
		t.Error("it is tried again at once, and not after a rest")
	}
	w.retry(t.Context(), time.Now().Add(establishAgain))
	w.retry(t.Context(), time.Now().Add(time.Hour))
	if !w.Served()[ack.VPC.Name] || watched != 1 || told != 1 {
		t.Errorf("served late: served %v, watched %d times, told %d times, want once", w.Served(), watched, told)
	}
}
