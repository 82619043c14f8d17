package integration

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/environment"
)

func sameJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

func TestEditedChildrenArePutBack(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "production"))
	eventuallyReady(t, stack)
	for _, c := range []struct{ node, path, patch string }{
		{"sg-alb", "spec", `{"spec":{"ingressRules":[]}}`},
		{"vpc", "spec", `{"spec":{"enableDNSSupport":false}}`},
		{"db", "spec", `{"spec":{"backupRetentionPeriod":0}}`},
		{"role-host", "spec", `{"spec":{"maxSessionDuration":7200,"inlinePolicies":{"everything":"{}"}}}`},
		{"listener-https", "spec", `{"spec":{"defaultActions":[{"type":"fixed-response","fixedResponseConfig":{"statusCode":"503"}}]}}`},
		{"tg", "spec", `{"spec":{"targets":[]}}`},
		{"igw", "metadata.labels", `{"metadata":{"labels":{"usermanagement.dev/component":"Nowhere"}}}`},
		{"rt-public", "metadata.labels", `{"metadata":{"labels":{"usermanagement.dev/managed-by":null}}}`},
		{"alb", "metadata.labels", `{"metadata":{"labels":{"usermanagement.dev/managed-by":"somebody"}}}`},
		{"listener-http", "metadata.labels", `{"metadata":{"labels":{"usermanagement.dev/stack":"another"}}}`},
		{"sg-app", "metadata.labels", `{"metadata":{"labels":{"usermanagement.dev/stack-uid":"another"}}}`},
		{"sg-db", "metadata.annotations", `{"metadata":{"annotations":{"usermanagement.dev/needs":null}}}`},
	} {
		t.Run(c.node+" "+c.path, func(t *testing.T) {
			object := ofNode(t, namespace, c.node)
			before := ours(t, object, c.path)
			if err := admin.Patch(t.Context(), object.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(c.patch))); err != nil {
				t.Fatal(err)
			}
			eventuallyTrue(t, "the edit is undone", func() (bool, string) {
				now := object.DeepCopy()
				if err := admin.Get(t.Context(), client.ObjectKeyFromObject(object), now); err != nil {
					return false, err.Error()
				}
				found := ours(t, now, c.path)
				return found == before, found
			})
		})
	}
	eventuallyReady(t, stack)
	tells(t, namespace, "DriftCorrected")
	if hasEvent(t, namespace, v1.ReasonForeignObject) {
		t.Error("an object of the stack is called somebody else's")
	}
}

// ours is what the operator asserts of an object, as text: of the spec the fields that it applied.
func ours(t testing.TB, object *unstructured.Unstructured, path string) string {
	t.Helper()
	if path == "spec" {
		value := map[string]any{}
		for _, name := range []string{
			"ingressRules", "enableDNSSupport", "backupRetentionPeriod", "inlinePolicies", "targets",
		} {
			value[name], _, _ = unstructured.NestedFieldNoCopy(object.Object, "spec", name)
		}
		actions, _, _ := unstructured.NestedSlice(object.Object, "spec", "defaultActions")
		for _, action := range actions {
			if a, ok := action.(map[string]any); ok {
				value["action"] = a["type"]
			}
		}
		return asJSON(t, value)
	}
	value, _, _ := unstructured.NestedStringMap(object.Object, strings.Split(path, ".")...)
	delete(value, "usermanagement.dev/updated")
	return asJSON(t, value)
}

func asJSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDeletedChildrenAreMadeAgain(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "production"))
	eventuallyReady(t, stack)
	for _, node := range []string{"listener-http", "dns-users." + namespace + "." + environment.Domain, "profile-host"} {
		object := ofNode(t, namespace, node)
		if err := admin.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		eventuallyTrue(t, node+" is there again", func() (bool, string) {
			now := object.DeepCopy()
			err := admin.Get(t.Context(), client.ObjectKeyFromObject(object), now)
			return err == nil && now.GetUID() != object.GetUID(), "the old one is still there"
		})
	}
	eventuallyReady(t, stack)
	tells(t, namespace, "DriftCorrected")
}

func TestWhatACKWritesIsNotFought(t *testing.T) {
	namespace := lab.Namespace(t)
	startOperator(t, namespace)
	stack := create(t, namespace, sample(t, "production"))
	eventuallyReady(t, stack)
	generations := map[string]int64{}
	for _, object := range objects(t, namespace) {
		generations[object.GetKind()+"/"+object.GetName()] = object.GetGeneration()
	}
	for range 3 {
		token := requestPass(t, stack)
		eventually(t, stack, "another pass was made", func(s *stackObject) bool { return s.Status.LastHandledReconcileAt == token })
	}
	for _, object := range objects(t, namespace) {
		if was := generations[object.GetKind()+"/"+object.GetName()]; object.GetGeneration() != was {
			t.Errorf("%s/%s went from generation %d to %d with nothing to do", object.GetKind(), object.GetName(), was, object.GetGeneration())
		}
	}
	if hasEvent(t, namespace, "DriftCorrected") {
		t.Error("ACK's own writing is called drift")
	}
}

// tells waits until an event with a reason is there: events are written after what they tell of.
func tells(t testing.TB, namespace, reason string) {
	t.Helper()
	eventuallyTrue(t, "an event "+reason+" tells of it", func() (bool, string) { return hasEvent(t, namespace, reason), "" })
}

func hasEvent(t testing.TB, namespace, reason string) bool {
	t.Helper()
	list := &eventsv1.EventList{}
	if err := admin.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	for _, event := range list.Items {
		if event.Reason == reason && (event.Type == corev1.EventTypeWarning || event.Type == corev1.EventTypeNormal) {
			return true
		}
	}
	return false
}
