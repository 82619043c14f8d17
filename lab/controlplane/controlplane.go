// Package controlplane runs the lab's Kubernetes control plane: a real etcd and a real
// kube-apiserver on loopback, with RBAC, for tests and for the demo. Nothing in it is
// simulated; what is not there are nodes, a scheduler and, unless it is asked for, the
// controller manager.
//
// It is our own code and not controller-runtime's envtest because the lab needs what
// envtest does not do: data that survives a restart, programs that die with their
// parent, an audit log, and programs built where none can be downloaded.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/lab/controlplane/binaries"
	"usermanagement.dev/stack/lab/internal/pki"
	"usermanagement.dev/stack/lab/internal/process"
)

// stopGrace is how long a program may take to end by itself.
const stopGrace = 5 * time.Second

// Options say how to start a control plane. The zero value is good for a test.
type Options struct {
	// DataDir keeps state, keys and logs; a second start on it goes on where the first
	// ended. When empty, a temporary directory is used and removed by Stop.
	DataDir string
	// Discard has Stop end the programs at once and remove DataDir.
	Discard bool
	// Port is the API server's port on 127.0.0.1. When 0, it is the one of the previous
	// start on DataDir, or a free one.
	Port int
	// Audit has the API server log every request, which NewRequestCounter needs.
	Audit bool
	// SyncWrites makes etcd wait for the disk, so that state survives a crash of the
	// machine (not needed to survive one of the processes). It slows every write.
	SyncWrites bool
	// APIServerArgs are added to kube-apiserver's arguments.
	APIServerArgs []string
	// Progress gets a line for whatever takes long, such as a first build.
	Progress io.Writer
}

// ControlPlane is a running etcd and kube-apiserver.
type ControlPlane struct {
	opts      Options
	layout    *layout
	programs  binaries.Set
	authority *pki.Authority
	port      int
	admin     *rest.Config

	mu       sync.Mutex
	running  []*process.Process // in the order of their start
	stopping bool
	failure  error
	done     chan struct{}
}

// Start runs a control plane and returns when it is ready. ctx bounds the start only,
// the search for programs included (which builds them the first time, for minutes);
// Stop ends the control plane.
func Start(ctx context.Context, opts Options) (*ControlPlane, error) {
	locator := binaries.Locator{Progress: opts.Progress}
	programs, err := locator.Locate(ctx, binaries.Etcd, binaries.APIServer)
	if err != nil {
		return nil, fmt.Errorf("find the control plane's programs: %w", err)
	}
	dir, err := openLayout(opts.DataDir, opts.Discard)
	if err != nil {
		return nil, err
	}
	cp := &ControlPlane{opts: opts, layout: dir, programs: programs, done: make(chan struct{})}
	if err := cp.launch(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start the control plane: %w", err), cp.Stop())
	}
	return cp, nil
}

func (cp *ControlPlane) launch(ctx context.Context) error {
	if err := cp.makeCredentials(); err != nil {
		return err
	}
	if err := cp.layout.clearSocket(); err != nil {
		return err
	}
	// The API server needs longer to come to its first read than etcd to be there.
	etcd, err := cp.run(binaries.Etcd, etcdArgs(cp.layout, cp.opts.SyncWrites))
	if err != nil {
		return err
	}
	apiServer, err := cp.startAPIServer(ctx, etcd)
	if err != nil {
		return err
	}
	go cp.watch(etcd, binaries.Etcd)
	go cp.watch(apiServer, binaries.APIServer)
	return cp.layout.rememberPort(cp.port)
}

// run starts one program in the data directory, unless Stop was called meanwhile.
func (cp *ControlPlane) run(c binaries.Component, args []string) (*process.Process, error) {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	if cp.stopping {
		return nil, fmt.Errorf("start %s: the control plane was stopped", c)
	}
	p, err := process.Start(process.Spec{
		Name:    string(c),
		Path:    cp.programs[c],
		Args:    args,
		Dir:     cp.layout.root,
		LogPath: cp.layout.log(c),
	})
	if err != nil {
		return nil, err
	}
	cp.running = append(cp.running, p)
	return p, nil
}

// watch notices when a program ends that nobody has stopped.
func (cp *ControlPlane) watch(p *process.Process, c binaries.Component) {
	<-p.Done()
	cp.mu.Lock()
	defer cp.mu.Unlock()
	if cp.stopping || cp.failure != nil {
		return
	}
	cp.failure = died(p, c)
	close(cp.done)
}

func died(p *process.Process, c binaries.Component) error {
	how := p.Err()
	if how == nil {
		how = errors.New("with exit code 0")
	}
	return fmt.Errorf("%s has ended by itself (%w); the end of its log:\n%s", c, how, p.Tail(logTail))
}

// Done is closed when the control plane was stopped or has failed; Err tells which.
func (cp *ControlPlane) Done() <-chan struct{} { return cp.done }

// Err is why the control plane has failed; nil while it runs and after Stop.
func (cp *ControlPlane) Err() error {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	return cp.failure
}

// DataDir is the directory of state, keys and logs.
func (cp *ControlPlane) DataDir() string { return cp.layout.root }

// Stop ends the programs, the API server before etcd: gracefully where the data is
// kept, at once where it is thrown away. Calling it again does nothing.
func (cp *ControlPlane) Stop() error {
	cp.mu.Lock()
	if cp.stopping {
		cp.mu.Unlock()
		return nil
	}
	cp.stopping = true
	running := cp.running
	if cp.failure == nil {
		close(cp.done)
	}
	cp.mu.Unlock()

	grace := stopGrace
	if cp.layout.temporary {
		grace = 0
	}
	var errs []error
	for _, r := range slices.Backward(running) {
		errs = append(errs, r.Stop(grace))
	}
	return errors.Join(append(errs, cp.layout.release())...)
}
