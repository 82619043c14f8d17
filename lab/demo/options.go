package demo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/network"
	"usermanagement.dev/stack/lab/nspawn"
)

// Options say what to show.
type Options struct {
	// Root is a checkout of this repository, whose chart, samples and built programs are used.
	Root string
	// StateDir holds a folder per running demo; Root/.lab if empty.
	StateDir string
	// Sample is the name of a file of config/samples, or the path of a manifest with one UserManagementStack.
	Sample string
	// Latency is how long AWS takes: zero, fast or aws.
	Latency string
	// Hosts is how hosts are run.
	Hosts hosts.Mode
	// ControllerManager runs kube-controller-manager too, which collects garbage and empties deleted namespaces.
	ControllerManager bool
	// Once ends the demo when the stack is Ready and shown.
	Once bool
	// Timeout bounds the wait for Ready.
	Timeout time.Duration
	// Out is where everything is written.
	Out io.Writer
	// Terminal says what Out is.
	Terminal Terminal
}

// latency is one choice of how fast AWS is, and ACK's own waiting times that go with it.
type latency struct {
	times cloud.Latencies
	pace  acksim.Pace
	// health scales what load balancers wait for.
	health float64
	about  string
}

// fastPace shortens ACK's waits as cloud.Fast shortens AWS's.
const fastPace = 1.0 / 15

// instantHealth has load balancers check every tenth of a second.
const instantHealth = 0.01

var latencies = map[string]func() latency{
	"zero": func() latency { return latency{cloud.Zero(), acksim.Instant(), instantHealth, "AWS takes no time"} },
	"fast": func() latency {
		return latency{cloud.Fast(), acksim.Pace{Poll: fastPace, Resync: fastPace}, fastPace, "15 times as fast as AWS"}
	},
	"aws": func() latency { return latency{cloud.AWS(), acksim.Pace{}, 1, "as slow as AWS"} },
}

// settle checks the options and fills in what was left out.
func (o *Options) settle() error {
	if _, ok := latencies[o.Latency]; !ok {
		return fmt.Errorf("unknown latency %q: use zero, fast or aws", o.Latency)
	}
	switch o.Hosts {
	case hosts.Process, hosts.Simulated:
	case hosts.Nspawn:
		if err := errors.Join(nspawn.Possible(), network.Possible()); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown hosts %q: use %s, %s or %s", o.Hosts, hosts.Process, hosts.Simulated, hosts.Nspawn)
	}
	if o.Timeout <= 0 {
		return fmt.Errorf("the timeout is %s: use one above zero, for example 15m", o.Timeout)
	}
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return fmt.Errorf("find the checkout %s: %w", o.Root, err)
	}
	o.Root = root
	if _, err := os.Stat(o.chart()); err != nil {
		return fmt.Errorf("%s is not a checkout of this repository, its chart is missing (%w): go there, or use --root", o.Root, err)
	}
	if o.StateDir == "" {
		o.StateDir = filepath.Join(o.Root, ".lab")
	}
	if o.StateDir, err = filepath.Abs(o.StateDir); err != nil {
		return fmt.Errorf("find the state folder: %w", err)
	}
	programs := []string{"manager", "helm"}
	if o.fetches() {
		programs = append(programs, releaseProgram(firstRelease), releaseProgram(secondRelease))
	}
	for _, program := range programs {
		if _, err := os.Stat(o.program(program)); err != nil {
			return fmt.Errorf("there is no %s (%w): run `make demo`, which builds it", program, err)
		}
	}
	_, err = o.samplePath()
	return err
}

// fetches reports whether hosts fetch the app and run it.
func (o *Options) fetches() bool { return o.Hosts == hosts.Process || o.Hosts == hosts.Nspawn }

func (o *Options) chart() string { return filepath.Join(o.Root, "charts", "user-management-stack") }

func (o *Options) program(name string) string { return filepath.Join(o.Root, "bin", name) }

// samplePath is the file of the sample; a name without a folder or an ending is one of config/samples.
func (o *Options) samplePath() (string, error) {
	path := o.Sample
	folder := filepath.Join(o.Root, "config", "samples")
	if !strings.ContainsRune(path, filepath.Separator) && filepath.Ext(path) == "" {
		path = filepath.Join(folder, path+".yaml")
	}
	_, err := os.Stat(path)
	if err == nil {
		return path, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the sample: %w", err)
	}
	return "", fmt.Errorf("there is no sample %q: use %s, or the path of a manifest", o.Sample, strings.Join(sampleNames(folder), ", "))
}

func sampleNames(folder string) []string {
	files, _ := filepath.Glob(filepath.Join(folder, "*.yaml"))
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	slices.Sort(names)
	return names
}
