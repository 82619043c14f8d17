// Command lab runs the lab: `lab demo` shows the product on one machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"usermanagement.dev/stack/lab/demo"
	"usermanagement.dev/stack/lab/hosts"
)

// The exit codes: of bad arguments, and of an end by a signal (128 + SIGINT, as shells have it).
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out *os.File, errOut io.Writer) int {
	if len(args) == 0 || args[0] != "demo" {
		_, _ = fmt.Fprintln(errOut, "usage: lab demo [flags]; lab demo -h lists the flags")
		return exitUsage
	}
	options, err := parse(args[1:], errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// Whoever closes the other end of a pipe has seen enough, which is no reason to leave anything behind.
	signal.Ignore(syscall.SIGPIPE)
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	options.Out, options.Terminal = &output{file: out, broken: hangUp}, terminalOf(out)
	// A second signal ends at once what the first did not; the kernel then ends the children.
	context.AfterFunc(ctx, stop)
	switch err := demo.Run(ctx, options); {
	case err == nil:
		return 0
	case errors.Is(err, demo.ErrInterrupted):
		_, _ = fmt.Fprintln(errOut, "lab:", err)
		return exitInterrupted
	default:
		_, _ = fmt.Fprintln(errOut, "lab:", err)
		return exitFailed
	}
}

// output tells when nobody listens any more.
type output struct {
	file   *os.File
	broken func()
}

// Write writes to the file.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	if err != nil {
		o.broken()
	}
	return n, err
}

func parse(args []string, errOut io.Writer) (demo.Options, error) {
	var o demo.Options
	flags := flag.NewFlagSet("lab demo", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&o.Root, "root", ".", "checkout of this repository")
	flags.StringVar(&o.StateDir, "state-dir", "", "folder for what a running demo needs (default ROOT/.lab)")
	flags.StringVar(&o.Sample, "sample", "production", "one of config/samples, or the path of a manifest with one stack")
	flags.StringVar(&o.Latency, "latency", "fast", "how long AWS takes: zero, fast or aws")
	flags.StringVar((*string)(&o.Hosts), "hosts", string(hosts.Process), "how hosts are run: process, simulated or nspawn (needs root)")
	flags.BoolVar(&o.Once, "once", os.Getenv("DEMO_ONCE") == "1", "end when the stack is Ready and shown; DEMO_ONCE=1 does the same")
	flags.BoolVar(&o.ControllerManager, "controller-manager", false,
		"run kube-controller-manager too: its garbage collector and namespace controller; built the first time, which takes minutes")
	flags.DurationVar(&o.Timeout, "timeout", 15*time.Minute, "how long to wait for Ready")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(errOut, "lab demo: unexpected %q; flags only\n", flags.Arg(0))
		return o, errors.New("unexpected argument")
	}
	return o, nil
}

const (
	// logColumns is the width that lines are cut to where there is no terminal.
	logColumns = 100
	// leastRows is the height that a terminal needs for being drawn over.
	leastRows = 20
)

// terminalOf finds out what the output is; NO_COLOR and TERM=dumb are obeyed (no-color.org, terminfo(5)).
func terminalOf(out *os.File) demo.Terminal {
	columns, rows, err := term.GetSize(int(out.Fd()))
	if err != nil || columns <= 0 {
		return demo.Terminal{Columns: logColumns}
	}
	capable := os.Getenv("TERM") != "dumb"
	return demo.Terminal{
		Redraw: capable && rows >= leastRows, Color: capable && os.Getenv("NO_COLOR") == "", Columns: columns,
	}
}
