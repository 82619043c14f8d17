package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
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

// connect reaches the cluster and says which namespace is meant where none is named.
func (c *cluster) connect() (reached client.Client, namespace string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	deferred := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &c.overrides)
	if namespace, _, err = deferred.Namespace(); err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	reached, err = newClient(deferred)
	return reached, namespace, err
}

// allows says no to stacks of another namespace than the one that was asked for by a flag, as kubectl does.
func (c *cluster) allows(stacks []v1.UserManagementStack) error {
	asked := c.overrides.Context.Namespace
	for i := range stacks {
		if asked != "" && stacks[i].Namespace != asked {
			return usageError{fmt.Errorf("the manifest says that %s is in the namespace %s, and --namespace says %s",
				stacks[i].Name, stacks[i].Namespace, asked)}
		}
	}
	return nil
}

// complete lists the stacks that a name may be completed to.
func (c *cluster) complete(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	reader, namespace, err := c.connect()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	stacks := &v1.UserManagementStackList{}
	if err := reader.List(command.Context(), stacks, client.InNamespace(namespace)); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := make([]string, 0, len(stacks.Items))
	for i := range stacks.Items {
		names = append(names, stacks.Items[i].Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// stack reads a stack and its objects.
func (c *cluster) stack(ctx context.Context, name string) (*v1.UserManagementStack, []*unstructured.Unstructured, error) {
	reader, namespace, err := c.connect()
	if err != nil {
		return nil, nil, err
	}
	stack, err := stackOf(ctx, reader, client.ObjectKey{Namespace: namespace, Name: name})
	if err != nil {
		return nil, nil, err
	}
	objects, err := present.Objects(ctx, reader, stack)
	return stack, objects, err
}

// errNoStack says that there is no stack of that name.
var errNoStack = errors.New("there is no " + v1.Kind)

func stackOf(ctx context.Context, reader client.Reader, key client.ObjectKey) (*v1.UserManagementStack, error) {
	stack := &v1.UserManagementStack{}
	switch err := reader.Get(ctx, key, stack); {
	case meta.IsNoMatchError(err):
		return nil, fmt.Errorf("the cluster does not know %s: install the operator first", v1.Kind)
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w %s in the namespace %s", errNoStack, key.Name, key.Namespace)
	case err != nil:
		return nil, fmt.Errorf("read the stack %s: %w", key, err)
	}
	return stack, nil
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
