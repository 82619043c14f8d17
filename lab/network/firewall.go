package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// firewall is the nftables ruleset of a VPC's router, whole: nft puts it in the place of the one before in one step.
//
// A new connection passes three chains, one after the other, and the kernel's NAT before and after them: whether there is
// a way between the internet and the address at all; whether the groups of the interface that it comes from let it out;
// whether the groups of the interface that it goes to let it in. Answers pass because their connection did: security
// groups are stateful.
func firewall(w World, vpcID string) string {
	var text ruleset
	text.line("flush ruleset")
	text.block("table inet vpc", func() {
		groups, interfaces := w.groupsOf(vpcID), w.interfacesOf(vpcID)
		for _, g := range groups {
			text.set(word(g.ID), "type ipv4_addr", membersOf(g.ID, interfaces))
		}
		text.gateways(w, vpcID)
		text.direction("egress", 0, "iifname", "saddr", interfaces)
		text.direction("ingress", 10, "oifname", "daddr", interfaces)
		for _, g := range groups {
			text.group(g, true)
			text.group(g, false)
		}
		text.ownServices()
	})
	text.translation(w, vpcID)
	text.sources(w, vpcID)
	return text.String()
}

func membersOf(group string, interfaces []cloud.NetworkInterface) []string {
	var members []string
	for _, n := range interfaces {
		if slices.Contains(n.Groups, group) {
			members = append(members, n.PrivateIP)
		}
	}
	slices.SortFunc(members, byAddress)
	return members
}

// ruleset is a text for nft.
type ruleset struct {
	strings.Builder
	depth int
}

func (r *ruleset) line(format string, arguments ...any) {
	r.WriteString(strings.Repeat("\t", r.depth))
	r.WriteString(fmt.Sprintf(format, arguments...) + "\n")
}

func (r *ruleset) block(head string, body func()) {
	r.line("%s {", head)
	r.depth++
	body()
	r.depth--
	r.line("}")
}

func (r *ruleset) set(name, kind string, elements []string) {
	r.block("set "+name, func() {
		r.line("%s", kind)
		if len(elements) > 0 {
			r.line("elements = { %s }", strings.Join(elements, ", "))
		}
	})
}

// gateways is the chain of the internet gateway: in come only packets to a public address of the VPC, which are by then
// those to the interface that has it; out go only packets that get a public address.
func (r *ruleset) gateways(w World, vpcID string) {
	r.set("translated", "type ipv4_addr; flags interval", translated(w, vpcID))
	r.block("chain gateways", func() {
		r.line("type filter hook forward priority -10; policy accept")
		r.line("ct state established,related accept")
		r.line("iifname %q ct status dnat accept", gatewayDevice)
		r.line("iifname %q counter drop comment \"no such public address\"", gatewayDevice)
		r.line("oifname %q ip saddr @translated accept", gatewayDevice)
		r.line("oifname %q counter drop comment \"no public address to leave by\"", gatewayDevice)
	})
}

// translated are the addresses and subnets whose packets get a public address on their way out.
func translated(w World, vpcID string) []string {
	var found []string
	for _, s := range w.subnetsOf(vpcID) {
		if slices.ContainsFunc(w.waysOut(s), func(way wayOut) bool { return way.leads && way.nat != "" }) {
			found = append(found, s.CIDRBlock)
			continue
		}
		for _, n := range w.interfacesOf(vpcID) {
			if n.SubnetID == s.ID && n.PublicIP != "" {
				found = append(found, n.PrivateIP)
			}
		}
	}
	return found
}

// direction is the chain that sends packets to the rules of an interface's groups. The internet has no groups.
func (r *ruleset) direction(name string, priority int, device, address string, interfaces []cloud.NetworkInterface) {
	for _, n := range interfaces {
		r.block("chain "+name+"_"+word(n.ID), func() {
			for _, g := range slices.Sorted(slices.Values(n.Groups)) {
				r.line("jump %s_%s", name, word(g))
			}
			r.line("counter drop comment \"no rule for it\"")
		})
	}
	r.block("chain "+name, func() {
		r.line("type filter hook forward priority %d; policy drop", priority)
		r.line("ct state established,related accept")
		r.line("ct state invalid drop")
		r.line("%s %q accept", device, gatewayDevice)
		var chains []string
		for _, n := range interfaces {
			chains = append(chains, n.PrivateIP+" : goto "+name+"_"+word(n.ID))
		}
		if len(chains) > 0 {
			r.line("ip %s vmap { %s }", address, strings.Join(chains, ", "))
		}
	})
}

// group is the chain of a group's rules of one direction.
func (r *ruleset) group(g cloud.SecurityGroup, egress bool) {
	name, peer := "ingress_", "saddr"
	if egress {
		name, peer = "egress_", "daddr"
	}
	r.block("chain "+name+word(g.ID), func() {
		for _, rule := range g.Rules {
			if rule.Egress == egress {
				r.line("%s", grant(rule, peer))
			}
		}
	})
}

// grant is a rule of a security group.
func grant(rule cloud.Rule, peer string) string {
	var parts []string
	switch {
	case rule.CIDR == "0.0.0.0/0":
		parts = append(parts, "meta nfproto ipv4")
	case rule.CIDR != "":
		parts = append(parts, "ip "+peer+" "+rule.CIDR)
	default:
		parts = append(parts, "ip "+peer+" @"+word(rule.GroupID))
	}
	switch rule.Protocol {
	case "tcp", "udp":
		parts = append(parts, rule.Protocol+" dport "+numbers(rule.FromPort, rule.ToPort))
	case "icmp":
		parts = append(parts, "ip protocol icmp")
		if rule.FromPort >= 0 {
			parts = append(parts, fmt.Sprintf("icmp type %d", rule.FromPort))
		}
		if rule.ToPort >= 0 {
			parts = append(parts, fmt.Sprintf("icmp code %d", rule.ToPort))
		}
	}
	return strings.Join(append(parts, "accept"), " ")
}

func numbers(from, to int) string {
	if from == to {
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// ownServices is what the router itself answers: names. No group has a say in that.
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
func (r *ruleset) ownServices() {
	r.block("chain services", func() {
		r.line("type filter hook input priority 0; policy drop")
		r.line("ct state established,related accept")
		r.line("iifname != %q udp dport 53 accept", gatewayDevice)
		r.line("iifname != %q tcp dport 53 accept", gatewayDevice)
	})
}

// translation is the table of what the internet gateway and NAT gateways do to addresses.
func (r *ruleset) translation(w World, vpcID string) {
	var in, out []string
	if w.connected(vpcID) {
		for _, n := range w.interfacesOf(vpcID) {
			if n.PublicIP != "" {
				in = append(in, n.PublicIP+" : "+n.PrivateIP)
				out = append(out, n.PrivateIP+" : "+n.PublicIP)
			}
		}
	}
	r.block("table ip translation", func() {
		r.block("chain in", func() {
			r.line("type nat hook prerouting priority -100; policy accept")
			if len(in) > 0 {
				r.line("iifname %q dnat to ip daddr map { %s }", gatewayDevice, strings.Join(in, ", "))
			}
		})
		r.block("chain attached", func() {
			if len(out) > 0 {
				r.line("snat to ip saddr map { %s }", strings.Join(out, ", "))
			}
		})
		r.block("chain out", func() {
			r.line("type nat hook postrouting priority 100; policy accept")
			r.routed(w, vpcID)
		})
	})
}

// routed are the rules that give a packet its public address, by the route that it takes.
func (r *ruleset) routed(w World, vpcID string) {
	for _, s := range w.subnetsOf(vpcID) {
		for _, way := range w.waysOut(s) {
			switch {
			case !way.leads:
			case way.nat == "":
				r.line("oifname %q ip saddr %s ip daddr %s goto attached", gatewayDevice, s.CIDRBlock, way.destination)
			default:
				r.line("oifname %q ip saddr %s ip daddr %s snat to %s", gatewayDevice, s.CIDRBlock, way.destination, way.nat)
			}
		}
	}
}

// sources is the table that drops what carries another's address, and what is neither IPv4 nor ARP.
func (r *ruleset) sources(w World, vpcID string) {
	var pairs, free []string
	for _, n := range w.interfacesOf(vpcID) {
		pairs = append(pairs, fmt.Sprintf("%q . %s", portDevice(n.ID), n.PrivateIP))
		if !w.checked(n) {
			free = append(free, fmt.Sprintf("%q", portDevice(n.ID)))
		}
	}
	r.block("table bridge sources", func() {
		r.set("own", "type ifname . ipv4_addr", pairs)
		r.set("unchecked", "type ifname", free)
		r.block("chain arriving", func() {
			r.line("type filter hook prerouting priority 0; policy drop")
			r.line("ether type arp accept")
			r.line("iifname @unchecked accept")
			r.line("iifname . ip saddr @own accept")
			r.line("counter comment \"neither ARP nor its own address\"")
		})
	})
}
