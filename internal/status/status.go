package status

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/rollout"
)

// Facts is what a pass has seen and done.
type Facts struct {
	Stack   *v1.UserManagementStack
	Actions []plan.Action
	// Problems are the nodes that could not be applied, by node.
	Problems map[string]Problem
	// Stale are the objects that are no longer asked for.
	Stale []*unstructured.Unstructured
	// Inventory is every object that is there or about to be.
	Inventory []v1.InventoryEntry
	// Contested names objects whose correction waits because somebody changes them again and again.
	Contested []string
	// Fleet is the app hosts, and Rollout what is done about them.
	Fleet   rollout.Fleet
	Rollout rollout.Outcome
	// SetupSecret is the name of the Secret with the first administrator's setup secret.
	SetupSecret string
	// Heard is when ACK was last seen at work on any object of a kind, by kind, where it works in the stack's namespace at all.
	Heard map[string]time.Time
	Now   time.Time
}

// Of is the status of a stack that is being built or kept.
func Of(f Facts) v1.UserManagementStackStatus {
	nodes := f.nodes()
	o := outcomeOf(nodes)
	o.moving = o.moving || slices.ContainsFunc(f.Stale, isGoing)
	c := newConditionSet(f.Stack, f.Now)
	c.summarize(o, objectLabels(f.Stale), f.Rollout.Status)
	counts := c.components(nodes, f.Stack.Spec.Ingress.Domain != nil)
	c.available(f.Actions, f.Fleet)
	if len(f.Contested) > 0 {
		c.set(v1.ConditionDrifted, metav1.ConditionTrue, v1.ReasonDriftDetected,
			"somebody keeps changing "+list(f.Contested)+"; corrections are slowed down")
	}
	if len(o.rolling) > 0 {
		c.set(v1.ConditionRolloutNeeded, metav1.ConditionTrue, v1.ReasonRolloutNeeded, list(labels(o.rolling)))
	}
	return v1.UserManagementStackStatus{
		ObservedGeneration:     f.Stack.Generation,
		LastHandledReconcileAt: f.Stack.Annotations[v1.AnnotationReconcileRequestedAt],
		Conditions:             c.list,
		Progress:               progressOf(o.ready, o.total),
		Components:             counts,
		Blockers:               blockers(slices.Concat(nodes, refusals(f.Stale), f.failed()), f.Stack.Status.Blockers, f.Now),
		Endpoints:              endpoints(f.Stack, f.Actions),
		Hosts:                  hosts(f.Fleet),
		Rollout:                rolloutStatus(f.Rollout.Status, f.Stack.Status.Rollout),
		SetupSecret:            f.SetupSecret,
		Inventory:              f.Inventory,
	}
}

func isGoing(object *unstructured.Unstructured) bool { return object.GetDeletionTimestamp() != nil }

// available says whether users are served: by a listener and a database, as far as AWS's own states tell, and by a host
// that answers. It is not about readiness: it stays True during a change.
func (c *conditionSet) available(actions []plan.Action, fleet rollout.Fleet) {
	var listener, database bool
	for _, action := range actions {
		if action.Live == nil || !ack.Serving(action.Live) {
			continue
		}
		kind := action.Live.GetKind()
		listener = listener || kind == ack.Listener.Name
		database = database || kind == ack.DBInstance.Name
	}
	var lacking []string
	for _, part := range []struct {
		there bool
		name  string
	}{
		{listener, "a listener"},
		{database, "the database"},
		{slices.ContainsFunc(fleet.Places, rollout.Place.Serves), "a healthy host"},
	} {
		if !part.there {
			lacking = append(lacking, part.name)
		}
	}
	switch {
	case len(lacking) > 0:
		c.set(v1.ConditionAvailable, metav1.ConditionFalse, v1.ReasonNotServing, "not there: "+strings.Join(lacking, ", "))
	case assumed(fleet):
		c.set(v1.ConditionAvailable, metav1.ConditionTrue, v1.ReasonSucceeded,
			"load balancer, hosts and database are there; hosts that run count as healthy, since the operator was started "+
				"with --health-probe=false")
	default:
		c.set(v1.ConditionAvailable, metav1.ConditionTrue, v1.ReasonSucceeded, "load balancer, hosts and database serve")
	}
}

func progressOf(ready, total int) v1.Progress {
	return v1.Progress{
		Ready: int32(ready), Total: int32(total), //nolint:gosec // a stack has tens of nodes
		Summary: fmt.Sprintf("%d/%d", ready, total),
	}
}

// maxBlockers bounds the list; the conditions count the rest.
const maxBlockers = 10

// blockers names the problems, the hopeless ones first. One that was there before keeps its time.
func blockers(nodes []Node, before []v1.Blocker, now time.Time) []v1.Blocker {
	var found []v1.Blocker
	for _, n := range outcomeOf(nodes).problems() {
		b := v1.Blocker{
			Node: n.ID, Kind: n.Kind, Name: n.Name, Reason: n.Reason,
			Message: ack.StableMessage(n.Message, maxMessage),
			Hint: cmp.Or(ack.StableMessage(n.Hint, maxMessage),
				"look at what the object says of itself: kubectl describe "+label(n.Kind, n.Name)),
			Since: metav1.NewTime(now.Truncate(time.Second)),
		}
		for _, old := range before {
			if old.Node == b.Node && old.Name == b.Name && old.Reason == b.Reason {
				b.Since = old.Since
			}
		}
		found = append(found, b)
		if len(found) == maxBlockers {
			break
		}
	}
	return found
}

// endpoints are the addresses, each as soon as it is known.
func endpoints(stack *v1.UserManagementStack, actions []plan.Action) v1.Endpoints {
	var e v1.Endpoints
	for _, action := range actions {
		if action.Live == nil {
			continue
		}
		switch {
		case action.Live.GetKind() == ack.LoadBalancer.Name:
			e.LoadBalancer, _ = ack.Value(action.Live, ack.OutputDNSName)
		case action.Live.GetKind() == ack.DBInstance.Name:
			e.Database = databaseAddress(action.Live)
		case action.Node.ID == "bastion":
			e.Bastion, _ = ack.Value(action.Live, ack.OutputPublicIP)
		}
	}
	if domain := stack.Spec.Ingress.Domain; domain != nil {
		e.URL = "https://" + domain.Name
	} else if e.LoadBalancer != "" {
		e.URL = "http://" + e.LoadBalancer
	}
	return e
}

func databaseAddress(database *unstructured.Unstructured) string {
	address, known := ack.Value(database, ack.OutputEndpointAddress)
	port, complete := ack.Value(database, ack.OutputEndpointPort)
	if !known || !complete {
		return ""
	}
	return net.JoinHostPort(address, port)
}
