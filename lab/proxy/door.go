package proxy

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Door is a port of loopback that leads into the lab, for those who use no proxy. It is there before it leads anywhere:
// connections then end at once.
type Door struct {
	proxy  *Proxy
	target func() (address string, err error)
	socket net.Listener
	ended  sync.WaitGroup
}

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
	d := &Door{proxy: p, target: target, socket: socket}
	d.ended.Go(d.accept)
	return d, nil
}

// Port is where the door is.
func (d *Door) Port() int {
	address, _ := d.socket.Addr().(*net.TCPAddr)
	return address.Port
}

// Close closes the door; what has gone through it goes on until the proxy stops.
func (d *Door) Close() error {
	err := d.socket.Close()
	d.ended.Wait()
	return err
}

func (d *Door) accept() {
	for {
		near, err := d.socket.Accept()
		if err != nil {
			return
		}
		go d.enter(near)
	}
}

func (d *Door) enter(near net.Conn) {
	address, err := d.target()
	if err != nil {
		_ = near.Close()
		return
	}
	far, err := d.proxy.dialer.DialContext(context.Background(), "tcp", address)
	if err != nil {
		_ = near.Close()
		return
	}
	d.proxy.carry(&tunnel{near: near, far: far}, near)
}
