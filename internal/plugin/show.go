package plugin

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/present"
)

func treeCommand(c *cluster, s Streams) *cobra.Command {
	command := &cobra.Command{
		Use: "tree NAME", Short: "Draw what a stack is made of, with the state and AWS identity of each part",
		Example: "  kubectl ums tree production -n team-a", Args: exactlyOne, ValidArgsFunction: c.complete,
		RunE: func(command *cobra.Command, args []string) error {
			stack, objects, err := c.stack(command.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(s.Out, present.Tree(stack, objects, time.Now(), s.Style))
			return err
		},
	}
	c.bind(command.Flags())
	return command
}

func statusCommand(c *cluster, s Streams) *cobra.Command {
	command := &cobra.Command{
		Use: "status NAME", Short: "Say how a stack and its hosts are, what is in its way and what to do about it",
		Long: "Say how a stack and its hosts are, what is in its way and what to do about it.\n\n" +
			"Exits with 0 if the stack is Ready, 3 if it is not yet, 4 if it is stalled.",
		Example: "  kubectl ums status production && deploy", Args: exactlyOne, ValidArgsFunction: c.complete,
		RunE: func(command *cobra.Command, args []string) error {
			stack, objects, err := c.stack(command.Context(), args[0])
			if err != nil {
				return err
			}
			if _, err := fmt.Fprint(s.Out, present.Status(stack, objects, time.Now(), s.Style)); err != nil {
				return err
			}
			return outcome(stack)
		},
	}
	c.bind(command.Flags())
	return command
}

// outcome is the exit code of a stack's state. What a condition says of an older spec does not count.
func outcome(stack *v1.UserManagementStack) error {
	holds := func(name string) bool {
		c := meta.FindStatusCondition(stack.Status.Conditions, name)
		return c != nil && c.Status == "True" && c.ObservedGeneration == stack.Generation
	}
	switch {
	case holds(v1.ConditionReady):
		return nil
	case holds(v1.ConditionStalled):
		return exit(exitStalled)
	default:
		return exit(exitNotReady)
	}
}
