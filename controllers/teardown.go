package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/prune"
	"usermanagement.dev/stack/internal/status"
)

// teardown takes a stack that is being deleted one move further. It reads nothing of the spec but the deletion policy,
// the protection and the suspension, so that no invalid spec can keep a stack from going.
func (p *pass) teardown(ctx context.Context) error {
	if p.stack.DeletionTimestamp == nil {
		return nil
	}
	p.lookAway()
	if !controllerutil.ContainsFinalizer(p.stack, v1.Finalizer) {
		p.forgetStack()
		return errDone
	}
	if controllerutil.ContainsFinalizer(p.stack, metav1.FinalizerOrphanDependents) {
		return p.orphan(ctx)
	}
	if p.stack.Spec.Suspend {
		return p.finish(ctx, status.Suspended(p.stack, p.now))
	}
	if !p.saidDeleting() {
		if err := p.reclaim(ctx); err != nil {
			return err
		}
	}
	next := prune.Next(p.world.Objects())
	if next.Done() {
		return p.release(ctx)
	}
	if blocked := p.blocked(); blocked != nil {
		return p.finish(ctx, p.deleting(next, blocked))
	}
	// The status first: whoever waits for the deletion reads from it what is under way.
	if err := p.writeStatus(ctx, p.deleting(next, nil)); err != nil {
		return err
	}
	if err := p.removeAll(ctx, next); err != nil {
		return err
	}
	return errDone
}

func (p *pass) deleting(next prune.Step, blocked *status.Problem) v1.UserManagementStackStatus {
	return status.Deleting(status.Teardown{
		Stack: p.stack, Step: next, Blocked: blocked, Inventory: union(entries(nil, p.world.Objects()), p.unseen()), Now: p.now,
	})
}

// blocked is what must be decided by somebody before anything is deleted at all.
func (p *pass) blocked() *status.Problem {
	if p.stack.Spec.DeletionPolicy != v1.DeletionPolicyRetain && p.stack.Spec.Database.DeletionProtection {
		return &status.Problem{
			Reason:  v1.ReasonDeletionProtected,
			Message: "nothing is deleted: spec.database.deletionProtection is true",
			Hint: "set it to false to let the deletion go on: kubectl patch ums " + p.stack.Name +
				` --type merge -p '{"spec":{"database":{"deletionProtection":false}}}'`,
		}
	}
	return nil
}

func (p *pass) removeAll(ctx context.Context, next prune.Step) error {
	doomed := next.Delete
	if p.stack.Spec.DeletionPolicy == v1.DeletionPolicyRetain {
		// Nothing is deleted in AWS, so nothing has to wait for anything.
		doomed = slices.Concat(next.Delete, next.Held)
	}
	var failed []error
	for _, object := range doomed {
		ready, err := p.prepare(ctx, object)
		if err == nil && ready {
			err = p.engine.Delete(ctx, object)
			childWrites.WithLabelValues(object.GetKind(), "delete").Inc()
		}
		failed = append(failed, err)
	}
	failed = append(failed, p.nudge(ctx, next.Going))
	return errors.Join(failed...)
}

// prepare puts on an object what its deletion must find: ACK reads it at that moment. It is false until ACK has taken a
// protection off, since a deletion before that would be refused for good.
func (p *pass) prepare(ctx context.Context, object *unstructured.Unstructured) (bool, error) {
	annotations, spec := ack.BeforeDelete(object, string(p.stack.Spec.DeletionPolicy))
	if len(annotations) > 0 || len(spec) > 0 {
		if len(spec) > 0 {
			annotations[v1.AnnotationUpdated] = ack.Updated(object, p.now)
		}
		if err := p.merge(ctx, object, annotations, spec); err != nil {
			return false, err
		}
		return len(spec) == 0, nil
	}
	if ack.MustSettle(object) && !ack.Settled(object, p.now) {
		p.again(max(ack.Assess(object, p.now).Recheck, time.Second))
		return false, nil
	}
	return true, nil
}

func (p *pass) merge(ctx context.Context, object *unstructured.Unstructured, annotations map[string]string, spec map[string]any) error {
	marks := make(map[string]any, len(annotations))
	for key, value := range annotations {
		marks[key] = value
	}
	return p.patch(ctx, object, marks, spec)
}

// patch merges annotations and fields of the spec into an object; one that is nil is taken out.
func (p *pass) patch(ctx context.Context, object *unstructured.Unstructured, annotations, spec map[string]any) error {
	body := map[string]any{"metadata": map[string]any{"annotations": annotations}}
	if len(spec) > 0 {
		body["spec"] = spec
	}
	return p.send(ctx, object, body)
}

// send merges a body into an object that may be gone by now.
func (p *pass) send(ctx context.Context, object *unstructured.Unstructured, body map[string]any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("patch %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	childWrites.WithLabelValues(object.GetKind(), "patch").Inc()
	return client.IgnoreNotFound(p.engine.Patch(ctx, object, client.RawPatch(types.MergePatchType, text)))
}

// nudge has ACK try a refused deletion again: after a refusal it waits longer and longer, up to sixteen minutes, long
// after AWS has become ready for it. Any change of the spec wakes it.
func (p *pass) nudge(ctx context.Context, going []*unstructured.Unstructured) error {
	var failed []error
	for _, object := range going {
		if _, refused := ack.Refusal(object); !refused {
			continue
		}
		wait := ack.NudgeIn(object, p.now)
		p.again(max(wait, 100*time.Millisecond))
		if spec, ok := ack.Nudge(object, p.now); ok && wait == 0 {
			failed = append(failed, p.merge(ctx, object, map[string]string{}, spec))
		}
	}
	return errors.Join(failed...)
}

// release lets the stack go, after a last look past the caches at everything that was ever written down.
func (p *pass) release(ctx context.Context) error {
	abandoned := strings.Split(p.stack.Annotations[v1.AnnotationAbandon], ",")
	for _, entry := range p.stack.Status.Inventory {
		kind, err := ack.KindOf(entry.Kind)
		if err != nil || slices.Contains(abandoned, entry.Kind) {
			continue
		}
		if !p.served[entry.Kind] {
			return p.finish(ctx, p.deleting(prune.Step{}, crdGone(kind, entry)))
		}
		there, err := p.stillThere(ctx, kind, entry)
		if err != nil {
			return err
		}
		if there {
			p.again(time.Second)
			return errDone
		}
	}
	if err := p.deleteSecret(ctx); err != nil {
		return err
	}
	return p.letGo(ctx)
}

// orphan lets the stack go and leaves all that it was made of: whoever deletes with --cascade=orphan asks for that. The
// garbage collector then takes the stack's name off its objects, which ACK goes on to care for.
func (p *pass) orphan(ctx context.Context) error {
	p.tell("Orphaned", "TearDown", "the deletion asked to leave its %d objects: they stay, in Kubernetes and in AWS",
		len(p.world.Objects()))
	return p.letGo(ctx)
}

// letGo takes our finalizer off a stack of which nothing is left to do.
func (p *pass) letGo(ctx context.Context) error {
	freed := p.stack.DeepCopy()
	controllerutil.RemoveFinalizer(freed, v1.Finalizer)
	patch := client.MergeFromWithOptions(p.stack, client.MergeFromWithOptimisticLock{})
	err := p.client.Patch(ctx, freed, patch, client.FieldOwner(v1.ManagedBy))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove the finalizer: %w", err)
	}
	p.forgetStack()
	return errDone
}

// saidDeleting says whether the status tells of the deletion already.
func (p *pass) saidDeleting() bool {
	ready := meta.FindStatusCondition(p.stack.Status.Conditions, v1.ConditionReady)
	return ready != nil && ready.Reason == v1.ReasonDeleting
}

// reclaim looks past the caches at what was written down and is not seen, before the deletion begins. Somebody may have
// taken our labels off an object while the stack was suspended or the operator away: it would stand in the way of all that
// it was made from, and no one would delete it.
func (p *pass) reclaim(ctx context.Context) error {
	for _, entry := range p.stack.Status.Inventory {
		kind, err := ack.KindOf(entry.Kind)
		if err != nil || !p.served[entry.Kind] || p.world.Object(entry.Kind, entry.Name) != nil {
			continue
		}
		if _, err := p.stillThere(ctx, kind, entry); err != nil {
			return err
		}
	}
	return p.observe(ctx)
}

// stillThere says whether an object of ours is there, past the caches. One without the labels by which they know it gets
// them back.
func (p *pass) stillThere(ctx context.Context, kind ack.Kind, entry v1.InventoryEntry) (bool, error) {
	object := newObject(kind)
	err := p.live.Get(ctx, types.NamespacedName{Namespace: p.stack.Namespace, Name: entry.Name}, object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s %s: %w", kind.Name, entry.Name, err)
	}
	if !p.owns(object) {
		return false, nil
	}
	return true, p.relabel(ctx, object, entry.Node)
}

// owns says whether an object was made for this stack, by either of the marks that say so: somebody may have lost one.
func (p *pass) owns(object metav1.Object) bool {
	return object.GetLabels()[v1.LabelStackUID] == string(p.stack.UID) || metav1.IsControlledBy(object, p.stack)
}

// relabel puts the labels back by which an object is found, where it lacks them.
func (p *pass) relabel(ctx context.Context, object *unstructured.Unstructured, node string) error {
	want := map[string]string{
		v1.LabelManagedBy: v1.ManagedBy, v1.LabelStack: p.stack.Name, v1.LabelStackUID: string(p.stack.UID), v1.LabelNode: node,
	}
	have := object.GetLabels()
	maps.DeleteFunc(want, func(key, value string) bool { return have[key] == value })
	if len(want) == 0 {
		return nil
	}
	return p.send(ctx, object, map[string]any{"metadata": map[string]any{"labels": want}})
}

func crdGone(kind ack.Kind, entry v1.InventoryEntry) *status.Problem {
	return &status.Problem{
		Reason: v1.ReasonCRDMissing,
		Message: fmt.Sprintf("%s/%s cannot be deleted: the cluster no longer has the CustomResourceDefinition %s",
			entry.Kind, entry.Name, kind.CRD()),
		Hint: fmt.Sprintf("install the ACK %s controller again, or give its AWS resources up with the annotation %s=%s",
			kind.Service, v1.AnnotationAbandon, entry.Kind),
	}
}

func (p *pass) forgetStack() {
	p.lookAway()
	p.written.forget(p.stack.UID)
	p.losses.forget(p.stack.UID)
}
