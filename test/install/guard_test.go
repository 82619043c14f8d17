package install

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
)

func TestTheGuardKeepsAStacksPartsFromEverybodyButTheOperator(t *testing.T) {
	installed(t, "--set", "childGuard.enabled=true")
	stack := createStack(t, "minimal", "guarded")
	part := makePart(t, stack, string(stack.UID))
	stranger := makePart(t, stack, "of-a-stack-that-is-long-gone")

	eventually(t, "the guard is in force", func() (bool, string) {
		err := tryDelete(t, admin(t), part)
		return apierrors.IsForbidden(err), message(err)
	})
	if text := message(tryDelete(t, admin(t), part)); !strings.Contains(text, "part of the UserManagementStack "+stack.Name) ||
		!strings.Contains(text, "usermanagement.dev/allow-deletion=yes") {
		t.Errorf("the guard says %q; want the stack's name and the way out", text)
	}
	if err := tryDelete(t, as(t, account, "system:serviceaccounts"), part); err != nil {
		t.Errorf("the operator may not delete what it made: %v", err)
	}
	if err := tryDelete(t, admin(t), stranger); err != nil {
		t.Errorf("an object of no living stack may not be deleted: %v", err)
	}
	t.Run("but for a part that is marked", func(t *testing.T) {
		marked := makePart(t, stack, string(stack.UID), "usermanagement.dev/allow-deletion")
		if err := tryDelete(t, admin(t), marked); err != nil {
			t.Errorf("it may not be deleted: %v", err)
		}
	})
	t.Run("and only while there is the stack", func(t *testing.T) {
		if err := admin(t).Delete(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
		eventually(t, "its parts may be deleted", func() (bool, string) {
			err := tryDelete(t, admin(t), part)
			return err == nil, message(err)
		})
	})
}

// makePart makes an object as the operator would, with annotations that say yes.
func makePart(t *testing.T, stack *v1.UserManagementStack, uid string, annotations ...string) object {
	t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "ec2.services.k8s.aws/v1alpha1", "kind": "InternetGateway",
		"metadata": map[string]any{"generateName": "part-", "namespace": stack.Namespace}, "spec": map[string]any{},
	}}
	o.SetLabels(map[string]string{v1.LabelManagedBy: v1.ManagedBy, v1.LabelStackUID: uid})
	yes := map[string]string{}
	for _, name := range annotations {
		yes[name] = "yes"
	}
	o.SetAnnotations(yes)
	if err := admin(t).Create(t.Context(), o); err != nil {
		t.Fatalf("make a part of the stack: %v", err)
	}
	return o
}

// tryDelete asks whether a user could delete an object, and leaves it there.
func tryDelete(t *testing.T, c client.Client, o object) error {
	t.Helper()
	return c.Delete(t.Context(), o.DeepCopy(), client.DryRunAll)
}
