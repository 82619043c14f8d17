package nspawn

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"usermanagement.dev/stack/lab/awsapi"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/internal/process"
	"usermanagement.dev/stack/lab/network"
)

//go:embed boot.sh
var bootScript string

// stopGrace is how long a machine may take to shut down; then it is switched off. EC2 gives a little more.
const stopGrace = 45 * time.Second

// Options say what machines stand on.
type Options struct {
	// Image is the folder that Image made.
	Image string
	// Dir gets a folder for each machine.
	Dir string
	// Cloud is the account.
	Cloud *cloud.Cloud
	// Network has an interface for each.
	Network *network.Network
	// Accounts serves their metadata.
	Accounts *awsapi.Accounts
	// CA is an authority, in PEM, that machines trust beside those that Debian trusts.
	CA []byte
}

// Machines runs instances as machines.
type Machines struct {
	options Options

	mu      sync.Mutex
	hurried bool
	running map[string]*Machine // by instance id
}

// New runs nothing yet.
func New(o Options) *Machines { return &Machines{options: o, running: map[string]*Machine{}} }

// Hurry has machines from now on be switched off when they are stopped: nobody is left whom they could serve.
func (m *Machines) Hurry() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hurried = true
}

// Machine is the machine of an instance, if it runs.
func (m *Machines) Machine(instanceID string) (machine *Machine, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	machine, ok = m.running[instanceID]
	return machine, ok
}

// LogFile is what an instance has written to its console.
func (m *Machines) LogFile(instanceID string) string {
	return filepath.Join(m.folder(instanceID), "console.log")
}

func (m *Machines) folder(instanceID string) string { return filepath.Join(m.options.Dir, instanceID) }

// launchTimeout bounds what comes before a machine's own boot.
const launchTimeout = time.Minute

// Launch implements hosts.Launcher. It returns when the machine has been switched on, as RunInstances does.
func (m *Machines) Launch(i cloud.Instance) (hosts.Machine, error) {
	ctx, cancel := context.WithTimeout(context.Background(), launchTimeout)
	defer cancel()
	machine := &Machine{
		machines: m, instance: i, name: m.options.Network.Name() + "-" + i.ID, folder: m.folder(i.ID),
		namespace: m.options.Network.Of(i.InterfaceID),
	}
	if err := machine.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("instance %s: %w", i.ID, err), machine.release())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running[i.ID] = machine
	return machine, nil
}

// Machine is a running container.
type Machine struct {
	machines  *Machines
	instance  cloud.Instance
	name      string
	folder    string
	namespace network.Namespace
	metadata  *awsapi.Metadata
	process   *process.Process
}

func (m *Machine) start(ctx context.Context) error {
	if err := m.machines.options.Network.Sync(ctx); err != nil {
		return err
	}
	socket, err := m.namespace.Listen(ctx, net.JoinHostPort(network.MetadataAddress, "80"))
	if err != nil {
		return fmt.Errorf("serve its metadata: %w", err)
	}
	m.metadata = m.machines.options.Accounts.ServeMetadataAt(m.instance.ID, socket)
	if err := m.writeFiles(); err != nil {
		return err
	}
	arguments := []string{
		"--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", bootScript, "boot", m.name, m.machines.options.Image, m.folder, m.namespace.Path(), strings.Join(cgroupsOf(m.name), " "),
	}
	if !managed() {
		arguments = append(arguments, "--keep-unit")
	}
	m.process, err = process.Start(process.Spec{
		Name: "machine " + m.instance.ID, Path: "unshare", Args: arguments, Append: true, LogPath: m.machines.LogFile(m.instance.ID),
	})
	return err
}

// seed is where cloud-init's NoCloud looks for what a machine is to become.
// https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
const seed = "var/lib/cloud/seed/nocloud-net"

// writeFiles puts on the machine's disk what it is to become, and what depends on where it runs: whom it trusts, and whom it
// asks for names. On EC2 the metadata service, the image and DHCP say so. A machine that is started again keeps its disk.
func (m *Machine) writeFiles() error {
	const bundle = "etc/ssl/certs/ca-certificates.crt"
	trusted, err := os.ReadFile(filepath.Join(m.machines.options.Image, bundle))
	if err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	userData, err := base64.StdEncoding.DecodeString(m.instance.UserData)
	if err != nil {
		return fmt.Errorf("read its user data: %w", err)
	}
	for _, folder := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(m.folder, folder), 0o755); err != nil { //nolint:gosec // a root file system
			return fmt.Errorf("make its disk: %w", err)
		}
	}
	for path, content := range map[string][]byte{
		bundle: append(trusted, m.machines.options.CA...),
		"usr/local/share/ca-certificates/lab.crt": m.machines.options.CA,
		"etc/resolv.conf":                         m.resolverSettings(),
		seed + "/user-data":                       userData,
		seed + "/meta-data":                       m.identity(),
	} {
		file := filepath.Join(m.folder, "upper", path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a root file system
			return fmt.Errorf("write to its disk: %w", err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil { //nolint:gosec // for all on the machine to read
			return fmt.Errorf("write to its disk: %w", err)
		}
	}
	return nil
}

func (m *Machine) identity() []byte {
	return fmt.Appendf(nil, "instance-id: %s\nlocal-hostname: %s\n", m.instance.ID, m.instance.PrivateDNSName)
}

// resolverSettings are what DHCP says on EC2: the VPC's resolver, and the domain in which it knows the machine itself.
func (m *Machine) resolverSettings() []byte {
	_, domain, _ := strings.Cut(m.instance.PrivateDNSName, ".")
	return fmt.Appendf(nil, "search %s\nnameserver %s\n", domain, m.machines.options.Network.Resolver(m.instance.VPCID))
}

// Address implements hosts.Machine: it is where the VPC's other interfaces find it.
func (m *Machine) Address(port int) (address string, ok bool) {
	return net.JoinHostPort(m.instance.PrivateIP, strconv.Itoa(port)), true
}

// Command is a program on the machine, run as root. The error says that the machine does not run.
func (m *Machine) Command(ctx context.Context, name string, arguments ...string) (*exec.Cmd, error) {
	leader, err := m.leader()
	if err != nil {
		return nil, err
	}
	all := append([]string{
		"--target", strconv.Itoa(leader), "--all", "--wdns=/", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", name,
	}, arguments...)
	return exec.CommandContext(ctx, "nsenter", all...), nil //nolint:gosec // the lab's own machine
}

// leader is the machine's first process: unshare has started the shell of boot.sh, which has started systemd-nspawn, which
// has started it.
func (m *Machine) leader() (int, error) {
	pid := m.process.PID()
	for range 3 {
		child, err := childOf(pid)
		if err != nil {
			return 0, fmt.Errorf("machine %s does not run, or has not begun to boot: %w", m.instance.ID, err)
		}
		pid = child
	}
	return pid, nil
}

// childOf is the first child of a process.
func childOf(pid int) (int, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(children))
	if len(fields) == 0 {
		return 0, fmt.Errorf("process %d has no child", pid)
	}
	return strconv.Atoi(fields[0])
}

// Stop implements hosts.Machine: it shuts the machine down. Its disk goes when its instance is terminated.
func (m *Machine) Stop() error {
	m.machines.mu.Lock()
	delete(m.machines.running, m.instance.ID)
	grace := stopGrace
	if m.machines.hurried {
		grace = 0
	}
	m.machines.mu.Unlock()
	m.powerOff(grace)
	return errors.Join(m.process.Stop(0), m.release())
}

// powerOff presses the machine's button and waits. It is told to the shell of boot.sh: unshare takes no notice.
func (m *Machine) powerOff(grace time.Duration) {
	shell, err := childOf(m.process.PID())
	if grace == 0 || err != nil || syscall.Kill(shell, syscall.SIGTERM) != nil {
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-m.process.Done():
	case <-timer.C:
	}
}

// release gives back what a machine that has ended, or never begun, had.
func (m *Machine) release() error {
	var errs []error
	if m.metadata != nil {
		errs = append(errs, m.metadata.Stop())
	}
	errs = append(errs, removeCgroups(cgroupsOf(m.name)),
		os.RemoveAll(filepath.Join(m.folder, "work")), os.RemoveAll(filepath.Join(m.folder, "root")))
	if i, ok := m.machines.options.Cloud.Instance(m.instance.ID); !ok || i.State == "terminated" || i.State == "shutting-down" {
		errs = append(errs, os.RemoveAll(filepath.Join(m.folder, "upper")))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up after instance %s: %w", m.instance.ID, err)
	}
	return nil
}
