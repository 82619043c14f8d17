package acksim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"usermanagement.dev/stack/lab/cloud"
)

// Simulator is a set of ACK controllers.
type Simulator struct {
	cloud       *cloud.Cloud
	opts        Options
	writer      *writer
	core        kubernetes.Interface
	factory     dynamicinformer.DynamicSharedInformerFactory
	cluster     dynamicinformer.DynamicSharedInformerFactory
	namespaces  cache.SharedIndexInformer
	controllers map[string]*controller
	passes      atomic.Int64
}

// New makes a simulator that watches the API server of cfg and works on aws. The CRDs of all its kinds must exist.
func New(cfg *rest.Config, aws *cloud.Cloud, opts Options) (*Simulator, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS, cfg.Burst = -1, 0
	cfg.WarningHandler = rest.NoWarnings{} // an older CRD lacks fields; what is written to them is lost, as with ACK
	if cfg.UserAgent == "" {
		cfg.UserAgent = fieldManager
	}
	watcher, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a client for the ACK simulator: %w", err)
	}
	patcher, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a client for the ACK simulator: %w", err)
	}
	core, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a client for the ACK simulator: %w", err)
	}
	s := &Simulator{
		cloud: aws, opts: opts.withDefaults(), core: core, controllers: map[string]*controller{},
		writer:  &writer{client: patcher, versions: newVersions(), dropStatus: opts.DropStatus},
		factory: dynamicinformer.NewFilteredDynamicSharedInformerFactory(watcher, 0, opts.Namespace, nil),
		cluster: dynamicinformer.NewDynamicSharedInformerFactory(watcher, 0),
	}
	s.namespaces = s.cluster.ForResource(corev1.SchemeGroupVersion.WithResource("namespaces")).Informer()
	for _, k := range kinds() {
		if slices.Contains(s.opts.Without, k.service) {
			continue
		}
		if s.controllers[k.name], err = newController(s, k); err != nil {
			return nil, fmt.Errorf("preparing the controller of %s: %w", k.name, err)
		}
	}
	return s, nil
}

// Start runs the controllers until ctx ends. It returns when all of them have stopped.
func (s *Simulator) Start(ctx context.Context) error {
	s.factory.Start(ctx.Done())
	s.cluster.Start(ctx.Done())
	if err := s.WaitForSync(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, c := range s.controllers {
		wg.Go(func() { c.run(ctx, s.opts.Workers) })
	}
	wg.Wait()
	s.factory.Shutdown()
	s.cluster.Shutdown()
	return nil
}

// WaitForSync blocks until the simulator has seen all existing objects, or until ctx ends.
func (s *Simulator) WaitForSync(ctx context.Context) error {
	synced := []cache.InformerSynced{s.namespaces.HasSynced}
	for _, c := range s.controllers {
		synced = append(synced, c.informer.HasSynced)
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("waiting for the ACK simulator to see all objects (are the ACK CRDs installed?): %w", context.Cause(ctx))
	}
	return nil
}

// Kinds lists the kinds that are simulated, whether or not their controller is left out.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Passes is how many reconciles were made.
func (s *Simulator) Passes() int64 { return s.passes.Load() }

// Writes counts the writes made to the API server.
func (s *Simulator) Writes() *WriteCounts { return &s.writer.counts }

// find looks another object up for a reference.
func (s *Simulator) find(kind, namespace, name string) (tree, bool) {
	c, ok := s.controllers[kind]
	if !ok {
		return nil, false
	}
	u, ok := c.stored(namespace + "/" + name)
	if !ok {
		return nil, false
	}
	return u.Object, true
}

// readSecret reads a Kubernetes Secret live, as ACK does. Only Opaque ones are read.
func (s *Simulator) readSecret(ctx context.Context, namespace, name, key string) (string, error) {
	secret, err := s.core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", errors.New("kubernetes secret not found")
	}
	if secret.Type != corev1.SecretTypeOpaque {
		return "", errors.New("only opaque secrets can be used")
	}
	value, ok := secret.Data[key]
	if !ok {
		return "", errors.New("kubernetes secret not found")
	}
	return string(value), nil
}

func (s *Simulator) namespaceAnnotation(namespace, name string) (string, bool) {
	item, exists, err := s.namespaces.GetStore().GetByKey(namespace)
	if err != nil || !exists {
		return "", false
	}
	u, ok := item.(*unstructured.Unstructured)
	if !ok {
		return "", false
	}
	value, ok := u.GetAnnotations()[name]
	return value, ok
}

// regionOf is where an object's AWS object lives: once known it never changes, then the object's annotation, the
// namespace's, and the controller's flag decide.
func (s *Simulator) regionOf(u *unstructured.Unstructured) string {
	if region := text(u.Object, "status.ackResourceMetadata.region"); region != "" {
		return region
	}
	if region, ok := u.GetAnnotations()[annotationRegion]; ok {
		return region
	}
	if region, ok := s.namespaceAnnotation(u.GetNamespace(), annotationDefaultRegion); ok {
		return region
	}
	return s.opts.Region
}

func (s *Simulator) deletionPolicyOf(k *kind, u *unstructured.Unstructured) string {
	if policy, ok := u.GetAnnotations()[annotationDeletionPolicy]; ok {
		return policy
	}
	if policy, ok := s.namespaceAnnotation(u.GetNamespace(), k.service+"."+annotationDeletionPolicy); ok {
		return policy
	}
	return s.opts.DeletionPolicy
}
