package proxy

import (
	"context"
	"fmt"
	"net"

	"usermanagement.dev/stack/lab/internal/tunnel"
)

// Door is a port of loopback that leads into the lab, for those who use no proxy. It is there before it leads anywhere:
// connections then end at once.
type Door struct{ relay *tunnel.Relay }

// Open makes a door to an address that is asked for at each connection. It is at the preferred port if that is free,
// otherwise at another.
func (p *Proxy) Open(ctx context.Context, target func() (address string, err error), preferred int) (*Door, error) {
	var listen net.ListenConfig
	socket, err := listen.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", preferred))
	if err != nil {
		socket, err = listen.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("open a port into the lab: %w", err)
	}
	return &Door{tunnel.NewRelay(socket, func(ctx context.Context) (net.Conn, error) {
		address, err := target()
		if err != nil {
			return nil, err
		}
		return p.dialer.DialContext(ctx, "tcp", address)
	})}, nil
}

// Port is where the door is.
func (d *Door) Port() int {
	address, _ := d.relay.Address().(*net.TCPAddr)
	return address.Port
}

// Close closes the door and cuts off what goes through it.
func (d *Door) Close() error { return d.relay.Stop() }
