package controllers

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
)

// Scheme knows the types that the operator reads and writes as Go structs.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return scheme, nil
}

// CacheOptions keep the operator's memory to what is its own: objects with its label, no managed fields, no content of
// Secrets, and of namespaces and the definitions of kinds their names alone.
func CacheOptions() cache.Options {
	ours := labels.SelectorFromSet(labels.Set{v1.LabelManagedBy: v1.ManagedBy})
	crd := &metav1.PartialObjectMetadata{}
	crd.SetGroupVersionKind(crdGVK)
	return cache.Options{
		ByObject: map[client.Object]cache.ByObject{
			&v1.UserManagementStack{}: {Label: labels.Everything(), Transform: cache.TransformStripManagedFields()},
			&corev1.Secret{}:          {Label: ours, Transform: withoutContent},
			crd:                       {Label: labels.Everything(), Transform: nameOnly},
			newNamespace():            {Label: labels.Everything(), Transform: nameOnly},
		},
		// All others are ACK's kinds. By their names they could not be given here: one that is not installed would keep
		// the operator from starting.
		DefaultLabelSelector:        ours,
		DefaultTransform:            newParts().transform(cache.TransformStripManagedFields()),
		ReaderFailOnMissingInformer: true,
	}
}

func nameOnly(object any) (any, error) {
	if m, ok := object.(metav1.Object); ok {
		m.SetLabels(nil)
		m.SetAnnotations(nil)
		m.SetManagedFields(nil)
	}
	return object, nil
}

// ClientOptions have unstructured objects read from the cache too.
func ClientOptions() client.Options {
	return client.Options{Cache: &client.CacheOptions{Unstructured: true}}
}
