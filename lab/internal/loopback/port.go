// Package loopback finds places to listen on this machine.
package loopback

import (
	"context"
	"fmt"
	"net"
)

// FreePort asks the system for a TCP port of 127.0.0.1 that nobody has. Another process can take it before the caller
// does, who then fails with an error of his own.
func FreePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close() //nolint:errcheck // nothing was accepted
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %s is no TCP address", l.Addr())
	}
	return address.Port, nil
}
