package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/internal/present"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/environment"
)

// Floor is what the API server and etcd take for the least writes with which the objects of so many stacks can come to be:
// each is applied once, as an operator does, and gets its finalizer and its status, as ACK gives them. Nobody watches, decides
// or asks AWS, and ACK's writes of the spec are left out. No operator can be faster than that beside ACK.
type Floor struct {
	Seconds float64 `json:"seconds"`
	CPU     CPU     `json:"cpu"`
}

// ackManager is the field manager of ACK's controllers.
const ackManager = "controller"

// firstObjects are what the first stack is made of.
func (b *bench) firstObjects(ctx context.Context) ([]*unstructured.Unstructured, error) {
	stack := &v1.UserManagementStack{}
	if err := b.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: stackName(0)}, stack); err != nil {
		return nil, fmt.Errorf("read %s: %w", stackName(0), err)
	}
	return present.Objects(ctx, b.admin, stack)
}

// measureFloor starts a control plane of its own, with nothing beside it, and writes the objects of n stacks.
func measureFloor(ctx context.Context, s settings, objects []*unstructured.Unstructured, n int) (floor *Floor, err error) {
	crds, err := environment.CRDs(s.root)
	if err != nil {
		return nil, err
	}
	restore, err := collectLess()
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.Start(ctx, controlplane.Options{Discard: true, Audit: true, Progress: os.Stderr})
	if err := errors.Join(err, restore()); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	if err := controlplane.InstallCRDs(ctx, plane.Config(), crds...); err != nil {
		return nil, err
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		return nil, err
	}
	admin, err := client.New(plane.Config(), client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if err := admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, fmt.Errorf("make the namespace: %w", err)
	}
	before, began := processes(0), time.Now()
	err = inParallel(n, func(i int) error { return writeLeast(ctx, admin, objects, i) })
	return &Floor{Seconds: time.Since(began).Seconds(), CPU: processes(0).since(before)}, err
}

// writeLeast makes the i-th stack's objects as copies of those of the first.
func writeLeast(ctx context.Context, admin client.Client, objects []*unstructured.Unstructured, i int) error {
	for _, first := range objects {
		object := first.DeepCopy()
		name := strings.Replace(object.GetName(), stackName(0), stackName(i), 1)
		finalizers, status := object.GetFinalizers(), object.Object["status"]
		unstructured.RemoveNestedField(object.Object, "status")
		for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "finalizers"} {
			unstructured.RemoveNestedField(object.Object, "metadata", field)
		}
		object.SetName(name)
		wanted := client.ApplyConfigurationFromUnstructured(object)
		if err := admin.Apply(ctx, wanted, client.FieldOwner(v1.ManagedBy), client.ForceOwnership); err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), name, err)
		}
		if err := writeAsACK(ctx, admin, object, finalizers, status); err != nil {
			return fmt.Errorf("write %s %s as ACK does: %w", object.GetKind(), name, err)
		}
	}
	return nil
}

// writeAsACK gives an object its finalizer, and then its status.
func writeAsACK(
	ctx context.Context, admin client.Client, object *unstructured.Unstructured, finalizers []string, status any,
) error {
	finalizer, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": finalizers}})
	if err != nil {
		return err
	}
	after, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	owner := client.FieldOwner(ackManager)
	if err := admin.Patch(ctx, object, client.RawPatch(types.MergePatchType, finalizer), owner); err != nil {
		return err
	}
	return admin.Status().Patch(ctx, object, client.RawPatch(types.MergePatchType, after), owner)
}
