// Package network makes the network of the account in the cloud's model out of Linux network namespaces: a namespace with
// a router and a bridge per subnet for each VPC, one for each network interface of an instance, load balancer or database,
// and one for the internet. nftables in the router do what security groups, NAT gateways and internet gateways do, and the
// router's route tables are those of the model: a packet goes where AWS would let it go and nowhere else.
//
// What is wanted is a function of a snapshot of the model, as text of ip(8) and nft(8); a thin shell applies it.
package network

import (
	"net/netip"
	"slices"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// World is what of the model a network depends on.
type World struct {
	VPCs        []cloud.VPC
	Subnets     []cloud.Subnet
	RouteTables []cloud.RouteTable
	Gateways    []cloud.InternetGateway
	NATGateways []cloud.NATGateway
	Groups      []cloud.SecurityGroup
	Interfaces  []cloud.NetworkInterface
	Instances   []cloud.Instance
}

// Snapshot reads the model. What changes between two of its lists is seen by the next snapshot.
func Snapshot(c *cloud.Cloud) World {
	return World{
		VPCs: c.VPCs(), Subnets: c.Subnets(), RouteTables: c.RouteTables(), Gateways: c.InternetGateways(),
		NATGateways: c.NATGateways(), Groups: c.SecurityGroups(), Interfaces: c.NetworkInterfaces(), Instances: c.Instances(),
	}
}

// wayOut is a route that leaves the VPC.
type wayOut struct {
	destination netip.Prefix
	// nat is the public address of the NAT gateway that it goes through; without one it goes through the internet gateway,
	// which only lets interfaces out that have a public address of their own.
	nat string
	// leads is false for a route whose gateway is gone: packets vanish.
	leads bool
}

// waysOut are a subnet's routes out of its VPC, the more specific ones first.
func (w World) waysOut(s cloud.Subnet) []wayOut {
	var found []wayOut
	for _, r := range w.tableOf(s).Routes {
		destination, err := netip.ParsePrefix(r.Destination)
		if err != nil || r.GatewayID == "local" {
			continue
		}
		way := wayOut{destination: destination, leads: r.State == "active"}
		if r.NATGatewayID != "" {
			way.nat = w.natAddress(r.NATGatewayID, destination)
			way.leads = way.leads && way.nat != ""
		} else {
			way.leads = way.leads && w.attached(r.GatewayID, s.VPCID)
		}
		found = append(found, way)
	}
	slices.SortFunc(found, func(a, b wayOut) int {
		if a.destination.Bits() != b.destination.Bits() {
			return b.destination.Bits() - a.destination.Bits()
		}
		return a.destination.Addr().Compare(b.destination.Addr())
	})
	return found
}

// tableOf is the table that a subnet uses: its own, or else the main one of the VPC.
func (w World) tableOf(s cloud.Subnet) cloud.RouteTable {
	var main cloud.RouteTable
	for _, t := range w.RouteTables {
		if slices.ContainsFunc(t.Associations, func(a cloud.Association) bool { return a.SubnetID == s.ID }) {
			return t
		}
		if t.Main && t.VPCID == s.VPCID {
			main = t
		}
	}
	return main
}

// natAddress is the address that a NAT gateway gives to what it sends to a destination; empty if it sends nothing there.
// It stands in a subnet itself, and goes where that subnet's routes lead.
func (w World) natAddress(id string, destination netip.Prefix) string {
	for _, n := range w.NATGateways {
		if n.ID != id || n.State != "available" {
			continue
		}
		for _, r := range w.tableOf(cloud.Subnet{ID: n.SubnetID, VPCID: n.VPCID}).Routes {
			to, err := netip.ParsePrefix(r.Destination)
			if err == nil && to.Bits() <= destination.Bits() && to.Contains(destination.Addr()) && w.attached(r.GatewayID, n.VPCID) {
				return n.PublicIP
			}
		}
	}
	return ""
}

func (w World) attached(gatewayID, vpcID string) bool {
	return slices.ContainsFunc(w.Gateways, func(g cloud.InternetGateway) bool { return g.ID == gatewayID && g.VPCID == vpcID })
}

// connected reports whether a VPC has an internet gateway.
func (w World) connected(vpcID string) bool {
	return slices.ContainsFunc(w.Gateways, func(g cloud.InternetGateway) bool { return g.VPCID == vpcID })
}

func (w World) subnetsOf(vpcID string) []cloud.Subnet {
	return chosen(w.Subnets, func(s cloud.Subnet) bool { return s.VPCID == vpcID }, func(s cloud.Subnet) string { return s.ID })
}

// interfacesOf are the interfaces of a VPC that something listens or sends on. Those of NAT gateways are not among them:
// the router does their work.
func (w World) interfacesOf(vpcID string) []cloud.NetworkInterface {
	return chosen(w.Interfaces,
		func(n cloud.NetworkInterface) bool { return n.VPCID == vpcID && n.Of != cloud.KindNATGateway },
		func(n cloud.NetworkInterface) string { return n.ID })
}

func (w World) groupsOf(vpcID string) []cloud.SecurityGroup {
	return chosen(w.Groups, func(g cloud.SecurityGroup) bool { return g.VPCID == vpcID }, func(g cloud.SecurityGroup) string { return g.ID })
}

// checked reports whether packets of an interface must carry its own address.
func (w World) checked(n cloud.NetworkInterface) bool {
	return !slices.ContainsFunc(w.Instances, func(i cloud.Instance) bool { return i.InterfaceID == n.ID && !i.SourceDestCheck })
}

// publicAddresses are all addresses by which the internet knows a VPC, sorted.
func (w World) publicAddresses(vpcID string) []string {
	var found []string
	for _, n := range w.Interfaces {
		if n.VPCID == vpcID && n.PublicIP != "" {
			found = append(found, n.PublicIP)
		}
	}
	slices.SortFunc(found, byAddress)
	return slices.Compact(found)
}

// byAddress sorts addresses as numbers.
func byAddress(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}

// chosen are the items that are wanted, sorted by id, so that the same world always reads the same.
func chosen[T any](all []T, wanted func(T) bool, id func(T) string) []T {
	var found []T
	for _, item := range all {
		if wanted(item) {
			found = append(found, item)
		}
	}
	slices.SortFunc(found, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return found
}
