package dns

import (
	"net/netip"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// Addresses are what a name leads to where the account has a network of its own: the records of its hosted zones, and the
// names that AWS gives to load balancers, databases and private addresses. None means that there is no such name.
func (r *Resolver) Addresses(name string) []netip.Addr {
	current := strings.TrimSuffix(strings.ToLower(name), ".")
	for range maxAliases {
		if found := r.given(current); len(found) > 0 {
			return found
		}
		next, ok := r.alias(current)
		if !ok {
			break
		}
		current = next
	}
	return nil
}

// given are the addresses of a name that AWS gave, or of a record with addresses in it.
func (r *Resolver) given(name string) []netip.Addr {
	for _, lb := range r.cloud.LoadBalancers() {
		if strings.EqualFold(lb.DNSName, name) && lb.State == "active" {
			return r.interfaces(cloud.KindLoadBalancer, lb.ARN, lb.Scheme == "internet-facing")
		}
	}
	for _, db := range r.cloud.DBInstances() {
		if db.Endpoint != "" && strings.EqualFold(db.Endpoint, name) {
			return r.interfaces(cloud.KindDBInstance, db.Identifier, false)[:1] // the standby is not served by name
		}
	}
	for _, i := range r.cloud.Instances() {
		if i.PrivateDNSName == name && i.PrivateIP != "" {
			return []netip.Addr{netip.MustParseAddr(i.PrivateIP)}
		}
	}
	for _, set := range r.cloud.RecordSets() {
		if strings.TrimSuffix(set.Name, ".") == name && set.Type == "A" {
			return addresses(set.Values)
		}
	}
	return nil
}

// interfaces are the addresses of what has network interfaces, sorted as the model lists them: a primary database first.
func (r *Resolver) interfaces(of cloud.Kind, id string, public bool) []netip.Addr {
	var found []string
	for _, n := range r.cloud.NetworkInterfaces() {
		switch {
		case n.Of != of || n.OfID != id:
		case public:
			found = append(found, n.PublicIP)
		default:
			found = append(found, n.PrivateIP)
		}
	}
	return addresses(found)
}

func addresses(texts []string) []netip.Addr {
	var found []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			found = append(found, address)
		}
	}
	return found
}
