// Command kubectl-ums is a plugin of kubectl for people who run stacks: `kubectl ums -h`.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"usermanagement.dev/stack/internal/plugin"
	"usermanagement.dev/stack/internal/present"
)

func main() { os.Exit(run()) }

func run() (exitCode int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return plugin.Run(ctx, arguments(os.Args), plugin.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Style: style()})
}

// completer is the name by which kubectl calls the plugin to complete what somebody types: a link to this program.
const completer = "kubectl_complete-ums"

// arguments are what the program is asked for, by its arguments and by the name that it was called by.
func arguments(called []string) []string {
	if filepath.Base(called[0]) == completer {
		return append([]string{"__complete"}, called[1:]...)
	}
	return called[1:]
}

// style is colored and cut to the terminal's width in a terminal, and plain and whole elsewhere.
func style() present.Style {
	columns, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || columns <= 0 {
		return present.Style{}
	}
	return present.Style{Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Columns: columns}
}
