// Package plugin is what `kubectl ums` does: it shows the stacks of a cluster, and says without one what a manifest
// would become.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"usermanagement.dev/stack/internal/present"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotReady = 3
	exitStalled  = 4
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Style is how to write to Out.
	Style present.Style
}

// exit is an outcome that has been told already and is left to be said as an exit code.
type exit int

// Error names the code.
func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a command that was typed wrong.
type usageError struct{ error }

// Unwrap is what was wrong.
func (e usageError) Unwrap() error { return e.error }

const about = `Look at UserManagementStacks, and at what a manifest would become.

Exit codes: 0 done (status: the stack is Ready), 1 failed, 2 wrong usage,
3 the stack is not Ready yet, 4 the stack is stalled and needs somebody to act.`

// Run runs the plugin and returns its exit code.
func Run(ctx context.Context, args []string, streams Streams) int {
	root := &cobra.Command{
		Use: "kubectl-ums", Short: "Look at UserManagementStacks", Long: about,
		SilenceErrors: true, SilenceUsage: true,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl ums"},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cluster := &cluster{}

	root.AddCommand(treeCommand(cluster, streams), statusCommand(cluster, streams), planCommand(streams), diffCommand(cluster, streams))
	err := root.ExecuteContext(ctx)
	var outcome exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &outcome):
		return int(outcome)
	}
	_, _ = fmt.Fprintln(streams.Err, "error:", err)
	var usage usageError
	if errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command") {
		_, _ = fmt.Fprintln(streams.Err, "See 'kubectl ums -h'.")
		return exitUsage
	}
	return exitFailed
}

// exactlyOne takes the name of one stack.
func exactlyOne(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("say the name of one stack, not of %d", len(args))}
	}
	return nil
}
