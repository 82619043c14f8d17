package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
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
		Args:    func(_ *cobra.Command, args []string) error { return onlyFile(args, file) },
		RunE:    func(command *cobra.Command, _ []string) error { return planFile(command, s, file) },
	}
	bindFile(command, &file)
	return command
}

func bindFile(command *cobra.Command, file *string) {
	command.Flags().StringVarP(file, "filename", "f", "", "manifest with one or more stacks; - for standard input")
}

// onlyFile takes no arguments but the flag that names a file.
func onlyFile(args []string, file string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected %q: say -f FILE", args[0])}
	}
	if file == "" {
		return usageError{errors.New("say which manifest: -f FILE, or -f - for standard input")}
	}
	return nil
}

func planFile(command *cobra.Command, s Streams, file string) error {
	stacks, err := stacksOf(command.Context(), s.In, file, metav1.NamespaceDefault)
	if err != nil {
		return err
	}
	for i := range stacks {
		g, err := build.Stack(&stacks[i], unseen{}, build.Inputs{})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if _, err := fmt.Fprint(s.Out, between(i), present.Waves(&stacks[i], g, s.Style)); err != nil {
			return err
		}
	}
	return nil
}

// stacksOf are the stacks of a file.
func stacksOf(ctx context.Context, in io.Reader, file, namespace string) ([]v1.UserManagementStack, error) {
	text, err := read(in, file)
	if err != nil {
		return nil, err
	}
	stacks, err := stacksIn(ctx, text, namespace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return stacks, nil
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
