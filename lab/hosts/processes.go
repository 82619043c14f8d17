package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/awsapi"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/loopback"
)

// ProcessOptions say what hosts that are processes stand on.
type ProcessOptions struct {
	// Dir gets a folder for each host.
	Dir string
	// Accounts serves the hosts' metadata.
	Accounts *awsapi.Accounts
	// ProxyURL and CAFile are how hosts reach the names of the lab.
	ProxyURL, CAFile string
	// Resolve is where a name and port lead, for what asks no proxy.
	Resolve func(hostport string) (address string, err error)
	// PublicURL is what browsers are to use for the address that people type; the same if nil.
	PublicURL func(url string) string
	// Pace scales the waits that go with the load balancer's, see translate.go; 0 means 1.
	Pace float64
}

// Processes runs the app of each app host as a process of this machine, with no rights but those of the lab itself. The
// host's own user data installs it: its files are written below the host's folder, its installer is run, and the app is
// started as its unit says. The bastion is not run, nor are accounts made: for these a host has to be a machine.
type Processes struct {
	options ProcessOptions
	hurried atomic.Bool

	mu      sync.Mutex
	running map[string]*process // by instance id
}

// NewProcesses runs nothing yet.
func NewProcesses(o ProcessOptions) *Processes {
	if o.Pace == 0 {
		o.Pace = 1
	}
	return &Processes{options: o, running: map[string]*process{}}
}

// LogFile is the file with what an instance has to say: what would be in its journal and on its console.
func (p *Processes) LogFile(instanceID string) string {
	return filepath.Join(p.options.Dir, instanceID, "console.log")
}

// Kill ends the app of a host at once, as a crash does. The host's unit starts it again.
func (p *Processes) Kill(instanceID string) error {
	p.mu.Lock()
	m := p.running[instanceID]
	p.mu.Unlock()
	if m == nil {
		return fmt.Errorf("no host of instance %s runs", instanceID)
	}
	pid := m.pid.Load()
	if pid == 0 {
		return fmt.Errorf("the app of instance %s does not run", instanceID)
	}
	return syscall.Kill(int(pid), syscall.SIGKILL)
}

// Hurry has hosts from now on end at once when they are stopped: nobody is left whose requests they could finish.
func (p *Processes) Hurry() { p.hurried.Store(true) }

// Launch implements Launcher.
func (p *Processes) Launch(i cloud.Instance) (Machine, error) {
	config, err := ReadUserData(i)
	if err != nil {
		return nil, err
	}
	if !config.AppHost() {
		return deaf{}, nil
	}
	m := &process{
		processes: p, id: i.ID, dir: filepath.Join(p.options.Dir, i.ID), stopping: make(chan struct{}), ended: make(chan struct{}),
	}
	m.root = filepath.Join(m.dir, "root")
	if err := m.prepare(config); err != nil {
		return nil, errors.Join(fmt.Errorf("instance %s: %w", i.ID, err), m.release())
	}
	p.mu.Lock()
	p.running[i.ID] = m
	p.mu.Unlock()
	go m.supervise()
	return m, nil
}

// prepare is what cloud-init does at the first boot.
func (m *process) prepare(config CloudConfig) error {
	if err := checkCommands(config.RunCmd); err != nil {
		return err
	}
	text, _ := config.File("/etc/systemd/system/" + userdata.Unit)
	var err error
	if m.unit, err = parseUnit(text); err != nil {
		return err
	}
	for _, f := range config.WriteFiles {
		mode, err := strconv.ParseUint(f.Permissions, 8, 9)
		if err != nil {
			return fmt.Errorf("the permissions of %s: %w", f.Path, err)
		}
		if err := writeFile(m.below(f.Path), f.Content, os.FileMode(mode)); err != nil {
			return err
		}
	}
	shim := "#!/bin/sh\n[ \"$*\" = 'query instance_id' ] || exit 1\necho " + m.id + "\n"
	if err := writeFile(filepath.Join(m.dir, "bin", "cloud-init"), shim, 0o700); err != nil {
		return err
	}
	if m.listen, err = loopback.FreeAddress(context.Background()); err != nil {
		return err
	}
	m.metadata, err = m.processes.options.Accounts.ServeMetadata(m.id)
	return err
}

func writeFile(path, content string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("write a host's file: %w", err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return fmt.Errorf("write a host's file: %w", err)
	}
	return nil
}

// checkCommands refuses commands other than those that start the unit, which is what a host as a process comes to, and
// that which has sshd read its options.
func checkCommands(commands [][]string) error {
	known := [][]string{
		{"systemctl", "daemon-reload"},
		{"systemctl", "enable", userdata.Unit},
		{"systemctl", "restart", userdata.Unit},
		{"sh", "-c", "systemctl try-reload-or-restart ssh.service sshd.service 2>/dev/null || true"},
	}
	started := false
	for _, command := range commands {
		if !slices.ContainsFunc(known, func(k []string) bool { return slices.Equal(k, command) }) {
			return fmt.Errorf("the lab does not know the command %q", command)
		}
		started = started || slices.Equal(command, known[2])
	}
	if !started {
		return errors.New("no command starts " + userdata.Unit)
	}
	return nil
}
