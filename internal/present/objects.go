package present

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// Objects are all ACK objects of a stack, read live. Kinds that the cluster does not know have none.
func Objects(ctx context.Context, c client.Reader, stack *v1.UserManagementStack) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, kind := range ack.Kinds() {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GVK().GroupVersion().WithKind(kind.Name + "List"))
		err := c.List(ctx, list, client.InNamespace(stack.Namespace), client.MatchingLabels{v1.LabelStackUID: string(stack.UID)})
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the %s of %s/%s: %w", kind.Plural, stack.Namespace, stack.Name, err)
		}
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
	return objects, nil
}
