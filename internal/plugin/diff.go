package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/observe"
	"usermanagement.dev/stack/internal/plan"
	"usermanagement.dev/stack/internal/present"
)

func diffCommand(c *cluster, s Streams) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use: "diff -f FILE", Short: "List what applying a manifest would change of the stacks in the cluster",
		Long: "List what applying a manifest would change: what is changed in place, which hosts are replaced, what is made and\n" +
			"what is deleted. The API server is asked whether it would take the manifest; nothing is written.",
		Example: "  kubectl ums diff -f production.yaml",
		Args:    func(_ *cobra.Command, args []string) error { return onlyFile(args, file) },
		RunE:    func(command *cobra.Command, _ []string) error { return diff(command.Context(), c, s, file) },
	}
	bindFile(command, &file)
	c.bind(command.Flags())
	return command
}

func diff(ctx context.Context, c *cluster, s Streams, file string) error {
	reached, namespace, err := c.connect()
	if err != nil {
		return err
	}
	stacks, err := stacksOf(ctx, s.In, file, namespace)
	if err != nil {
		return err
	}
	if err := c.allows(stacks); err != nil {
		return err
	}
	for i := range stacks {
		text, err := differenceOf(ctx, reached, &stacks[i], s.Style)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(s.Out, between(i), text); err != nil {
			return err
		}
	}
	return nil
}

// between is what stands before the text of the i-th stack.
func between(i int) string {
	if i == 0 {
		return ""
	}
	return "\n"
}

// differenceOf says what applying a stack would change, by the operator's own planning.
func differenceOf(ctx context.Context, c client.Client, wanted *v1.UserManagementStack, style present.Style) (string, error) {
	key := client.ObjectKeyFromObject(wanted)
	stack, err := stackOf(ctx, c, key)
	if errors.Is(err, errNoStack) {
		if err := c.Create(ctx, wanted.DeepCopy(), client.DryRunAll); err != nil {
			return "", refusal(key, err)
		}
		g, err := build.Stack(wanted, unseen{}, build.Inputs{})
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		return "There is no such stack yet.\n\n" + present.Waves(wanted, g, style), nil
	}
	if err != nil {
		return "", err
	}
	if stack.DeletionTimestamp != nil {
		return present.Going(stack, style), nil
	}
	stack.Spec = wanted.Spec
	if err := c.Update(ctx, stack, client.DryRunAll); err != nil {
		return "", refusal(key, err)
	}
	objects, err := present.Objects(ctx, c, stack)
	if err != nil {
		return "", err
	}
	actions, stale, err := planned(stack, objects, time.Now())
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return present.Changes(stack, actions, stale, style), nil
}

// planned is what the operator would do about a stack with these objects, and which of them it would take away.
func planned(
	stack *v1.UserManagementStack, objects []*unstructured.Unstructured, now time.Time,
) ([]plan.Action, []*unstructured.Unstructured, error) {
	served := map[string]bool{}
	for _, kind := range ack.Kinds() {
		served[kind.Name] = true // one that is not is told by the stack's status
	}
	world := observe.New(objects, served, now)
	in := build.Inputs{Serving: len(world.Hosts()) > 0, Namespace: build.NamespaceOf(objects)}
	for _, secret := range world.OfNode(build.NodeAppSecret) {
		in.AppSecretHash = build.AppSecretHash(secret)
	}
	g, err := build.Stack(stack, world, in)
	if err != nil {
		return nil, nil, err
	}
	actions, err := plan.Make(g, world, now)
	return actions, plan.Stale(actions, world.Objects()), err
}

// refusal is what the API server says against the manifest.
func refusal(key client.ObjectKey, err error) error {
	switch {
	case apierrors.IsInvalid(err):
		return fmt.Errorf("the API server would refuse it: %w", err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("ask the API server whether it would take %s (this needs the right to create and update it): %w", key, err)
	default:
		return fmt.Errorf("ask the API server whether it would take %s: %w", key, err)
	}
}
