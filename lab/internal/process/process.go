// Package process runs the lab's child programs so that none outlives the lab:
// each has a process group of its own, a log file, and, on Linux, is killed by the
// kernel when the program that started it dies.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// killWait is how long a process may take to disappear after SIGKILL.
const killWait = 10 * time.Second

// Spec says which program to run and how.
type Spec struct {
	// Name is what errors and logs call the program, for example "etcd".
	Name string
	// Path is the program's file.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Dir is the working directory.
	Dir string
	// Env is added to the environment of this process.
	Env []string
	// Bare leaves Env alone: nothing of this process's environment is passed on.
	Bare bool
	// LogPath is the file that gets stdout and stderr; it is truncated.
	LogPath string
	// Append keeps what is in the log already.
	Append bool
}

// Process is a running or ended child program.
type Process struct {
	spec Spec
	pid  int
	done chan struct{}
	err  error
}

// Start runs the program and returns as soon as it has been started.
func Start(spec Spec) (*Process, error) {
	how := os.O_TRUNC
	if spec.Append {
		how = os.O_APPEND
	}
	log, err := os.OpenFile(spec.LogPath, os.O_CREATE|os.O_WRONLY|how, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.supervise(log, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return p, nil
}

// supervise starts the program and waits for its end on one locked thread: Linux
// sends the parent-death signal when the starting *thread* ends, so that thread has
// to live as long as the child (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) supervise(log *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer log.Close() //nolint:errcheck // nothing of ours is buffered

	// The child's life is bounded by Stop and by the parent's death, not by a context.
	cmd := exec.Command(p.spec.Path, p.spec.Args...) //nolint:gosec,noctx // paths come from the lab itself
	cmd.Dir = p.spec.Dir
	cmd.Env = []string{}
	if !p.spec.Bare {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, p.spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	if err := cmd.Wait(); err != nil {
		p.err = fmt.Errorf("%s ended: %w", p.spec.Name, err)
	}
}

// Run starts the program and waits for its end. When ctx ends first, the program and
// everything that it started is killed. The error carries the tail of its output.
func Run(ctx context.Context, spec Spec) error {
	p, err := Start(spec)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		if p.err != nil {
			return fmt.Errorf("%w\n%s", p.err, p.Tail(20))
		}
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s: %w", spec.Name, context.Cause(ctx)), p.Stop(0))
	}
}

// PID is the process id of the program.
func (p *Process) PID() int { return p.pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the program ended; nil while it runs and after a clean exit.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Stop asks the program to end, waits for at most grace, then kills its whole process
// group. How the program ended is no error here; that it did not end is.
func (p *Process) Stop(grace time.Duration) error {
	if grace > 0 && p.signal(p.pid, syscall.SIGTERM) && p.wait(grace) {
		return nil
	}
	if !p.signal(-p.pid, syscall.SIGKILL) || p.wait(killWait) {
		return nil
	}
	return fmt.Errorf("%s (pid %d) is still there %s after SIGKILL", p.spec.Name, p.pid, killWait)
}

// signal sends sig unless the program has ended; it returns whether it was sent.
func (p *Process) signal(pid int, sig syscall.Signal) bool {
	select {
	case <-p.done:
		return false
	default:
		return syscall.Kill(pid, sig) == nil
	}
}

func (p *Process) wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// tailBytes bounds what Tail reads of a log, however long it has grown.
const tailBytes = 64 << 10

// Tail returns at most the last n lines that the program has written.
func (p *Process) Tail(n int) string {
	data, err := readEnd(p.spec.LogPath)
	if err != nil {
		return fmt.Sprintf("(its log cannot be read: %v)", err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

func readEnd(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(io.LimitReader(f, tailBytes))
}
