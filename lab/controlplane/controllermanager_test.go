package controlplane_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

func TestControllerManagerCollectsAndEmptiesNamespaces(t *testing.T) {
	controlplanetest.NeedControllerManager(t)
	cp := controlplanetest.Shared(t)
	must(t, cp.StartControllerManager(t.Context()))
	if running := processesOf(t, cp.DataDir()); len(running) != 3 {
		t.Errorf("running: %v, want three programs", running)
	}
	namespace := controlplanetest.Namespace(t, cp)
	client := clientFor(t, cp.Config())
	maps := client.CoreV1().ConfigMaps(namespace)
	owner, err := maps.Create(t.Context(), configMap("owner"), metav1.CreateOptions{})
	must(t, err)
	child := configMap("child")
	child.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: new(true),
	}}
	_, err = maps.Create(t.Context(), child, metav1.CreateOptions{})
	must(t, err)

	foreground := metav1.DeletePropagationForeground
	must(t, maps.Delete(t.Context(), "owner", metav1.DeleteOptions{PropagationPolicy: &foreground}))
	eventually(t, "owner and child to go", func() (bool, error) {
		list, err := maps.List(t.Context(), metav1.ListOptions{})
		return err == nil && len(list.Items) == 0, err
	})
	must(t, client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}))
	eventually(t, "the namespace to go", func() (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), err
	})
}
