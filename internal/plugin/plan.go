package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/present"
)

func planCommand(s Streams) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use: "plan -f FILE", Short: "Check a manifest and list what it would become, without a cluster",
		Long: "Check a manifest by the rules of the API server and list the resources that it would become, in waves:\n" +
			"those of one wave are made at the same time, each when all that it needs is ready.",
		Example: "  kubectl ums plan -f config/samples/production.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected %q: say -f FILE", args[0])}
			}
			if file == "" {
				return usageError{errors.New("say which manifest: -f FILE, or -f - for standard input")}
			}
			return nil
		},
		RunE: func(command *cobra.Command, _ []string) error { return plan(command, s, file) },
	}
	command.Flags().StringVarP(&file, "filename", "f", "", "manifest with one or more stacks; - for standard input")
	return command
}

func plan(command *cobra.Command, s Streams, file string) error {
	text, err := read(s.In, file)
	if err != nil {
		return err
	}
	stacks, err := stacksIn(command.Context(), text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for i := range stacks {
		g, err := build.Stack(&stacks[i], unseen{}, build.Inputs{})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if _, err := fmt.Fprint(s.Out, present.Waves(&stacks[i], g, s.Style)); err != nil {
			return err
		}
	}
	return nil
}

// maxManifest bounds what is read; the API server takes no object of more than 1.5 MiB.
const maxManifest = 8 << 20

func read(in io.Reader, file string) ([]byte, error) {
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the manifest: %w", err)
		}
		defer opened.Close() //nolint:errcheck // only read
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", file, err)
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("read the manifest %s: it has more than %d MiB", file, maxManifest>>20)
	}
	return text, nil
}

// unseen is a world in which nothing has been made yet.
type unseen struct{}

var _ graph.World = unseen{}

// Output knows nothing.
func (unseen) Output(string, string) (string, bool) { return "", false }

// Ready says no.
func (unseen) Ready(string) bool { return false }
