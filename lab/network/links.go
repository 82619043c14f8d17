package network

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// command is a program with its arguments.
type command []string

// piece is a part of the network that is made and unmade as a whole.
type piece struct {
	// what it is, for people.
	what        string
	add, remove []command
}

func (p piece) text() string {
	var text strings.Builder
	text.WriteString(p.what)
	for _, c := range p.add {
		text.WriteString("\n\t" + strings.Join(c, " "))
	}
	return text.String()
}

// lab names the namespaces of one lab.
type lab string

func (l lab) internet() string { return string(l) + "-internet" }

// of is the namespace of a VPC or of a network interface.
func (l lab) of(id string) string { return string(l) + "-" + id }

// pieces are all parts of the wanted network but the firewall, in an order in which they can be made.
func (l lab) pieces(w World, internet []netip.Addr) []piece {
	wanted := []piece{l.internetPiece(internet)}
	for _, v := range chosen(w.VPCs, func(cloud.VPC) bool { return true }, func(v cloud.VPC) string { return v.ID }) {
		wanted = append(wanted, l.router(v))
		for _, block := range v.CIDRBlocks {
			wanted = append(wanted, l.block(v, block))
		}
		subnets := w.subnetsOf(v.ID)
		for _, s := range subnets {
			wanted = append(wanted, l.subnet(s))
		}
		for _, s := range subnets {
			wanted = append(wanted, l.routes(s, w.waysOut(s))...)
		}
		for _, n := range w.interfacesOf(v.ID) {
			wanted = append(wanted, l.networkInterface(n, w.subnetsOf(v.ID)))
		}
		for _, address := range w.publicAddresses(v.ID) {
			wanted = append(wanted, l.publicAddress(v.ID, address))
		}
	}
	return wanted
}

func ip(namespace string, arguments ...string) command {
	return append(command{"ip", "-n", namespace}, arguments...)
}

// settings sets kernel variables of a namespace; those that the kernel was built without are left out.
func settings(namespace string, variables ...string) command {
	return append(command{"ip", "netns", "exec", namespace, "sysctl", "-e", "-q", "-w"}, variables...)
}

// forwarding is what any namespace needs that passes packets on. IPv6 would be a way around all rules here.
var forwarding = []string{
	"net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
	"net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
	"net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
	"net.bridge.bridge-nf-call-iptables=0",
}

// internetPiece is the outside, with the addresses of all who are there.
func (l lab) internetPiece(addresses []netip.Addr) piece {
	ns := l.internet()
	p := piece{what: "the internet", add: []command{
		{"ip", "netns", "add", ns}, settings(ns, forwarding...), ip(ns, "link", "set", "lo", "up"),
	}, remove: []command{{"ip", "netns", "delete", ns}}}
	for _, a := range addresses {
		p.add = append(p.add, ip(ns, "address", "add", a.String()+"/32", "dev", "lo"))
	}
	return p
}

// closed lets nothing through, until the firewall takes its place.
const closed = "add table inet closed; add chain inet closed everything { type filter hook forward priority 0; policy drop; }"

// router is a VPC's: linked to the internet, and without any way there.
func (l lab) router(v cloud.VPC) piece {
	ns, far := l.of(v.ID), vpcDevice(v.ID)
	return piece{what: "router of " + v.ID, add: []command{
		{"ip", "netns", "add", ns},
		{"ip", "netns", "exec", ns, "nft", closed},
		settings(ns, forwarding...),
		ip(ns, "link", "set", "lo", "up"),
		ip(ns, "link", "add", gatewayDevice, "type", "veth", "peer", "name", far, "netns", l.internet()),
		ip(ns, "address", "add", routerLink+"/32", "dev", gatewayDevice),
		ip(ns, "link", "set", gatewayDevice, "up"),
		ip(l.internet(), "address", "add", internetLink+"/32", "dev", far),
		ip(l.internet(), "link", "set", far, "up"),
	}, remove: []command{ip(ns, "link", "delete", gatewayDevice), {"ip", "netns", "delete", ns}}}
}

// block is an address block of a VPC: the local route, which all of its subnets have, and the resolver at its third address.
func (l lab) block(v cloud.VPC, cidr string) piece {
	ns := l.of(v.ID)
	p := piece{what: "block " + cidr + " of " + v.ID, add: []command{
		ip(ns, "rule", "add", "to", cidr, "lookup", "main", "priority", "100"),
		ip(ns, "route", "add", "blackhole", cidr),
	}, remove: []command{
		ip(ns, "route", "delete", "blackhole", cidr),
		ip(ns, "rule", "delete", "to", cidr, "lookup", "main", "priority", "100"),
	}}
	if v.DNSSupport && cidr == v.CIDRBlocks[0] {
		resolver := ResolverOf(v) + "/32"
		p.add = append(p.add, ip(ns, "address", "add", resolver, "dev", "lo"))
		p.remove = append([]command{ip(ns, "address", "delete", resolver, "dev", "lo")}, p.remove...)
	}
	return p
}

// ResolverOf is the address of a VPC's resolver: the third of its first block.
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
func ResolverOf(v cloud.VPC) string {
	return netip.MustParsePrefix(v.CIDRBlocks[0]).Addr().Next().Next().String()
}

// subnet is a bridge with the router at its second address. Its ports are isolated from each other, and the router answers
// ARP for all: so packets between neighbours pass the router too, and its rules.
func (l lab) subnet(s cloud.Subnet) piece {
	ns, bridge := l.of(s.VPCID), bridgeDevice(s.ID)
	table := strconv.FormatUint(uint64(tableNumber(s)), 10)
	block := netip.MustParsePrefix(s.CIDRBlock)
	return piece{what: "subnet " + s.ID + " " + s.CIDRBlock + " in " + s.Zone, add: []command{
		ip(ns, "link", "add", bridge, "type", "bridge"),
		ip(ns, "address", "add", gatewayOf(s).String()+"/"+strconv.Itoa(block.Bits()), "dev", bridge),
		settings(ns, "net.ipv4.conf."+bridge+".proxy_arp_pvlan=1", "net.ipv4.conf."+bridge+".send_redirects=0"),
		ip(ns, "link", "set", bridge, "up"),
		ip(ns, "route", "add", "blackhole", "default", "metric", "4294967295", "table", table),
		ip(ns, "rule", "add", "iif", bridge, "lookup", table, "priority", "200"),
	}, remove: []command{
		ip(ns, "rule", "delete", "iif", bridge, "lookup", table, "priority", "200"),
		ip(ns, "route", "flush", "table", table),
		ip(ns, "link", "delete", bridge),
	}}
}

// gatewayOf is the router's address in a subnet.
func gatewayOf(s cloud.Subnet) netip.Addr { return netip.MustParsePrefix(s.CIDRBlock).Addr().Next() }

// tableNumber is the kernel's number of a subnet's route table: its first address, which no other subnet of the VPC has.
func tableNumber(s cloud.Subnet) uint32 {
	address := netip.MustParsePrefix(s.CIDRBlock).Addr().As4()
	return binary.BigEndian.Uint32(address[:])
}

// routes are a subnet's routes out of the VPC. One that leads nowhere swallows what it is given, as on AWS.
func (l lab) routes(s cloud.Subnet, ways []wayOut) []piece {
	ns, table := l.of(s.VPCID), strconv.FormatUint(uint64(tableNumber(s)), 10)
	var found []piece
	for _, way := range ways {
		route := []string{way.destination.String(), "via", internetLink, "dev", gatewayDevice, "onlink", "table", table}
		what := "the internet gateway"
		if way.nat != "" {
			what = "the NAT gateway at " + way.nat
		}
		if !way.leads {
			route, what = []string{"blackhole", way.destination.String(), "table", table}, "nowhere"
		}
		found = append(found, piece{
			what:   "route of " + s.ID + ": " + way.destination.String() + " to " + what,
			add:    []command{ip(ns, append([]string{"route", "add"}, route...)...)},
			remove: []command{ip(ns, append([]string{"route", "delete"}, route...)...)},
		})
	}
	return found
}

// networkInterface is a namespace of its own on a port of its subnet's bridge.
func (l lab) networkInterface(n cloud.NetworkInterface, subnets []cloud.Subnet) piece {
	router, ns, port := l.of(n.VPCID), l.of(n.ID), portDevice(n.ID)
	p := piece{
		what:   "interface " + n.ID + " of " + string(n.Of) + " " + n.OfID,
		remove: []command{ip(router, "link", "delete", port), {"ip", "netns", "delete", ns}},
	}
	for _, s := range subnets {
		if s.ID != n.SubnetID {
			continue
		}
		bits := strconv.Itoa(netip.MustParsePrefix(s.CIDRBlock).Bits())
		p.add = []command{
			{"ip", "netns", "add", ns},
			settings(ns, "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_unprivileged_port_start=1024"),
			ip(
				router, "link", "add", port, "type", "veth", "peer", "name", hostDevice,
				"address", HardwareAddress(n.ID), "netns", ns,
			),
			ip(router, "link", "set", port, "master", bridgeDevice(s.ID)),
			ip(router, "link", "set", port, "type", "bridge_slave", "isolated", "on"),
			ip(router, "link", "set", port, "up"),
			ip(ns, "link", "set", "lo", "up"),
			ip(ns, "address", "add", n.PrivateIP+"/"+bits, "dev", hostDevice),
			ip(ns, "link", "set", hostDevice, "up"),
			ip(ns, "route", "add", "default", "via", gatewayOf(s).String()),
		}
	}
	if n.Of == cloud.KindInstance {
		p.add = append(p.add, ip(ns, "address", "add", MetadataAddress+"/32", "dev", "lo"))
	}
	return p
}

// publicAddress leads the internet to a VPC.
func (l lab) publicAddress(vpcID, address string) piece {
	route := []string{address + "/32", "via", routerLink, "dev", vpcDevice(vpcID), "onlink"}
	return piece{
		what:   "public address " + address + " of " + vpcID,
		add:    []command{ip(l.internet(), append([]string{"route", "add"}, route...)...)},
		remove: []command{ip(l.internet(), append([]string{"route", "delete"}, route...)...)},
	}
}

// changes are the commands that turn one network into another: what is not wanted any more goes, the last first, and then
// comes what is new.
func changes(have, want []piece) (remove, add []piece) {
	wanted, had := map[string]bool{}, map[string]bool{}
	for _, p := range want {
		wanted[p.text()] = true
	}
	for _, p := range have {
		had[p.text()] = true
	}
	for _, p := range slices.Backward(have) {
		if !wanted[p.text()] {
			remove = append(remove, p)
		}
	}
	for _, p := range want {
		if !had[p.text()] {
			add = append(add, p)
		}
	}
	return remove, add
}
