package dataplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/internal/tunnel"
	"usermanagement.dev/stack/lab/network"
	"usermanagement.dev/stack/lab/nspawn"
)

// Addresses on the internet of a lab with a network, of the blocks that RFC 5737 keeps for examples.
const (
	// OriginAddress is where everything stands that is neither of the account nor of its users: releases, AWS's APIs.
	OriginAddress = "192.0.2.10"
	// VisitorAddress is whom requests come from that enter the lab by its proxy: a user.
	VisitorAddress = "198.51.100.9"
	// AdministratorAddress is that of the administrator in config/samples.
	AdministratorAddress = "203.0.113.7"
)

// edgeTimeout bounds one connection to the edge of the network, or the opening of a port there.
const edgeTimeout = 30 * time.Second

// machines runs hosts as machines in a network of namespaces. Load balancers and databases stand in it too, the origin
// server on its internet, and who comes by the proxy comes from there.
func (d *DataPlane) machines() (hosts.Launcher, error) {
	if err := d.startDatabases(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), edgeTimeout)
	defer cancel()
	origin := netip.MustParseAddr(OriginAddress)
	made, err := network.Start(ctx, network.Options{
		Cloud: d.options.Cloud, Names: d.Resolver, Log: d.options.Log, Sweep: nspawn.Sweep,
		Service: func(name string) (netip.Addr, bool) {
			_, ok := d.origin.Address(name, 443)
			return origin, ok
		},
		Outside: []netip.Addr{origin, netip.MustParseAddr(VisitorAddress), netip.MustParseAddr(AdministratorAddress)},
	})
	if err != nil {
		return nil, err
	}
	d.Network = made
	socket, err := made.Internet().Listen(ctx, net.JoinHostPort(OriginAddress, "443"))
	if err != nil {
		return nil, err
	}
	d.origin.Serve(socket)
	d.edge = newEdge(d)
	folder, err := filepath.Abs(d.Dir())
	if err != nil {
		return nil, err
	}
	d.Machines = nspawn.New(nspawn.Options{
		Image: d.options.Image, Dir: folder, Cloud: d.options.Cloud, Network: made, Accounts: d.accounts, CA: d.CA(),
	})
	return d.Machines, nil
}

// listen opens a port of a load balancer in the network.
func (d *DataPlane) listen(lb cloud.LoadBalancer, port int) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(context.Background(), edgeTimeout)
	defer cancel()
	return d.Network.Listen(ctx, lb, port)
}

// edge is where this machine and the network meet: a port of loopback for each port of a load balancer that somebody asked
// for, and a port in the network for each database.
type edge struct {
	plane        *DataPlane
	subscription *cloud.Subscription
	ended        chan struct{}

	mu        sync.Mutex
	doors     map[string]*tunnel.Relay // by name and port
	databases map[string]*tunnel.Relay // by network interface
}

func newEdge(d *DataPlane) *edge {
	e := &edge{
		plane: d, subscription: d.options.Cloud.Subscribe(), ended: make(chan struct{}),
		doors: map[string]*tunnel.Relay{}, databases: map[string]*tunnel.Relay{},
	}
	e.serveDatabases()
	go e.follow()
	return e
}

func (e *edge) follow() {
	defer close(e.ended)
	for event := range e.subscription.Events() {
		if event.Kind == cloud.KindDBInstance {
			e.serveDatabases()
		}
	}
}

// Address implements dns.Source: it is a way to a load balancer's port, by the internet.
func (e *edge) Address(name string, port int) (address string, ok bool) {
	if _, ok := e.plane.Balancers.Address(name, port); !ok {
		return "", false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := net.JoinHostPort(name, strconv.Itoa(port))
	if door := e.doors[key]; door != nil {
		return door.Address().String(), true
	}
	var listen net.ListenConfig
	socket, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", false
	}
	visitor := netip.MustParseAddr(VisitorAddress)
	e.doors[key] = tunnel.NewRelay(socket, func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, edgeTimeout)
		defer cancel()
		return e.plane.Network.DialName(ctx, visitor, name, port)
	})
	return e.doors[key].Address().String(), true
}

// serveDatabases opens the port of each database at its address in the network, and closes those of databases that are gone.
func (e *edge) serveDatabases() {
	e.mu.Lock()
	defer e.mu.Unlock()
	present := map[string]bool{}
	for _, db := range e.plane.options.Cloud.DBInstances() {
		interfaces := e.plane.Network.InterfacesOf(cloud.KindDBInstance, db.Identifier)
		if db.Endpoint == "" || len(interfaces) == 0 {
			continue
		}
		first := interfaces[0]
		present[first.ID] = true
		if e.databases[first.ID] != nil {
			continue
		}
		relay, err := e.databaseAt(db, first)
		if err != nil {
			e.plane.log().Error("a database cannot be reached in its network", "instance", db.Identifier, "error", err.Error())
			continue
		}
		e.databases[first.ID] = relay
	}
	for id, relay := range e.databases {
		if !present[id] {
			_ = relay.Stop() // its namespace is gone
			delete(e.databases, id)
		}
	}
}

func (e *edge) databaseAt(db cloud.DBInstance, i cloud.NetworkInterface) (*tunnel.Relay, error) {
	ctx, cancel := context.WithTimeout(context.Background(), edgeTimeout)
	defer cancel()
	if err := e.plane.Network.Sync(ctx); err != nil {
		return nil, err
	}
	socket, err := e.plane.Network.Of(i.ID).Listen(ctx, net.JoinHostPort(i.PrivateIP, strconv.Itoa(db.Port)))
	if err != nil {
		return nil, err
	}
	return tunnel.NewRelay(socket, func(ctx context.Context) (net.Conn, error) {
		address, ok := e.plane.Databases.Address(db.Endpoint, db.Port)
		if !ok {
			return nil, fmt.Errorf("database %s does not run", db.Identifier)
		}
		dialer := net.Dialer{Timeout: edgeTimeout}
		return dialer.DialContext(ctx, "tcp", address)
	}), nil
}

// Stop closes all ports.
func (e *edge) Stop() error {
	e.subscription.Close()
	<-e.ended
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, relay := range e.doors {
		errs = append(errs, relay.Stop())
	}
	for _, relay := range e.databases {
		errs = append(errs, relay.Stop())
	}
	return errors.Join(errs...)
}
