package build

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	v1 "usermanagement.dev/stack/api/v1"
)

// zone is an availability zone with its three subnets' ranges, given or computed.
type zone struct {
	name                  string
	public, app, database string
}

// Where the computed subnets begin, in sixteenths of the VPC's range. The gaps leave room for the third zone, and what is
// beyond them is free for whatever a user adds by hand.
const (
	publicSixteenth   = 0
	appSixteenth      = 4
	databaseSixteenth = 8
	sixteenthBits     = 4
	// smallestSubnet is the longest prefix that AWS takes for a subnet.
	smallestSubnet = 28
)

var errNoZones = errors.New("network.zones is empty")

// zonesOf is the network's zones with all subnets filled in.
func zonesOf(network *v1.NetworkSpec) ([]zone, error) {
	vpc, err := netip.ParsePrefix(network.CIDR)
	if err != nil {
		return nil, fmt.Errorf("network.cidr: %w", err)
	}
	if len(network.Zones) == 0 {
		return nil, errNoZones
	}
	zones := make([]zone, 0, len(network.Zones))
	for i, z := range network.Zones {
		filled := zone{name: z.Name, public: z.PublicCIDR, app: z.AppCIDR, database: z.DatabaseCIDR}
		for _, subnet := range []struct {
			cidr  *string
			first int
		}{{&filled.public, publicSixteenth}, {&filled.app, appSixteenth}, {&filled.database, databaseSixteenth}} {
			if *subnet.cidr != "" {
				continue
			}
			if *subnet.cidr, err = sixteenth(vpc, subnet.first+i); err != nil {
				return nil, fmt.Errorf("network.cidr: %w", err)
			}
		}
		zones = append(zones, filled)
	}
	return zones, nil
}

// sixteenth is the n-th sixteenth of an IPv4 network, from 0.
func sixteenth(network netip.Prefix, n int) (string, error) {
	bits := network.Bits() + sixteenthBits
	if !network.Addr().Is4() || bits > smallestSubnet {
		return "", fmt.Errorf("%s has no room for sixteen subnets", network)
	}
	if n < 0 || n >= 1<<sixteenthBits {
		return "", fmt.Errorf("%s has no sixteenth number %d", network, n)
	}
	base := network.Masked().Addr().As4()
	at := binary.BigEndian.Uint32(base[:]) + uint32(n)<<(32-bits)
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], at)
	return netip.PrefixFrom(netip.AddrFrom4(address), bits).String(), nil
}

// distinct is a list sorted and without repetition, so that its order in the spec does not matter.
func distinct(list []string) []string {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// appNetworks are the app subnets' ranges.
func (a *assembly) appNetworks() []string { return a.ranges(func(z zone) string { return z.app }) }

// databaseNetworks are the database subnets' ranges.
func (a *assembly) databaseNetworks() []string {
	return a.ranges(func(z zone) string { return z.database })
}

// publicNetworks are the public subnets' ranges.
func (a *assembly) publicNetworks() []string {
	return a.ranges(func(z zone) string { return z.public })
}

func (a *assembly) ranges(of func(zone) string) []string {
	cidrs := make([]string, 0, len(a.zones))
	for _, z := range a.zones {
		cidrs = append(cidrs, of(z))
	}
	return distinct(cidrs)
}
