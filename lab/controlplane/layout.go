package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"usermanagement.dev/stack/lab/controlplane/binaries"
	"usermanagement.dev/stack/lab/loopback"
	"usermanagement.dev/stack/lab/scratch"
)

// etcdSocket is relative to the data directory, in which both programs run: the path of
// a socket is limited to some 100 bytes, and a temporary directory can be longer.
const etcdSocket = "etcd.sock"

// layout is the data directory: where each file of a control plane is.
type layout struct {
	root      string
	temporary bool
	scratch   *scratch.Folder // nil if the directory was given
	lock      *flock.Flock
}

// openLayout takes possession of dir, or of a new temporary directory if dir is empty.
func openLayout(dir string, discard bool) (*layout, error) {
	l := &layout{root: dir, temporary: discard || dir == ""}
	if dir == "" {
		made, err := scratch.New("controlplane")
		if err != nil {
			return nil, err
		}
		l.root, l.scratch = made.Path, made
	}
	root, err := filepath.Abs(l.root)
	if err != nil {
		return nil, fmt.Errorf("find the data directory %s: %w", l.root, err)
	}
	l.root = root
	for _, d := range []string{l.root, l.path("pki"), l.path("logs")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make the data directory: %w", err)
		}
	}
	// The sockets have no password: the directory's mode is what protects etcd.
	if err := os.Chmod(l.root, 0o700); err != nil { //nolint:gosec // a directory needs x
		return nil, fmt.Errorf("close the data directory to others: %w", err)
	}
	if err := l.acquire(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *layout) acquire() error {
	l.lock = flock.New(l.path("lock"))
	got, err := l.lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock the data directory %s: %w", l.root, err)
	}
	if !got {
		return fmt.Errorf("the data directory %s is in use by another control plane: stop that one or choose another directory", l.root)
	}
	return nil
}

// release gives the directory up and, if it is temporary, removes it.
func (l *layout) release() error {
	err := l.lock.Unlock()
	if l.temporary {
		err = errors.Join(err, os.RemoveAll(l.root), l.scratch.Remove())
	}
	if err != nil {
		return fmt.Errorf("give up the data directory %s: %w", l.root, err)
	}
	return nil
}

func (l *layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.root}, parts...)...)
}

func (l *layout) pki(name string) string { return l.path("pki", name) }

func (l *layout) auditLog() string { return l.path("logs", "audit.log") }

func (l *layout) log(c binaries.Component) string { return l.path("logs", string(c)+".log") }

// lastPort is the port of the previous start on this directory, 0 if there was none or
// somebody else has it now. Keeping it keeps kubeconfigs good.
func (l *layout) lastPort() int {
	data, err := os.ReadFile(l.path("port"))
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || !portIsFree(port) {
		return 0
	}
	return port
}

func (l *layout) rememberPort(port int) error {
	if err := os.WriteFile(l.path("port"), []byte(strconv.Itoa(port)), 0o600); err != nil {
		return fmt.Errorf("remember the port: %w", err)
	}
	return nil
}

// clearSocket removes a socket that a killed etcd has left.
func (l *layout) clearSocket() error {
	if err := os.Remove(l.path(etcdSocket)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket of an earlier etcd: %w", err)
	}
	return nil
}

func portIsFree(port int) bool {
	listener, err := net.Listen("tcp", loopback.Address(port)) //nolint:noctx // returns at once
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
