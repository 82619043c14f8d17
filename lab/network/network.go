package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/dns"
)

// ResolverAddress is where names are asked for on the internet. RFC 5737 keeps its block for examples.
const ResolverAddress = "192.0.2.53"

// Options say what the network is of.
type Options struct {
	// Cloud is the account.
	Cloud *cloud.Cloud
	// Names are what names in the account lead to.
	Names *dns.Resolver
	// Service is the address on the internet of a name that is not of the account; ok is false if there is none.
	Service func(name string) (address netip.Addr, ok bool)
	// Outside are the addresses on the internet, of services and of those who come from there.
	Outside []netip.Addr
	// Sweep removes what else a lab that was killed has left, by its name; nil if nothing.
	Sweep func(name string) error
	// Log gets what cannot be made; nothing if nil.
	Log *slog.Logger
}

// Network is an account's network, made and kept as the model has it.
type Network struct {
	options      Options
	claim        *claim
	lab          lab
	subscription *cloud.Subscription
	ended        chan struct{}

	mu        sync.Mutex
	applied   applied
	resolvers map[string]*dns.Server // by namespace
	stopped   bool
}

// stopTimeout bounds the removal of everything.
const stopTimeout = 2 * time.Minute

// Start makes the network of what is in the model and follows what changes there, until Stop.
func Start(ctx context.Context, o Options) (*Network, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	claimed, err := claimName(ctx, o.Sweep)
	if err != nil {
		return nil, fmt.Errorf("start the lab's network: %w", err)
	}
	n := &Network{
		options: o, claim: claimed, lab: lab(claimed.name), subscription: o.Cloud.Subscribe(), ended: make(chan struct{}),
		applied: applied{firewalls: map[string]string{}}, resolvers: map[string]*dns.Server{},
	}
	err = n.Sync(ctx)
	go n.follow()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the lab's network: %w", err), n.Stop())
	}
	return n, nil
}

// Name is what the names of all the lab's namespaces begin with.
func (n *Network) Name() string { return string(n.lab) }

// Internet is the namespace of the outside.
func (n *Network) Internet() Namespace { return Namespace(n.lab.internet()) }

// Of is the namespace of a network interface, by its id.
func (n *Network) Of(interfaceID string) Namespace { return Namespace(n.lab.of(interfaceID)) }

// Resolver is the address at which a VPC's names are asked for; empty if there is no such VPC.
func (n *Network) Resolver(vpcID string) string {
	for _, v := range n.options.Cloud.VPCs() {
		if v.ID == vpcID {
			return ResolverOf(v)
		}
	}
	return ""
}

// Sync makes the network what the model says now.
func (n *Network) Sync(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return errors.New("the lab's network has been stopped")
	}
	w := Snapshot(n.options.Cloud)
	firewalls := map[string]string{}
	for _, v := range w.VPCs {
		firewalls[v.ID] = firewall(w, v.ID)
	}
	n.dropResolvers(w)
	err := n.applied.become(ctx, n.lab.pieces(w, n.outside()), firewalls, n.lab)
	return errors.Join(err, n.serveNames(ctx, w))
}

// outside are all addresses on the internet.
func (n *Network) outside() []netip.Addr {
	all := append([]netip.Addr{netip.MustParseAddr(ResolverAddress)}, n.options.Outside...)
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// follow makes the network anew whenever something changed that it depends on. Many changes at once are one.
func (n *Network) follow() {
	defer close(n.ended)
	wanted := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range wanted {
			if err := n.Sync(context.Background()); err != nil {
				n.options.Log.Error("the network is not what it should be", "error", err.Error())
			}
		}
	}()
	for event := range n.subscription.Events() {
		if !drawn[event.Kind] {
			continue
		}
		select {
		case wanted <- struct{}{}:
		default: // the one that waits will see it
		}
	}
	close(wanted)
	<-done
}

// drawn are the kinds that the network is made of.
var drawn = map[cloud.Kind]bool{
	cloud.KindVPC: true, cloud.KindSubnet: true, cloud.KindInternetGateway: true, cloud.KindNATGateway: true,
	cloud.KindRouteTable: true, cloud.KindSecurityGroup: true, cloud.KindNetworkInterface: true, cloud.KindInstance: true,
}

// resolversOf are the addresses at which names are asked for, by namespace.
func (n *Network) resolversOf(w World) map[string]string {
	wanted := map[string]string{n.lab.internet(): ResolverAddress}
	for _, v := range w.VPCs {
		if v.DNSSupport {
			wanted[n.lab.of(v.ID)] = ResolverOf(v)
		}
	}
	return wanted
}

func (n *Network) dropResolvers(w World) {
	wanted := n.resolversOf(w)
	for namespace, server := range n.resolvers {
		if _, ok := wanted[namespace]; !ok {
			_ = server.Stop() // its sockets go with the namespace
			delete(n.resolvers, namespace)
		}
	}
}

func (n *Network) serveNames(ctx context.Context, w World) error {
	var errs []error
	for namespace, address := range n.resolversOf(w) {
		if n.resolvers[namespace] != nil {
			continue
		}
		at, here := netip.AddrPortFrom(netip.MustParseAddr(address), 53).String(), Namespace(namespace)
		tcp, err := here.Listen(ctx, at)
		if err != nil {
			errs = append(errs, fmt.Errorf("serve names: %w", err))
			continue
		}
		udp, err := here.ListenPacket(ctx, at)
		if err != nil {
			errs = append(errs, fmt.Errorf("serve names: %w", err), tcp.Close())
			continue
		}
		n.resolvers[namespace] = dns.Serve(udp, tcp, n.lookup)
	}
	return errors.Join(errs...)
}

func (n *Network) lookup(name string) []netip.Addr {
	if n.options.Service != nil {
		if address, ok := n.options.Service(name); ok {
			return []netip.Addr{address}
		}
	}
	return n.options.Names.Addresses(name)
}

// Stop removes everything.
func (n *Network) Stop() error {
	n.subscription.Close()
	<-n.ended
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil
	}
	n.stopped = true
	var errs []error
	for _, server := range n.resolvers {
		errs = append(errs, server.Stop())
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	errs = append(errs, n.applied.become(ctx, nil, nil, n.lab), n.claim.release())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop the lab's network: %w", err)
	}
	return nil
}
