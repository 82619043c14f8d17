package acksim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/lab/cloud"
)

// pass is one reconcile of one object.
type pass struct {
	kind    *kind
	aws     *cloud.Client
	opts    *Options
	writer  *writer
	secrets secretReader
	find    lookup
	// side looks up what AWS's answers carry beside the thing itself.
	side    sideInformation
	policy  string // what to do with AWS when the object is deleted
	region  string
	account string
	now     time.Time
}

// secretReader reads a key of a Kubernetes Secret.
type secretReader func(ctx context.Context, namespace, name, key string) (string, error)

// sideInformation is what AWS's answers carry beside the thing that was asked for.
type sideInformation interface {
	// SecurityGroupName is the name of a group, or empty.
	SecurityGroupName(id string) string
	// PendingReboot says that a database has not started with its newest static parameters yet.
	PendingReboot(region, identifier string) bool
}

// outcome says when the next pass is to be.
type outcome struct {
	// backoff asks for the queue's exponential backoff; otherwise after says when, and zero means never.
	backoff bool
	after   time.Duration
	err     error
}

func unstructuredOf(root tree) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: root}
}

// run makes one pass over the object and writes its status.
func (p *pass) run(ctx context.Context, stored *unstructured.Unstructured) outcome {
	original := newObject(stored.DeepCopy())
	if err := p.regionDrift(original); err != nil {
		return outcome{backoff: true, err: err}
	}
	desired := original.copy()
	var latest *object
	var err error
	if desired.deleting() {
		latest, err = p.delete(ctx, desired)
	} else {
		latest, err = p.sync(ctx, desired)
	}
	if latest != nil && err == nil && !desired.deleting() {
		err = p.nextLook(latest)
	}
	if latest != nil && !p.echo(original, latest) {
		if writeErr := p.writer.writeStatus(ctx, p.kind, original, latest); writeErr != nil && err == nil {
			p.opts.Log.Warn("status not written", "kind", p.kind.name, "object", original.key(), "error", writeErr)
		}
	}
	return p.outcomeOf(err)
}

// echo reports whether the status of a pass may be left unwritten because the pass only answered the simulator's own write.
func (p *pass) echo(original, latest *object) bool {
	return p.opts.Lean && p.writer.versions.isEcho(p.kind.name, original.key(), original.u.GetGeneration()) &&
		onlyTimesDiffer(original, latest)
}

// regionDrift refuses an object whose annotation now names another region than the one it was made in. ACK retries with
// backoff and says nothing in the object.
func (p *pass) regionDrift(o *object) error {
	made := text(o.status(), "ackResourceMetadata.region")
	want, ok := o.annotation(annotationRegion)
	if made == "" || !ok || want == made {
		return nil
	}
	return fmt.Errorf("resource already exists in region %s, but the desired state specifies region %s", made, want)
}

// nextLook is ACK's decision when to look again at an object whose pass had no error.
func (p *pass) nextLook(latest *object) error {
	if latest.isTrue(condSynced) {
		after := p.opts.resyncOf(p.kind)
		if p.kind.resync > 0 && !settled(latest) {
			after = p.opts.Pace.poll(p.kind.resync)
		}
		return &requeueError{after: after}
	}
	return &requeueError{err: errOutOfSync, after: p.opts.Pace.poll(notSyncedWait)}
}

// settled says that a certificate has nothing to wait for. ACK polls one every minute all its life; the simulator's pace
// may be quick while something is awaited and slow afterwards.
func settled(latest *object) bool { return text(latest.status(), "status") != "PENDING_VALIDATION" }

func (p *pass) outcomeOf(err error) outcome {
	var wait *requeueError
	switch {
	case err == nil, isTerminalOutcome(err):
		return outcome{}
	case errors.As(err, &wait):
		return outcome{after: wait.after, err: wait.err}
	default:
		return outcome{backoff: true, err: err}
	}
}

// sync makes AWS match the object. It returns the object as it now is, or nil where ACK would not write a status.
func (p *pass) sync(ctx context.Context, desired *object) (latest *object, err error) {
	desired.clearConditions()
	defer func() {
		if latest != nil && !isReferenceError(err) {
			latest.finishConditions(p.now, p.kind, !p.opts.NoReadyCondition, err)
		}
	}()
	plan, err := planAdoption(p.kind, desired)
	if err != nil {
		desired.setTimeless(condTerminal, statusTrue, err.Error())
		return desired, errTerminal
	}
	resolved, has, err := p.kind.resolve(desired, p.find)
	if err != nil && plan.policy != adopt && !plan.readOnly {
		return p.referencesFailed(desired, err)
	}
	if has {
		resolved.setCondition(p.now, condReferencesResolved, statusTrue, "", "")
	}
	if plan.adopting() {
		plan.identify(p.kind, resolved)
	}
	return p.reconcile(ctx, resolved, plan)
}

// referenceError marks the one kind of failure after which nothing but its own condition is written.
type referenceError struct{ err error }

func (r *referenceError) Error() string { return r.err.Error() }
func (r *referenceError) Unwrap() error { return r.err }

func isReferenceError(err error) bool {
	var failure *referenceError
	return errors.As(err, &failure)
}

func (p *pass) referencesFailed(desired *object, err error) (*object, error) {
	status := statusUnknown
	if _, ok := errors.AsType[*terminalReferenceError](err); ok {
		status = statusFalse
	}
	desired.setCondition(p.now, condReferencesResolved, status, "Reference resolution failed", err.Error())
	return desired, &referenceError{err: err}
}

// reconcile reads the AWS object and creates, adopts or updates it.
func (p *pass) reconcile(ctx context.Context, desired *object, plan adoption) (*object, error) {
	latest, err := p.readOne(ctx, desired)
	switch {
	case errors.Is(err, errNotFound) && (plan.policy == adopt || desired.adopted()):
		return nil, errAdoptedGone
	case errors.Is(err, errNotFound) && plan.readOnly:
		return nil, errReadOnlyGone
	case errors.Is(err, errNotFound):
		return p.createOne(ctx, desired)
	case err != nil:
		return latest, err
	case plan.policy == adopt:
		return p.takeOver(ctx, desired, latest, true)
	case plan.readOnly:
		return latest, nil
	case plan.policy == adoptOrCreate:
		return p.takeOver(ctx, desired, latest, false)
	}
	return p.updateOne(ctx, desired, latest)
}

// noted records what an AWS call came to in the object's conditions, as ACK's onError and onSuccess do.
func (p *pass) noted(o *object, err error) (*object, error) {
	p.setDefaults(o)
	if terminal := o.noteError(p.kind, err); terminal {
		return o, errTerminal
	}
	if err == nil && p.kind.syncedEagerly {
		o.setCondition(p.now, condSynced, statusTrue, messageSynced, "")
	}
	return o, err
}

// setDefaults writes the part of ackResourceMetadata that does not depend on AWS's answer.
func (p *pass) setDefaults(o *object) {
	for field, value := range map[string]string{"ownerAccountID": p.account, "region": p.region, "partition": "aws"} {
		path := "ackResourceMetadata." + field
		if text(o.status(), path) == "" && (field != "partition" || !p.kind.noPartition) {
			put(o.status(), path, value)
		}
	}
}

func (p *pass) readOne(ctx context.Context, desired *object) (*object, error) {
	latest, err := p.kind.read(ctx, p, desired)
	if err = p.kind.found(err); errors.Is(err, errNotFound) {
		return nil, err
	}
	if latest == nil {
		latest = desired
	}
	return p.noted(latest, err)
}

// createOne adds the finalizer, creates, and takes the finalizer off again if AWS refused. What a create left behind in
// AWS before it failed stays there.
func (p *pass) createOne(ctx context.Context, desired *object) (*object, error) {
	owed := !desired.managed(p.kind)
	desired.manage(p.kind)
	if owed && !p.opts.Lean {
		owed = false
		if err := p.writer.writeFinalizers(ctx, p.kind, desired, nil); err != nil {
			return nil, err
		}
	}
	created, err := p.kind.create(ctx, p, desired)
	if created == nil {
		created = desired
	}
	refused := isAWSError(err)
	if created, err = p.noted(created, err); err != nil {
		p.createFailed(ctx, desired, created, refused, owed)
		return created, err
	}
	observed, err := p.readOne(ctx, created)
	if observed != nil {
		created.setStatus(observed)
	}
	if err != nil {
		p.createFailed(ctx, desired, created, false, owed)
		return created, err
	}
	return p.writeBack(ctx, desired, created, owed)
}

// createFailed brings the stored finalizer in line: none if AWS refused, there if the pass is only to be continued.
func (p *pass) createFailed(ctx context.Context, desired, created *object, refused, owed bool) {
	if refused {
		desired.unmanage(p.kind)
		created.unmanage(p.kind)
	}
	if refused == owed {
		return // what is stored is right already
	}
	if err := p.writer.writeFinalizers(ctx, p.kind, desired, nil); err != nil {
		p.opts.Log.Warn("finalizer not written", "kind", p.kind.name, "object", desired.key(), "error", err)
	}
}

// updateOne makes AWS match a managed object.
func (p *pass) updateOne(ctx context.Context, desired, latest *object) (*object, error) {
	if !latest.managed(p.kind) {
		latest.setTimeless(condTerminal, statusTrue, "Resource already exists")
		put(latest.condition(condTerminal), "reason",
			"This resource already exists but is not managed by ACK. To bring the resource under ACK management, "+
				"you should explicitly adopt the resource by enabling the ResourceAdoption feature gate and populating the "+
				"`services.k8s.aws/adoption-policy` and `services.k8s.aws/adoption-fields` annotations.")
		return latest, errTerminal
	}
	changed := p.kind.difference(desired, latest)
	if len(changed) == 0 {
		return p.lateInitialize(ctx, latest)
	}
	updated, err := p.kind.update(ctx, p, desired, latest, changed)
	if updated == nil {
		updated = latest
	}
	if updated, err = p.noted(updated, err); err != nil {
		return updated, err
	}
	return p.writeBack(ctx, desired, updated, false)
}

// writeBack fills in late fields and stores what AWS chose in the object's spec. ACK does this in two patches.
func (p *pass) writeBack(ctx context.Context, desired, latest *object, finalizersToo bool) (*object, error) {
	latest, lateErr := p.lateInitialize(ctx, latest)
	if err := p.writer.writeSpec(ctx, p.kind, desired, latest, finalizersToo); err != nil {
		return latest, err
	}
	return latest, lateErr
}

// lateInitialize reads AWS once more and takes over what the user left to AWS.
func (p *pass) lateInitialize(ctx context.Context, latest *object) (*object, error) {
	if len(p.kind.late) == 0 {
		return latest, nil
	}
	observed, err := p.readOne(ctx, latest.copy())
	if err != nil {
		latest.setCondition(p.now, condLateInitialized, statusFalse,
			"Unable to complete Read operation required for late initialization", "Late Initialization Failure")
		latest.setCondition(p.now, condSynced, statusFalse, "", "")
		return latest, err
	}
	if !p.kind.initializeLate(latest, observed) {
		latest.setCondition(p.now, condLateInitialized, statusFalse,
			"Late initialization did not complete, requeuing with delay of 5 seconds", "Delayed Late Initialization")
		latest.setCondition(p.now, condSynced, statusFalse, "", "")
		return latest, &requeueError{after: p.opts.Pace.poll(lateInitWait)}
	}
	latest.setCondition(p.now, condLateInitialized, statusTrue, "Late initialization successful", "Late initialization successful")
	return latest, nil
}
