// Package apply carries out plans: server-side apply under one field manager, read-your-writes over caches that lag, and
// restraint towards whoever changes our fields again and again.
package apply

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
)

// Engine writes objects and remembers what it wrote until the caches show it.
type Engine struct {
	client client.Client
	recent *Recent
}

// NewEngine makes an engine that writes through a client.
func NewEngine(c client.Client, recent *Recent) *Engine { return &Engine{client: c, recent: recent} }

// Create applies an object that is not there yet. Without force: if somebody else's object of that name holds other
// values, the API server refuses with a conflict, and nothing is taken from anybody.
func (e *Engine) Create(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return e.apply(ctx, desired)
}

// Update applies an object of ours, taking back every field that we own.
func (e *Engine) Update(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return e.apply(ctx, desired, client.ForceOwnership)
}

func (e *Engine) apply(
	ctx context.Context, desired *unstructured.Unstructured, opts ...client.ApplyOption,
) (*unstructured.Unstructured, error) {
	live := desired.DeepCopy()
	opts = append(opts, client.FieldOwner(v1.ManagedBy))
	if err := e.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(live), opts...); err != nil {
		return nil, fmt.Errorf("apply %s %s/%s: %w", desired.GetKind(), desired.GetNamespace(), desired.GetName(), err)
	}
	live.SetManagedFields(nil)
	e.recent.Wrote(live)
	return live, nil
}

// Delete deletes exactly the object that was seen, never one that came back under its name.
func (e *Engine) Delete(ctx context.Context, object *unstructured.Unstructured) error {
	uid := object.GetUID()
	err := e.client.Delete(ctx, object, client.Preconditions{UID: &uid})
	if err := client.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("delete %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
	}
	e.recent.Deleted(object)
	return nil
}

// Patch changes a few fields of an object by a JSON merge patch: for a teardown, which must not need a full intent.
func (e *Engine) Patch(ctx context.Context, object *unstructured.Unstructured, patch client.Patch) error {
	live := object.DeepCopy()
	if err := e.client.Patch(ctx, live, patch, client.FieldOwner(v1.ManagedBy)); err != nil {
		return fmt.Errorf("patch %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
	}
	live.SetManagedFields(nil)
	e.recent.Wrote(live)
	return nil
}
