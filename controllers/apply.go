package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/status"
)

// recordInventory writes down what is about to be made, before any of it is.
func (p *pass) recordInventory(ctx context.Context) error {
	inventory := union(p.stack.Status.Inventory, entries(p.actions, p.world.Objects()))
	if len(inventory) == len(p.stack.Status.Inventory) {
		return nil
	}
	s := status.Of(p.facts())
	s.Inventory = inventory
	return p.writeStatus(ctx, s)
}

// entries names the objects that are there and those that the plan names, as far as their kind is installed.
func entries(actions []plan.Action, objects []*unstructured.Unstructured) []v1.InventoryEntry {
	var list []v1.InventoryEntry
	for _, action := range actions {
		object := action.Node.Object
		unnamed := object.GetLabels()[v1.LabelRevision] != "" && action.Node.Revision == ""
		if !unnamed && action.Verb != plan.Unserved && action.Verb != plan.Roll {
			list = append(list, v1.InventoryEntry{Node: action.Node.ID, Kind: object.GetKind(), Name: object.GetName()})
		}
	}
	for _, object := range objects {
		list = append(list, v1.InventoryEntry{
			Node: object.GetLabels()[v1.LabelNode], Kind: object.GetKind(), Name: object.GetName(),
		})
	}
	return list
}

// union is all entries of both lists, each once, in a stable order.
func union(lists ...[]v1.InventoryEntry) []v1.InventoryEntry {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b v1.InventoryEntry) int {
		return slices.Compare([]string{a.Node, a.Kind, a.Name}, []string{b.Node, b.Kind, b.Name})
	})
	return slices.Compact(all)
}

// atOnce bounds the writes of one stack that are under way at the same time.
const atOnce = 4

// apply carries out what the plan writes. What one node is refused does not keep the others waiting.
func (p *pass) apply(ctx context.Context) error {
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		failed []error
		slots  = make(chan struct{}, atOnce)
	)
	for i := range p.actions {
		action := &p.actions[i]
		if action.Verb == plan.Remake {
			failed = append(failed, p.discard(ctx, action.Live, action.Reason))
			continue
		}
		if !action.Verb.Writes() || p.postponed(action) {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			err := p.write(ctx, action)
			mu.Lock()
			defer mu.Unlock()
			if problem, refused := p.refused(*action, err); refused {
				p.problems[action.Node.ID] = problem
				err = nil
			}
			failed = append(failed, err)
		})
	}
	group.Wait()
	return errors.Join(failed...)
}

// postponed says whether an action has to wait although the plan writes it: the API server has refused just that a
// moment ago, or somebody changes the object again and again.
func (p *pass) postponed(action *plan.Action) bool {
	if p.requested() {
		return false
	}
	if problem, wait, ok := p.refusals.recent(action.Desired, p.now); ok {
		p.problems[action.Node.ID] = problem
		p.again(wait)
		return true
	}
	if len(action.Drift) == 0 {
		return false
	}
	if wait := p.restraint.Wait(action.Live.GetUID(), p.now); wait > 0 {
		p.contested = append(p.contested, action.Live.GetKind()+"/"+action.Live.GetName())
		p.again(wait)
		action.Verb = plan.Wait
		return true
	}
	return false
}

// discard deletes an object, for a reason that the log gets.
func (p *pass) discard(ctx context.Context, object *unstructured.Unstructured, why string) error {
	p.log.Info("Removing an object", "kind", object.GetKind(), "name", object.GetName(), "reason", why)
	childWrites.WithLabelValues(object.GetKind(), "delete").Inc()
	return p.engine.Delete(ctx, object)
}

func (p *pass) write(ctx context.Context, action *plan.Action) error {
	kind := action.Desired.GetKind()
	if action.Verb != plan.Update {
		made, err := p.create(ctx, action.Desired)
		if err != nil {
			return err
		}
		childWrites.WithLabelValues(kind, "create").Inc()
		switch lost, ok := p.losses.found(p.stack.UID, action.Desired); {
		case ok && lost == made.GetUID():
			p.corrected(kind, made.GetName(), "somebody changed its labels; they were put back")
		case ok:
			p.corrected(kind, made.GetName(), "somebody deleted it; it was made again")
		}
		return nil
	}
	if len(action.Removal) > 0 {
		if err := p.merge(ctx, action.Live, map[string]string{}, action.Removal); err != nil {
			return err
		}
	}
	if _, err := p.engine.Update(ctx, action.Desired); err != nil {
		return err
	}
	childWrites.WithLabelValues(kind, "update").Inc()
	if len(action.Drift) > 0 {
		p.restraint.Corrected(action.Live.GetUID(), p.now)
		p.corrected(kind, action.Live.GetName(), action.Reason+"; it was put back")
	}
	return nil
}

// create makes an object. If one of its name is there that is ours, and that no cache shows since somebody has changed its
// labels, it is put right: it is not a stranger's, and must not be called one.
func (p *pass) create(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	made, refusal := p.engine.Create(ctx, desired)
	if !apierrors.IsConflict(refusal) {
		return made, refusal
	}
	there := &unstructured.Unstructured{}
	there.SetGroupVersionKind(desired.GroupVersionKind())
	// What cannot be looked at is not known to be ours.
	if err := p.live.Get(ctx, client.ObjectKeyFromObject(desired), there); err != nil || !p.owns(there) {
		return nil, refusal
	}
	return p.engine.Update(ctx, desired)
}

// corrected tells of a change by somebody else that was put right.
func (p *pass) corrected(kind, name, what string) {
	driftCorrected.WithLabelValues(kind).Inc()
	p.warn("DriftCorrected", "Correct", "%s/%s: %s", kind, name, what)
}

// refusalRest is how long a refused write is not tried again unless its content changes.
const refusalRest = 30 * time.Second

// refused turns an answer of the API server that no mere repetition will change into a problem of the node.
func (p *pass) refused(action plan.Action, err error) (status.Problem, bool) {
	if err == nil {
		p.refusals.forget(action.Desired)
		return status.Problem{}, false
	}
	problem, ok := problemOf(action, err)
	if ok {
		p.refusals.remember(action.Desired, problem, p.now)
		p.again(refusalRest)
	}
	return problem, ok
}

func problemOf(action plan.Action, err error) (status.Problem, bool) {
	kind, name := action.Desired.GetKind(), action.Desired.GetName()
	switch {
	case apierrors.IsConflict(err) && action.Verb != plan.Update:
		return status.Problem{
			Reason:  v1.ReasonForeignObject,
			Message: fmt.Sprintf("an object of this name is there and somebody else's: %s", reasonOf(err)),
			Hint:    fmt.Sprintf("delete or rename %s/%s if it is not needed; the stack never takes over what it did not make", kind, name),
		}, true
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return status.Problem{
			Reason: v1.ReasonRejected, Message: "the API server refuses the object: " + reasonOf(err),
			Hint: "if a field of the stack is named, correct it; otherwise the installed ACK CRD does not fit this operator: " +
				"install the CRDs of the ACK release that this operator's README names",
		}, true
	case apierrors.IsForbidden(err):
		return status.Problem{
			Reason: v1.ReasonAPIRequestFailed, Message: "the API server forbids it: " + reasonOf(err), Hint: forbiddenHint(err),
		}, true
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		crd := kind
		if k, err := ack.KindOf(kind); err == nil {
			crd = k.CRD()
		}
		return status.Problem{
			Reason: v1.ReasonCRDMissing, Message: "the API server does not serve " + crd,
			Hint: "install the ACK controller of this kind with its CRDs",
		}, true
	default:
		return status.Problem{}, false
	}
}

// forbiddenHint is the way out of what the API server forbids: by rights, quotas and policies, or since a namespace or a
// definition is on its way out.
func forbiddenHint(err error) string {
	if strings.Contains(reasonOf(err), "terminat") {
		return "the namespace or the definition of the kind is being deleted: nothing can be made in it any more; " +
			"if it comes back, the stack goes on by itself"
	}
	return "give the operator's service account the rights of config/rbac, or lift the quota or policy that the message names"
}

// reasonOf is the API server's own sentence, without what we wrapped around it.
func reasonOf(err error) string {
	var answer apierrors.APIStatus
	if errors.As(err, &answer) {
		return answer.Status().Message
	}
	return err.Error()
}
