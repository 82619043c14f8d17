// Package loopback finds places to listen on this machine.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	// firstPort and lastPort are below those that Linux gives to whoever asks for any port, for each connection and each
	// test's server (net.ipv4.ip_local_port_range): a port that is found is not given to another in the next moment.
	firstPort, lastPort = 20000, 32767
	// tries bounds how many ports are looked at.
	tries = 100
)

// FreePort finds a TCP port of 127.0.0.1 that nobody has. Another process can take it before the caller does, who then fails
// with an error of his own.
func FreePort(ctx context.Context) (int, error) {
	var errs []error
	for range tries {
		port := firstPort + rand.IntN(lastPort-firstPort+1) //nolint:gosec // no secret
		var listen net.ListenConfig
		l, err := listen.Listen(ctx, "tcp", Address(port))
		if err == nil {
			return port, l.Close()
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("find a free port: %w", errors.Join(errs...))
}

// FreeAddress is FreePort with the host before it, as programs are told where to listen.
func FreeAddress(ctx context.Context) (string, error) {
	port, err := FreePort(ctx)
	if err != nil {
		return "", err
	}
	return Address(port), nil
}

// Address is a port of 127.0.0.1 with the host before it.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
