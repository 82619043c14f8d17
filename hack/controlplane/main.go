// Command controlplane gets the programs of the lab's control plane (etcd,
// kube-apiserver and, when asked, kube-controller-manager) and prints where they are.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"usermanagement.dev/stack/lab/controlplane/binaries"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signals' default
	}
}

func run(ctx context.Context) error {
	manager := flag.Bool("controller-manager", false, "get kube-controller-manager too (garbage collector, namespace controller)")
	fromSource := flag.Bool("from-source", false, "build from Go modules, never fetch ready-made binaries")
	flag.Parse()

	wanted := []binaries.Component{binaries.Etcd, binaries.APIServer}
	if *manager {
		wanted = append(wanted, binaries.ControllerManager)
	}
	found, err := binaries.Locator{Progress: os.Stderr, FromSource: *fromSource}.Locate(ctx, wanted...)
	if err != nil {
		return err
	}
	for _, c := range wanted {
		fmt.Printf("%-24s %s\n", c, found[c])
	}
	if kubectl, ok := binaries.Kubectl(); ok {
		fmt.Printf("%-24s %s\n", "kubectl", kubectl)
	} else {
		fmt.Printf("%-24s not installed; to look around by hand: https://kubernetes.io/docs/tasks/tools/\n", "kubectl")
	}
	return nil
}
