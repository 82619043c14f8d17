package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"

	"usermanagement.dev/stack/lab/cloud"
)

// InterfacesOf are the interfaces of a load balancer, database or instance, the first one first.
func (n *Network) InterfacesOf(kind cloud.Kind, id string) []cloud.NetworkInterface {
	var found []cloud.NetworkInterface
	for _, i := range n.options.Cloud.NetworkInterfaces() {
		if i.Of == kind && i.OfID == id {
			found = append(found, i)
		}
	}
	return found
}

// Listen opens a port on all interfaces of a load balancer.
func (n *Network) Listen(ctx context.Context, lb cloud.LoadBalancer, port int) (net.Listener, error) {
	if err := n.Sync(ctx); err != nil {
		return nil, err
	}
	var all []net.Listener
	for _, i := range n.InterfacesOf(cloud.KindLoadBalancer, lb.ARN) {
		socket, err := n.Of(i.ID).Listen(ctx, net.JoinHostPort(i.PrivateIP, strconv.Itoa(port)))
		if err != nil {
			return nil, closeAll(all, err)
		}
		all = append(all, socket)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("load balancer %s has no network interface", lb.Name)
	}
	return joined(all), nil
}

// DialTarget connects from a load balancer to an instance: from an interface in the instance's own zone if there is one.
// With several load balancers in a VPC, it is one of theirs.
func (n *Network) DialTarget(ctx context.Context, instanceID, address string) (net.Conn, error) {
	target, ok := n.options.Cloud.Instance(instanceID)
	if !ok {
		return nil, fmt.Errorf("there is no instance %s", instanceID)
	}
	var from *cloud.NetworkInterface
	for _, i := range n.options.Cloud.NetworkInterfaces() {
		if i.Of == cloud.KindLoadBalancer && i.VPCID == target.VPCID && (from == nil || i.Zone == target.Zone) {
			from = &i
		}
	}
	if from == nil {
		return nil, fmt.Errorf("no load balancer is in the VPC of %s", instanceID)
	}
	return n.Of(from.ID).Dial(ctx, net.Dialer{}, "tcp", address)
}

// DialName connects from an address on the internet to a port of one of the account's names, as somebody there would.
func (n *Network) DialName(ctx context.Context, from netip.Addr, name string, port int) (net.Conn, error) {
	found := n.options.Names.Addresses(name)
	if len(found) == 0 {
		return nil, fmt.Errorf("the lab knows no name %s", name)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
	to := found[rand.IntN(len(found))] //nolint:gosec // any of them, as resolvers do
	return n.Internet().Dial(ctx, dialer, "tcp", net.JoinHostPort(to.String(), strconv.Itoa(port)))
}
