package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
	"usermanagement.dev/stack/test/stacktest"
)

// collector is the user under which a cluster's garbage collector and namespace controller come in the lab.
const collector = "system:kube-controller-manager"

// TestDeletionsWithAGarbageCollector: every cluster has a garbage collector and a namespace controller, which delete in no
// order. What a deletion leaves, and that it goes in order, must not depend on how it was asked for.
func TestDeletionsWithAGarbageCollector(t *testing.T) {
	useLabWithCollector(t)
	t.Run("in the foreground, as Argo CD asks for it", func(t *testing.T) { deletedInOrder(t, metav1.DeletePropagationForeground) })
	t.Run("in the background, as kubectl asks for it", func(t *testing.T) { deletedInOrder(t, metav1.DeletePropagationBackground) })
	t.Run("in the foreground, with a protected database", protectedInTheForeground)
	t.Run("as an orphanage", orphaned)
	t.Run("with its namespace", deletedWithItsNamespace)
	t.Run("with its namespace, and a protected database", protectedInADeletedNamespace)
	t.Run("with its namespace, under the guard", guardedInADeletedNamespace)
}

func useLabWithCollector(t *testing.T) {
	t.Helper()
	controlplanetest.NeedControllerManager(t)
	useOwnLab(t, nil)
	if err := lab.ControlPlane.StartControllerManager(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func readyStack(t *testing.T, name string) (namespace string, stack *v1.UserManagementStack) {
	t.Helper()
	namespace = lab.Namespace(t)
	startOperator(t, namespace)
	stack = create(t, namespace, sample(t, name))
	return namespace, eventuallyReady(t, stack)
}

func protectedStack(t *testing.T) (namespace string, stack *v1.UserManagementStack) {
	t.Helper()
	namespace, stack = readyStack(t, "minimal")
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Database.DeletionProtection = true })
	return namespace, eventuallyReady(t, stack)
}

// deletedInOrder: nobody but the operator asks a part of the stack to go.
func deletedInOrder(t *testing.T, how metav1.DeletionPropagation) {
	t.Helper()
	namespace, stack := readyStack(t, "production")
	counter := requests(t)
	if err := admin.Delete(t.Context(), stack, client.PropagationPolicy(how)); err != nil {
		t.Fatal(err)
	}
	eventuallyGone(t, stack)
	assertOnlyKept(t, namespace, stack)
	counts := countedBy(t, counter, collector)
	if deletions := counts.Total(func(k controlplane.RequestKey) bool { return k.Verb == "delete" }); deletions > 0 {
		t.Errorf("the garbage collector deleted %d objects, in its own order:\n%s", deletions, counts)
	}
	if count := snapshotsOf(namespace); count != 1 {
		t.Errorf("%d final snapshots are left, the policy asks for one", count)
	}
}

// protectedInTheForeground: "nothing is deleted" is also what the garbage collector has to keep to.
func protectedInTheForeground(t *testing.T) {
	namespace, stack := protectedStack(t)
	if err := admin.Delete(t.Context(), stack, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Fatal(err)
	}
	eventually(t, stack, "the garbage collector is done, and the deletion blocked", func(s *stackObject) bool {
		return !slices.Contains(s.Finalizers, metav1.FinalizerDeleteDependents) &&
			meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionDeletionBlocked)
	})
	nothingAskedToGo(t, stack)
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Database.DeletionProtection = false })
	eventuallyGone(t, stack)
	assertOnlyKept(t, namespace, stack)
}

// orphaned: kubectl delete --cascade=orphan keeps all that belongs to an object, here also in AWS.
func orphaned(t *testing.T) {
	namespace, stack := readyStack(t, "minimal")
	before := census(namespace)
	if err := admin.Delete(t.Context(), stack, client.PropagationPolicy(metav1.DeletePropagationOrphan)); err != nil {
		t.Fatal(err)
	}
	eventuallyGone(t, stack)
	left := objects(t, namespace)
	if len(left) != int(stack.Status.Progress.Total) {
		t.Errorf("%d of %d objects are left", len(left), stack.Status.Progress.Total)
	}
	for _, object := range left {
		if object.GetDeletionTimestamp() != nil || metav1.IsControlledBy(object, stack) {
			t.Errorf("%s %s was asked to go, or belongs to the stack that is gone", object.GetKind(), object.GetName())
		}
	}
	if after := census(namespace); after != before {
		t.Errorf("AWS has\n%s\nand had\n%s", after, before)
	}
}

// deletedWithItsNamespace: the namespace controller asks all parts to go at once. Nothing may stand in the way for ever, and
// the last snapshot of the database is taken all the same.
func deletedWithItsNamespace(t *testing.T) {
	namespace, stack := readyStack(t, "minimal")
	deleteNamespace(t, namespace)
	namespaceGone(t, namespace)
	assertOnlyKept(t, namespace, stack)
	if count := snapshotsOf(namespace); count != 1 {
		t.Errorf("%d final snapshots are left, the policy asks for one", count)
	}
}

// protectedInADeletedNamespace goes the way that docs/how-to/delete-a-stack.md shows.
func protectedInADeletedNamespace(t *testing.T) {
	namespace, stack := protectedStack(t)
	identifier, _, _ := unstructured.NestedString(ofNode(t, namespace, build.NodeDatabase).Object, "spec", "dbInstanceIdentifier")
	deleteNamespace(t, namespace)
	eventually(t, stack, "it is blocked", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionDeletionBlocked)
	})
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Database.DeletionProtection = false })
	if hint := blockedBy(t, stack, "DBInstance", v1.ReasonTerminalError).Hint; !strings.Contains(hint, "in AWS") {
		t.Errorf("it does not say where to turn the protection off: %s", hint)
	}
	atTheConsole(t, stack, func(ctx context.Context, c *cloud.Client) error {
		_, err := c.ModifyDBInstance(ctx, identifier, cloud.DBChange{DeletionProtection: new(false)})
		return err
	})
	namespaceGone(t, namespace)
	if count := snapshotsOf(namespace); count != 1 {
		t.Errorf("%d final snapshots are left, the policy asks for one", count)
	}
}

// guardedInADeletedNamespace: with config/admission nobody but the operator takes a stack apart, and it waits for somebody to
// decide about the database.
func guardedInADeletedNamespace(t *testing.T) {
	namespace, stack := protectedStack(t)
	guard(t, ofNode(t, namespace, build.NodeVPC))
	deleteNamespace(t, namespace)
	eventually(t, stack, "it is blocked", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, v1.ConditionDeletionBlocked)
	})
	eventuallyTrue(t, "the namespace controller has tried", func() (bool, string) {
		seen := &corev1.Namespace{}
		err := admin.Get(t.Context(), client.ObjectKey{Name: namespace}, seen)
		words := describeNamespace(seen)
		return err == nil && strings.Contains(words, "is part of the UserManagementStack"), words
	})
	nothingAskedToGo(t, stack)
	change(t, stack, func(s *v1.UserManagementStackSpec) { s.Database.DeletionProtection = false })
	namespaceGone(t, namespace)
	assertOnlyKept(t, namespace, stack)
}

// guard puts config/admission in force, for the operator of these tests.
func guard(t *testing.T, part *unstructured.Unstructured) {
	t.Helper()
	for _, file := range []string{"child_guard.yaml", "child_guard_binding.yaml"} {
		text, err := os.ReadFile(filepath.Join(stacktest.Root, "config", "admission", file))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte("['system:serviceaccount', 'system', 'manager'].join(':')"), []byte("'"+stacktest.OperatorUser+"'"))
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			t.Fatal(err)
		}
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = admin.Delete(context.Background(), object) }) // gone with the lab at the latest
	}
	eventuallyTrue(t, "the guard is in force", func() (bool, string) {
		err := admin.Delete(t.Context(), part.DeepCopy(), client.DryRunAll)
		return apierrors.IsForbidden(err), fmt.Sprint(err)
	})
}

// nothingAskedToGo: all parts of the stack are there and none is on its way out.
func nothingAskedToGo(t *testing.T, stack *v1.UserManagementStack) {
	t.Helper()
	left := objects(t, stack.Namespace)
	if len(left) != int(stack.Status.Progress.Total) {
		t.Errorf("%d of %d objects are left", len(left), stack.Status.Progress.Total)
	}
	for _, object := range left {
		if object.GetDeletionTimestamp() != nil {
			t.Errorf("%s %s was asked to go", object.GetKind(), object.GetName())
		}
	}
}

func deleteNamespace(t *testing.T, name string) {
	t.Helper()
	if err := admin.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		t.Fatal(err)
	}
}

func namespaceGone(t *testing.T, name string) {
	t.Helper()
	eventuallyTrue(t, "the namespace is gone", func() (bool, string) {
		seen := &corev1.Namespace{}
		err := admin.Get(t.Context(), client.ObjectKey{Name: name}, seen)
		return apierrors.IsNotFound(err), describeNamespace(seen)
	})
}

func describeNamespace(namespace *corev1.Namespace) string {
	var words strings.Builder
	for _, c := range namespace.Status.Conditions {
		fmt.Fprintf(&words, "%s: %s\n", c.Type, c.Message)
	}
	return words.String()
}
