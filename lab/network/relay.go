package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Relay takes connections on a socket and carries each to where dial leads, so that a server or client that knows nothing
// of namespaces can stand in one.
type Relay struct {
	socket net.Listener
	dial   func(ctx context.Context) (net.Conn, error)
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// NewRelay relays until Stop.
func NewRelay(socket net.Listener, dial func(ctx context.Context) (net.Conn, error)) *Relay {
	ctx, stop := context.WithCancel(context.Background())
	r := &Relay{socket: socket, dial: dial, stop: stop}
	r.work.Go(func() { r.accept(ctx) })
	return r
}

// Address is where the relay listens.
func (r *Relay) Address() string { return r.socket.Addr().String() }

// Stop closes the socket and cuts off what is under way.
func (r *Relay) Stop() error {
	err := r.socket.Close()
	r.stop()
	r.work.Wait()
	return err
}

func (r *Relay) accept(ctx context.Context) {
	for {
		near, err := r.socket.Accept()
		if err != nil {
			return
		}
		r.work.Go(func() { r.carry(ctx, near) })
	}
}

// carry passes bytes both ways until both have ended. The end of one way is passed on as such.
func (r *Relay) carry(ctx context.Context, near net.Conn) {
	defer near.Close() //nolint:errcheck // both ways have ended
	far, err := r.dial(ctx)
	if err != nil {
		return // the client sees its connection end, as with a port that nobody listens on
	}
	defer far.Close() //nolint:errcheck // both ways have ended
	ended := context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })
	defer ended()
	var ways sync.WaitGroup
	ways.Go(func() { oneWay(far, near) })
	oneWay(near, far)
	ways.Wait()
}

func oneWay(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}

// sockets is one listener made of several.
type sockets struct {
	all      []net.Listener
	accepted chan accepted
	closed   chan struct{}
	once     sync.Once
}

type accepted struct {
	connection net.Conn
	err        error
}

// joined accepts from all of some listeners, of which there must be one.
func joined(all []net.Listener) net.Listener {
	s := &sockets{all: all, accepted: make(chan accepted), closed: make(chan struct{})}
	for _, one := range all {
		go s.accept(one)
	}
	return s
}

func (s *sockets) accept(from net.Listener) {
	for {
		connection, err := from.Accept()
		select {
		case s.accepted <- accepted{connection, err}:
		case <-s.closed:
			if err == nil {
				_ = connection.Close()
			}
			return
		}
		if err != nil {
			return
		}
	}
}

// Accept implements net.Listener.
func (s *sockets) Accept() (net.Conn, error) {
	select {
	case a := <-s.accepted:
		return a.connection, a.err
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *sockets) Close() error {
	var errs []error
	s.once.Do(func() {
		close(s.closed)
		for _, one := range s.all {
			errs = append(errs, one.Close())
		}
	})
	return errors.Join(errs...)
}

// Addr implements net.Listener; it is the first one's.
func (s *sockets) Addr() net.Addr { return s.all[0].Addr() }

// closeAll gives up listeners.
func closeAll(all []net.Listener, why error) error {
	for _, one := range all {
		_ = one.Close()
	}
	return fmt.Errorf("listen on all interfaces: %w", why)
}
