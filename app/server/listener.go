package server

import (
	"net"
	"sync"
)

// quietListener closes, when it is closed itself, the connections on which nobody has said anything yet. Browsers and load
// balancers open some in store. The server waits for every connection at its end, and closes only those that have had a
// request: one in store kept the host from ending, until it ended with a failure.
type quietListener struct {
	net.Listener

	mu    sync.Mutex
	quiet map[*storedConn]struct{}
}

func newQuietListener(l net.Listener) *quietListener {
	return &quietListener{Listener: l, quiet: map[*storedConn]struct{}{}}
}

// Accept implements net.Listener.
func (l *quietListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	stored := &storedConn{Conn: conn}
	stored.spoken = sync.OnceFunc(func() { l.forget(stored) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiet[stored] = struct{}{}
	return stored, nil
}

// Close implements net.Listener.
func (l *quietListener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.quiet {
		_ = conn.Conn.Close() // whoever reads from it is told
	}
	return err
}

func (l *quietListener) forget(conn *storedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.quiet, conn)
}

// storedConn tells its listener when its client speaks, or when it is closed.
type storedConn struct {
	net.Conn

	spoken func()
}

// Read implements net.Conn.
func (c *storedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.spoken()
	}
	return n, err
}

// Close implements net.Conn.
func (c *storedConn) Close() error {
	c.spoken()
	return c.Conn.Close()
}
