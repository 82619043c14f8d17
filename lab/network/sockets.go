package network

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

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
