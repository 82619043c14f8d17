package network

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespaces is where ip(8) keeps named network namespaces.
const namespaces = "/run/netns"

// Namespace is a network namespace by its name.
type Namespace string

// Path is the file that stands for it.
func (n Namespace) Path() string { return filepath.Join(namespaces, string(n)) }

// Do calls a function on a thread that is in the namespace: sockets that it opens stay there, wherever they are used.
func (n Namespace) Do(what func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := n.enter()
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		done <- what()
		// The thread goes on in its own namespace. If it were ended in place of that, the kernel would end the programs that
		// were ever started from it and are to die with their parent (prctl(2), PR_SET_PDEATHSIG).
		if home.leave() == nil {
			runtime.UnlockOSThread()
		}
	}()
	return <-done
}

// home is the namespace that a thread came from.
type home struct{ file *os.File }

// enter moves this thread to the namespace, or leaves it where it is.
func (n Namespace) enter() (home, error) {
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return home{}, fmt.Errorf("enter the network namespace %s: %w", n, err)
	}
	there, err := os.Open(n.Path())
	if err == nil {
		defer there.Close() //nolint:errcheck // only read
		err = unix.Setns(int(there.Fd()), unix.CLONE_NEWNET)
	}
	if err != nil {
		_ = own.Close()
		return home{}, fmt.Errorf("enter the network namespace %s: %w", n, err)
	}
	return home{own}, nil
}

func (h home) leave() error {
	defer h.file.Close() //nolint:errcheck // only read
	return unix.Setns(int(h.file.Fd()), unix.CLONE_NEWNET)
}

// Listen opens a TCP socket in the namespace.
func (n Namespace) Listen(ctx context.Context, address string) (socket net.Listener, err error) {
	err = n.Do(func() error {
		var config net.ListenConfig
		socket, err = config.Listen(ctx, "tcp", address)
		return err
	})
	return socket, err
}

// ListenPacket opens a UDP socket in the namespace.
func (n Namespace) ListenPacket(ctx context.Context, address string) (socket net.PacketConn, err error) {
	err = n.Do(func() error {
		var config net.ListenConfig
		socket, err = config.ListenPacket(ctx, "udp", address)
		return err
	})
	return socket, err
}

// Dial connects from the namespace to an address in numbers; a name would be looked up outside of it.
func (n Namespace) Dial(ctx context.Context, dialer net.Dialer, network, address string) (connection net.Conn, err error) {
	err = n.Do(func() error {
		connection, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return connection, err
}
