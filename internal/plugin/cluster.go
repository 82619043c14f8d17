package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/present"
)

// cluster is found by kubectl's own rules and flags. They come from client-go and not from cli-runtime, which brings
// kustomize with it for what is not used here.
type cluster struct {
	kubeconfig string
	overrides  clientcmd.ConfigOverrides
}

func (c *cluster) bind(flags *pflag.FlagSet) {
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "path of the kubeconfig to use")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ContextOverrideFlags.Namespace.ShortName = "n"
	clientcmd.BindOverrideFlags(&c.overrides, flags, names)
}

// stack reads a stack and its objects.
func (c *cluster) stack(ctx context.Context, name string) (*v1.UserManagementStack, []*unstructured.Unstructured, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	deferred := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &c.overrides)
	namespace, _, err := deferred.Namespace()
	if err != nil {
		return nil, nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	reader, err := newClient(deferred)
	if err != nil {
		return nil, nil, err
	}
	stack := &v1.UserManagementStack{}
	key := client.ObjectKey{Namespace: namespace, Name: name}
	switch err := reader.Get(ctx, key, stack); {
	case meta.IsNoMatchError(err):
		return nil, nil, fmt.Errorf("the cluster does not know %s: install the operator first", v1.Kind)
	case apierrors.IsNotFound(err):
		return nil, nil, fmt.Errorf("there is no %s %s in the namespace %s", v1.Kind, name, namespace)
	case err != nil:
		return nil, nil, fmt.Errorf("read the stack %s: %w", key, err)
	}
	objects, err := present.Objects(ctx, reader, stack)
	return stack, objects, err
}

func newClient(deferred clientcmd.ClientConfig) (client.Client, error) {
	config, err := deferred.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := v1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("make the scheme: %w", err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w", err)
	}
	return c, nil
}
