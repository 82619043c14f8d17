package hosts

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"usermanagement.dev/stack/lab/awsapi"
	child "usermanagement.dev/stack/lab/internal/process"
)

// process is a host that is a process.
type process struct {
	processes *Processes
	id        string
	dir, root string
	listen    string
	unit      unit
	metadata  *awsapi.Metadata
	pid       atomic.Int64 // of the app; 0 while it does not run

	stopping chan struct{} // closed by Stop
	ended    chan struct{} // closed when nothing runs any more
	err      error         // of the end; to be read after ended
}

// Address implements Machine. The app's port is the only one; whether it answers shows when it is asked.
func (m *process) Address(int) (address string, ok bool) { return m.listen, m.pid.Load() != 0 }

// Stop implements Machine: SIGTERM, and SIGKILL when the unit's patience is at its end.
func (m *process) Stop() error {
	close(m.stopping)
	<-m.ended
	m.processes.mu.Lock()
	if m.processes.running[m.id] == m {
		delete(m.processes.running, m.id)
	}
	m.processes.mu.Unlock()
	// What it has said stays; the rest would add up with each release.
	return errors.Join(m.err, m.release(), os.RemoveAll(m.root))
}

func (m *process) release() error {
	if m.metadata == nil {
		return nil
	}
	return m.metadata.Stop()
}

// supervise does what systemd does for a service with Restart=always.
func (m *process) supervise() {
	defer close(m.ended)
	for {
		m.say("starting")
		outcome := m.runOnce()
		select {
		case <-m.stopping:
			m.say("stopped")
			return
		default:
		}
		delay := m.processes.paced(m.unit.restartDelay)
		m.say(fmt.Sprintf("%s; starting again in %s", outcome, delay))
		timer := time.NewTimer(delay)
		select {
		case <-m.stopping:
			timer.Stop()
			m.say("stopped")
			return
		case <-timer.C:
		}
	}
}

// runOnce installs and runs the app until it ends, and tells how.
func (m *process) runOnce() (outcome string) {
	if err := m.run(m.unit.before, nil); err != nil {
		return "not installed: " + err.Error()
	}
	err := m.run(m.unit.start, &m.pid)
	if err == nil {
		return "the app has ended"
	}
	return err.Error()
}

// run runs one of the unit's programs to its end, or until the host is stopped.
func (m *process) run(program string, pid *atomic.Int64) error {
	if program == "" {
		return nil
	}
	env, err := m.environment()
	if err != nil {
		return err
	}
	started, err := child.Start(child.Spec{
		Name: filepath.Base(program), Path: m.below(program), Dir: m.root, Env: env, Bare: true,
		LogPath: m.processes.LogFile(m.id), Append: true,
	})
	if err != nil {
		return err
	}
	if pid != nil {
		pid.Store(int64(started.PID()))
		defer pid.Store(0)
	}
	select {
	case <-started.Done():
	case <-m.stopping:
		grace := m.unit.stopTimeout
		if pid == nil || m.processes.hurried.Load() {
			grace = 0 // with all that an installer has started
		}
		m.err = started.Stop(grace)
	}
	return started.Err()
}

// environment is what the unit's environment files say now, translated, and what comes from outside.
func (m *process) environment() ([]string, error) {
	env := map[string]string{}
	for _, path := range m.unit.environmentFiles {
		path, optional := strings.CutPrefix(path, "-")
		text, err := os.ReadFile(m.below(path))
		if optional && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read an environment file: %w", err)
		}
		variables, err := ParseEnvironment(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		maps.Copy(env, variables)
	}
	if err := m.translated(env); err != nil {
		return nil, err
	}
	maps.Copy(env, m.outside())
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list, nil
}

// say writes a line into the host's log, as systemd does into the journal.
func (m *process) say(text string) {
	f, err := os.OpenFile(m.processes.LogFile(m.id), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return // the programs' own logs cannot be opened either, and that is an error
	}
	defer f.Close() //nolint:errcheck // a line that is lost explains nothing
	_, _ = fmt.Fprintf(f, "%s host: %s\n", time.Now().UTC().Format(time.RFC3339), text)
}
