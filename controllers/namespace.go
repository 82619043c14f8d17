package controllers

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// namespaceGVK is read as metadata only: all that is wanted of a namespace is its UID.
var namespaceGVK = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}

// namespaceRest is how long to wait for the cache to show the namespace of a stack that it shows already.
const namespaceRest = 50 * time.Millisecond

func newNamespace() *metav1.PartialObjectMetadata {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(namespaceGVK)
	return namespace
}

// watchNamespaces has the cache filled with namespaces before the first pass.
func watchNamespaces(m manager.Manager) error {
	_, err := m.GetCache().GetInformer(context.Background(), newNamespace(), cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("set up the watch of namespaces: %w", err)
	}
	return nil
}

// lookUpNamespace finds the UID of the stack's namespace, which is an owner of every object. The two come by different
// watches: a namespace that was made a moment ago may show later than the stack in it.
func (p *pass) lookUpNamespace(ctx context.Context) error {
	namespace := newNamespace()
	err := p.client.Get(ctx, types.NamespacedName{Name: p.stack.Namespace}, namespace)
	if apierrors.IsNotFound(err) {
		p.again(namespaceRest)
		return errDone
	}
	if err != nil {
		return fmt.Errorf("read the namespace %s: %w", p.stack.Namespace, err)
	}
	p.namespace = namespace.UID
	return nil
}
