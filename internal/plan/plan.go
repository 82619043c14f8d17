// Package plan compares what shall be with what is, and says what to do about it and why. It changes nothing and reads
// nothing: a plan is a value that can be printed, tested and carried out.
package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/graph"
)

// Verb is what to do about a node.
type Verb string

// The verbs.
const (
	// Keep leaves an object as it is: it is what it shall be.
	Keep Verb = "keep"
	// Create makes an object that is not there.
	Create Verb = "create"
	// Replace makes an object beside one of the same node that cannot become it; the old one is pruned afterwards.
	Replace Verb = "replace"
	// Update changes an object, because the intent changed or because somebody else edited it.
	Update Verb = "update"
	// Remake deletes an object on which ACK has given up before there was anything of it in AWS, because only a new one
	// can do better. It is made again when it is gone.
	Remake Verb = "remake"
	// Wait does nothing now: a value is missing, or ACK must not be disturbed.
	Wait Verb = "wait"
	// Roll leaves a host as it is although its revision is not the wanted one: that is a rollout's work.
	Roll Verb = "roll"
	// Unserved does nothing: the kind is not installed in the cluster.
	Unserved Verb = "unserved"
)

// Writes says whether carrying out the verb is a write.
func (v Verb) Writes() bool { return v == Create || v == Replace || v == Update }

// Action is what to do about one node.
type Action struct {
	Verb Verb
	Node *graph.Node
	// Live is the object as it is, or nil.
	Live *unstructured.Unstructured
	// Desired is what to apply, with the intent noted on it; nil unless the verb writes.
	Desired *unstructured.Unstructured
	// Reason says why, for people.
	Reason string
	// Drift names the fields that somebody else changed; empty if the change is our own.
	Drift []string
	// Removal is a merge patch of the spec that takes out what somebody added to maps of ours, or what ACK
	// cannot get out of by itself; empty if there is nothing to take out.
	Removal map[string]any
}

// Cluster is what a plan needs to know of the present.
type Cluster interface {
	// Object is the stack's object of that kind and name, or nil.
	Object(kind, name string) *unstructured.Unstructured
	// OfNode are all objects of the stack that were made for a node, the oldest first.
	OfNode(node string) []*unstructured.Unstructured
	// Serves says whether the kind is installed.
	Serves(kind string) bool
}

// Make plans every node of the graph, in the graph's order.
func Make(g *graph.Graph, cluster Cluster, now time.Time) ([]Action, error) {
	actions := make([]Action, 0, len(g.Nodes()))
	for _, node := range g.Nodes() {
		action, err := decide(node, cluster, now)
		if err != nil {
			return nil, err
		}
		actions = append(actions, action)
	}
	return actions, nil
}

func decide(node *graph.Node, cluster Cluster, now time.Time) (Action, error) {
	action := Action{Verb: Wait, Node: node}
	kind := node.Object.GetKind()
	if !cluster.Serves(kind) {
		action.Verb, action.Reason = Unserved, "the cluster does not know the kind "+kind
		return action, nil
	}
	action.Live = cluster.Object(kind, node.Object.GetName())
	if action.Live == nil {
		action.Live = otherRevision(node, cluster)
	}
	if live := action.Live; live != nil && ack.GivenUp(live) && adoption(node.Object) != adoption(live) {
		return remake(action), nil
	}
	if !node.Runnable() {
		action.Reason = "waiting for " + missing(node.Missing)
		return action, nil
	}
	switch {
	case action.Live == nil:
		return create(action, cluster)
	case action.Live.GetName() != node.Object.GetName():
		action.Verb = Roll
		action.Reason = "the host runs revision " + action.Live.GetLabels()[v1.LabelRevision]
		return action, nil
	default:
		return update(action, now)
	}
}

// Beside turns the action of a host's node into the making of another host beside the one that stands there.
func Beside(action Action, object *unstructured.Unstructured, why string) (Action, error) {
	node := *action.Node
	node.Object = object
	action.Node, action.Verb, action.Reason = &node, Replace, why
	action.Drift, action.Removal = nil, nil
	desired, err := intended(object)
	action.Desired = desired
	return action, err
}

// otherRevision is the host that stands for a node although its revision is not the wanted one, or the wanted one is
// not known yet: the youngest, if there are several. Only hosts carry revisions.
func otherRevision(node *graph.Node, cluster Cluster) *unstructured.Unstructured {
	var youngest *unstructured.Unstructured
	for _, object := range cluster.OfNode(node.ID) {
		if object.GetLabels()[v1.LabelRevision] != "" && object.GetDeletionTimestamp() == nil {
			youngest = object
		}
	}
	return youngest
}

func create(action Action, cluster Cluster) (Action, error) {
	action.Verb, action.Reason = Create, "it is not there"
	if others := cluster.OfNode(action.Node.ID); len(others) > 0 {
		action.Verb = Replace
		action.Reason = others[0].GetName() + " cannot become what is wanted"
	}
	desired, err := intended(action.Node.Object)
	action.Desired = desired
	return action, err
}

func update(action Action, now time.Time) (Action, error) {
	desired, err := intended(action.Node.Object)
	if err != nil {
		return action, err
	}
	if action.Live.GetDeletionTimestamp() != nil {
		action.Reason = "it is being deleted; it is made again when it is gone"
		return action, nil
	}
	was, is := action.Live.GetAnnotations()[v1.AnnotationIntent], desired.GetAnnotations()[v1.AnnotationIntent]
	edited := Changes(desired, action.Live)
	cure := ack.Cure(action.Live, now)
	switch {
	case was == is && len(edited) == 0 && len(cure) > 0:
		action.Verb, action.Reason = Update, "ACK asks AWS for what it cannot have"
	case was == is && len(edited) == 0:
		action.Verb, action.Reason = Keep, "it is what it shall be"
		return action, nil
	case !ack.Touchable(action.Live):
		action.Reason = "ACK is making it and must not be disturbed"
		return action, nil
	case was == is:
		action.Verb, action.Drift = Update, edited
		action.Reason = "somebody changed " + strings.Join(edited, ", ")
	default:
		action.Verb, action.Reason = Update, "the stack asks for something else"
	}
	action.Desired = desired
	_, action.Removal = intruders(desired, action.Live)
	maps.Copy(action.Removal, cure)
	noteUpdate(action, was, is, edited, now)
	return action, nil
}

func remake(action Action) Action {
	if action.Live.GetDeletionTimestamp() == nil {
		action.Verb = Remake
	}
	action.Reason = "ACK asks what it may take over only when an object is new"
	return action
}

func adoption(object *unstructured.Unstructured) string {
	return object.GetAnnotations()[ack.AnnotationAdoptionPolicy]
}

// noteUpdate writes down when the spec was changed, unless only labels or annotations were: those ACK does not act on.
func noteUpdate(action Action, was, is string, edited []string, now time.Time) {
	desired, live := action.Desired, action.Live
	specChanged := specIntent(was) != specIntent(is) || len(action.Removal) > 0
	for _, path := range edited {
		specChanged = specChanged || strings.HasPrefix(path, "spec")
	}
	stamp := live.GetAnnotations()[v1.AnnotationUpdated]
	if specChanged {
		stamp = ack.Updated(live, now)
	}
	if stamp != "" {
		annotate(desired, v1.AnnotationUpdated, stamp)
	}
}

// Changes are the dotted paths at which a live object does not hold what is wanted, or holds more where all of it is ours,
// sorted: what to write, or what somebody edited.
func Changes(desired, live *unstructured.Unstructured) []string {
	c := comparison{rewritten: ack.Rewritten(desired.GetKind())}
	found := c.differences(desired.Object["spec"], live.Object["spec"], "")
	for i, path := range found {
		found[i] = strings.TrimSuffix("spec."+path, ".")
	}
	found = append(found, metadataEdits("labels", desired.GetLabels(), live.GetLabels(), "")...)
	found = append(found, metadataEdits("annotations", desired.GetAnnotations(), live.GetAnnotations(), v1.AnnotationIntent)...)
	for _, owner := range desired.GetOwnerReferences() {
		if !slices.ContainsFunc(live.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == owner.UID }) {
			found = append(found, "metadata.ownerReferences")
		}
	}
	added, _ := intruders(desired, live)
	found = append(found, added...)
	slices.Sort(found)
	return found
}

func metadataEdits(where string, want, have map[string]string, except string) []string {
	var found []string
	for key, value := range want {
		if key != except && have[key] != value {
			found = append(found, "metadata."+where+"."+key)
		}
	}
	return found
}

// intended is the node's object with its intent noted on it.
func intended(object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	intent, err := Intent(object)
	if err != nil {
		return nil, err
	}
	desired := &unstructured.Unstructured{Object: shallow(object.Object)}
	desired.Object["metadata"] = shallow(object.Object["metadata"])
	annotate(desired, v1.AnnotationIntent, intent)
	return desired, nil
}

func shallow(value any) map[string]any {
	m, _ := value.(map[string]any)
	out := make(map[string]any, len(m)+1)
	maps.Copy(out, m)
	return out
}

func annotate(object *unstructured.Unstructured, key, value string) {
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	object.SetAnnotations(annotations)
}

func missing(outputs []graph.Output) string {
	names := make([]string, 0, len(outputs))
	for _, o := range outputs {
		names = append(names, o.String())
	}
	if len(names) > 4 {
		names = append(names[:4], fmt.Sprintf("%d more", len(outputs)-4))
	}
	return strings.Join(names, ", ")
}
