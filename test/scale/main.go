// Command scale measures the operator on the lab: a real API server and etcd, the imitation of ACK at full pace over a
// model of AWS without latency, and the operator as a process of its own, whose processor time and memory are therefore
// its own. It prints a table, and writes it into the documentation where it is asked to. Nothing here passes or fails:
// figures of time are no test.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// settings are what whoever starts the benchmark may choose.
type settings struct {
	sizes    []int
	rounds   int
	manager  string
	sample   string
	root     string
	rest     time.Duration
	patience time.Duration
	workers  int
	memory   string
	floor    bool
	raw      string
	document string
	profiles string
	earlier  []string
}

func main() {
	log.SetLogger(logr.Discard())
	if err := start(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := parse(args)
	if err != nil {
		return err
	}
	return run(ctx, s)
}

func parse(args []string) (settings, error) {
	var s settings
	var sizes string
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.StringVar(&sizes, "n", "1,10,50,200",
		"numbers of stacks, one run each; none to show figures of earlier runs, whose files are the arguments")
	flags.IntVar(&s.rounds, "rounds", 1, "runs of each number; the one that was Ready first is shown")
	flags.StringVar(&s.manager, "manager", "bin/manager", "the operator's program")
	flags.StringVar(&s.root, "root", ".", "the repository, for definitions and the sample")
	flags.StringVar(&s.sample, "sample", "production", "the sample that is made again and again")
	flags.DurationVar(&s.rest, "rest", time.Minute, "how long to watch an operator that has nothing to do")
	flags.DurationVar(&s.patience, "patience", 20*time.Minute, "bound of every single wait")
	flags.IntVar(&s.workers, "workers", 0, "the operator's --workers; 0 for its own default")
	flags.StringVar(&s.memory, "memory", "340000000B", "the operator's GOMEMLIMIT: what the Deployment makes of its 340 MiB; off for none")
	flags.BoolVar(&s.floor, "floor", true, "measure beside it how long the API server alone takes for the least writes")
	flags.StringVar(&s.raw, "raw", "", "folder for the figures as JSON; none are written if empty")
	flags.StringVar(&s.document, "document", "", "document whose generated section is rewritten; none if empty")
	flags.StringVar(&s.profiles, "profiles", "", "folder for pprof profiles of operator and simulator; none are taken if empty")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.earlier = flags.Args()
	if sizes == "none" {
		return s, nil
	}
	for word := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return s, fmt.Errorf("-n %s: %q is no number of stacks; give some from 1 up, with commas between them", sizes, word)
		}
		s.sizes = append(s.sizes, n)
	}
	return s, nil
}

// run measures each number of stacks. The document is written after each, so that what is there is not lost.
func run(ctx context.Context, s settings) error {
	all, err := readRaw(s.earlier)
	if err != nil {
		return err
	}
	for _, n := range s.sizes {
		for round := range s.rounds {
			fmt.Fprintf(os.Stderr, "%d stacks, round %d of %d\n", n, round+1, s.rounds)
			result, err := measure(ctx, s, n)
			if err != nil {
				return fmt.Errorf("measure %d stacks: %w", n, err)
			}
			all = append(all, result)
			if err := errors.Join(writeRaw(s.raw, result), writeDocument(s.document, section(fastest(all)))); err != nil {
				return err
			}
		}
	}
	fmt.Print(table(fastest(all)))
	return writeDocument(s.document, section(fastest(all)))
}
