package integration

import (
	"strings"
	"testing"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/cloud"
)

// owned are the AWS resources that exist for a namespace's objects.
func owned(namespace string) []cloud.Object {
	var found []cloud.Object
	for _, object := range lab.Cloud.OwnedObjects() {
		if object.Owner.Namespace == namespace {
			found = append(found, object)
		}
	}
	return found
}

func TestEverySampleBecomesReadyAndGoesWithoutATrace(t *testing.T) {
	for _, name := range []string{"minimal", "production", "internal", "without-domain"} {
		t.Run(name, func(t *testing.T) {
			namespace := lab.Namespace(t)
			startOperator(t, namespace)
			stack := create(t, namespace, sample(t, name))
			ready := eventuallyReady(t, stack)
			if got, want := len(objects(t, namespace)), int(ready.Status.Progress.Total); got != want {
				t.Errorf("%d objects are there, the status counts %d", got, want)
			}
			if len(ready.Status.Inventory) != int(ready.Status.Progress.Total) {
				t.Errorf("the inventory has %d entries for %d objects", len(ready.Status.Inventory), ready.Status.Progress.Total)
			}
			if err := admin.Delete(t.Context(), stack); err != nil {
				t.Fatal(err)
			}
			eventuallyGone(t, stack)
			if left := objects(t, namespace); len(left) > 0 {
				t.Errorf("%d objects are left, the first is %s/%s", len(left), left[0].GetKind(), left[0].GetName())
			}
			assertOnlyKept(t, namespace, stack)
		})
	}
}

// assertOnlyKept fails if anything is left in AWS but what the deletion policy keeps.
func assertOnlyKept(t *testing.T, namespace string, stack *v1.UserManagementStack) {
	t.Helper()
	if stack.Spec.DeletionPolicy == v1.DeletionPolicyRetain {
		if len(owned(namespace)) == 0 {
			t.Error("nothing was retained")
		}
		return
	}
	for _, object := range owned(namespace) {
		snapshot := object.Kind == cloud.KindDBSnapshot && stack.Spec.DeletionPolicy == v1.DeletionPolicySnapshot
		proof := object.Kind == cloud.KindRecordSet && strings.Contains(object.Owner.Name, "-cert-validation-")
		if snapshot || proof {
			continue
		}
		t.Errorf("%s %s is left in AWS", object.Kind, object.ID)
	}
}
