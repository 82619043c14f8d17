// Package tunnel carries connections on to somewhere else, byte by byte.
package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// Carry passes bytes both ways between two connections until both ways have ended or the context has, and closes both. The
// end of one way is passed on as such. What comes from near is read from a reader: near itself, or one that has read ahead.
func Carry(ctx context.Context, near net.Conn, from io.Reader, far net.Conn) {
	defer near.Close() //nolint:errcheck // both ways have ended
	defer far.Close()  //nolint:errcheck // both ways have ended
	ended := context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })
	defer ended()
	var ways sync.WaitGroup
	ways.Go(func() { pass(far, from) })
	pass(near, far)
	ways.Wait()
}

func pass(to net.Conn, from io.Reader) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && (err == nil || errors.Is(err, io.EOF)) {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}

// Relay takes connections on a socket and carries each to where dial leads, so that a server or client that knows nothing
// of the lab can stand in it.
type Relay struct {
	socket net.Listener
	dial   func(ctx context.Context) (net.Conn, error)
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// NewRelay relays until Stop. A client for whom dial fails sees its connection end, as with a server that has gone.
func NewRelay(socket net.Listener, dial func(ctx context.Context) (net.Conn, error)) *Relay {
	ctx, stop := context.WithCancel(context.Background())
	r := &Relay{socket: socket, dial: dial, stop: stop}
	r.work.Go(func() { r.accept(ctx) })
	return r
}

// Address is where the relay listens.
func (r *Relay) Address() net.Addr { return r.socket.Addr() }

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
		r.work.Go(func() {
			far, err := r.dial(ctx)
			if err != nil {
				_ = near.Close()
				return
			}
			Carry(ctx, near, near, far)
		})
	}
}
