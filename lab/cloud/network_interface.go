package cloud

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// NetworkInterface is what ties an instance, NAT gateway, load balancer or database to a subnet and its security groups.
// It is the reason of most DependencyViolations.
type NetworkInterface struct {
	Meta
	ID, SubnetID, VPCID string
	Groups              []string
	// Of says what it belongs to.
	Of                  Kind
	OfID                string
	Zone                string
	PrivateIP, PublicIP string
}

func (n *NetworkInterface) object() Object { return Object{ID: n.ID, State: "in-use", Implicit: true} }

// addInterface puts an interface into a subnet. The subnet must have a free address.
func (t *tx) addInterface(s *Subnet, groups []string, of Kind, ofID string) *NetworkInterface {
	n := &NetworkInterface{
		Meta: Meta{Region: s.Region, Owner: t.caller.Owner, Created: t.now}, ID: t.newID("eni"), SubnetID: s.ID,
		VPCID: s.VPCID, Groups: slices.Clone(groups), Of: of, OfID: ofID, Zone: s.Zone, PrivateIP: t.freeAddress(s),
	}
	t.db.interfaces[n.ID] = n
	t.emit(KindNetworkInterface, Created, n.ID, n.Meta)
	return n
}

// freeAddress finds the lowest unused address of a subnet; AWS keeps the first four and the last for itself.
func (t *tx) freeAddress(s *Subnet) string {
	used := map[string]bool{}
	for _, n := range t.db.interfaces {
		if n.SubnetID == s.ID {
			used[n.PrivateIP] = true
		}
	}
	block := netip.MustParsePrefix(s.CIDRBlock)
	addr := block.Addr()
	for range 4 {
		addr = addr.Next()
	}
	for ; block.Contains(addr.Next()); addr = addr.Next() {
		if !used[addr.String()] {
			return addr.String()
		}
	}
	return ""
}

func (t *tx) interfacesIn(subnetID string) int {
	n := 0
	for _, i := range t.db.interfaces {
		if i.SubnetID == subnetID {
			n++
		}
	}
	return n
}

func (t *tx) freeIPs(s *Subnet) int { return s.AvailableIPs - t.interfacesIn(s.ID) }

// interfacesOf lists the interfaces of one owner, sorted by zone.
func (t *tx) interfacesOf(of Kind, id string) []*NetworkInterface {
	var found []*NetworkInterface
	for _, n := range t.db.interfaces {
		if n.Of == of && n.OfID == id {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b *NetworkInterface) int {
		switch {
		case a.Zone+a.ID < b.Zone+b.ID:
			return -1
		case a.Zone+a.ID > b.Zone+b.ID:
			return 1
		}
		return 0
	})
	return found
}

func (t *tx) dropInterfaces(of Kind, id string) {
	for _, n := range t.interfacesOf(of, id) {
		delete(t.db.interfaces, n.ID)
		t.emit(KindNetworkInterface, Deleted, n.ID, n.Meta)
	}
}

func (t *tx) setGroups(of Kind, id string, groups []string) {
	for _, n := range t.interfacesOf(of, id) {
		n.Groups = slices.Clone(groups)
		t.emit(KindNetworkInterface, Changed, n.ID, n.Meta)
	}
}

// publicAddress hands out the next public address. They come from 198.18.0.0/15, which RFC 2544 keeps for tests.
func (t *tx) publicAddress() string {
	const network, hosts = 198<<24 | 18<<16, 1<<17 - 2
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], network+1+t.db.nextAddress%hosts)
	t.db.nextAddress++
	return netip.AddrFrom4(address).String()
}

// NetworkInterfaces lists all network interfaces.
func (c *Cloud) NetworkInterfaces() []NetworkInterface {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.interfaces, nil)
}
