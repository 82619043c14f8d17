package cloud

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// Subnet is a part of a VPC in one availability zone.
type Subnet struct {
	Meta
	ID, VPCID              string
	CIDRBlock              string
	Zone, ZoneID           string
	State                  string // pending, available
	MapPublicIPOnLaunch    bool
	AssignIPv6OnCreation   bool
	DNS64                  bool
	HostnameType           string // ip-name, resource-name
	ResourceNameARecord    bool
	ResourceNameAAAARecord bool
	AvailableIPs           int
	ARN                    string
}

func (s *Subnet) object() Object { return Object{ID: s.ID, State: s.State} }

// CreateSubnetInput is what CreateSubnet takes.
type CreateSubnetInput struct {
	VPCID, CIDRBlock, Zone string
	Tags                   Tags
}

// CreateSubnet makes a subnet.
func (c *Client) CreateSubnet(ctx context.Context, in CreateSubnetInput) (Subnet, error) {
	return call(ctx, c, "ec2:CreateSubnet", func(t *tx) (Subnet, error) {
		block, err := t.checkSubnet(in)
		if err != nil {
			return Subnet{}, err
		}
		zone := orDefault(in.Zone, zonesOf(t.caller.Region)[0])
		id := t.newID("subnet")
		s := &Subnet{
			Meta: t.meta(in.Tags), ID: id, VPCID: in.VPCID, CIDRBlock: in.CIDRBlock, Zone: zone, ZoneID: zoneID(zone),
			State: "pending", HostnameType: "ip-name", AvailableIPs: 1<<(32-block.Bits()) - 5, ARN: t.arn("ec2", "subnet/"+id),
		}
		t.db.subnets[id] = s
		t.emit(KindSubnet, Created, id, s.Meta)
		t.settle("ec2:CreateSubnet", func(t *tx) {
			if s.State == "pending" {
				s.State = "available"
				t.emit(KindSubnet, Changed, id, s.Meta)
			}
		})
		return *s, nil
	})
}

func (t *tx) checkSubnet(in CreateSubnetInput) (netip.Prefix, error) {
	v, err := t.vpc(in.VPCID)
	if err != nil {
		return netip.Prefix{}, err
	}
	block, err := blockBetween(in.CIDRBlock, 16, 28, "InvalidSubnet.Range")
	if err != nil {
		return block, err
	}
	if !slices.ContainsFunc(v.CIDRBlocks, func(outer string) bool { return contains(outer, block) }) {
		return block, refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", in.CIDRBlock)
	}
	for _, other := range t.db.subnets {
		if other.VPCID == v.ID && netip.MustParsePrefix(other.CIDRBlock).Overlaps(block) {
			return block, refuse("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", in.CIDRBlock)
		}
	}
	zones := zonesOf(t.caller.Region)
	if in.Zone != "" && !slices.Contains(zones, in.Zone) {
		return block, refuse("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can "+
			"currently only be created in the following availability zones: %s.", in.Zone, strings.Join(zones, ", "))
	}
	return block, checkTags(in.Tags)
}

func contains(outer string, inner netip.Prefix) bool {
	block := netip.MustParsePrefix(outer)
	return block.Bits() <= inner.Bits() && block.Contains(inner.Addr())
}

func (t *tx) subnet(id string) (*Subnet, error) {
	s, ok := t.db.subnets[id]
	if !ok || s.Region != t.caller.Region {
		return nil, refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	return s, nil
}

// DescribeSubnet reads one subnet.
func (c *Client) DescribeSubnet(ctx context.Context, id string) (Subnet, error) {
	return call(ctx, c, "ec2:DescribeSubnets", func(t *tx) (Subnet, error) {
		s, err := t.subnet(id)
		if err != nil {
			return Subnet{}, err
		}
		seen := *s
		seen.AvailableIPs -= t.interfacesIn(id)
		return seen, nil
	})
}

// SubnetAttributes are what ModifySubnetAttribute changes; nil leaves a value as it is.
type SubnetAttributes struct {
	MapPublicIPOnLaunch, AssignIPv6OnCreation, DNS64, ResourceNameARecord, ResourceNameAAAARecord *bool
	HostnameType                                                                                  *string
}

// ModifySubnetAttribute changes one attribute of a subnet.
func (c *Client) ModifySubnetAttribute(ctx context.Context, id string, in SubnetAttributes) error {
	return do(ctx, c, "ec2:ModifySubnetAttribute", func(t *tx) error {
		s, err := t.subnet(id)
		if err != nil {
			return err
		}
		if in.AssignIPv6OnCreation != nil && *in.AssignIPv6OnCreation {
			return refuse("InvalidParameterValue", "Invalid value 'true' for assignIpv6AddressOnCreation. Subnet %s has no "+
				"IPv6 CIDR block", id)
		}
		if in.HostnameType != nil && *in.HostnameType != "ip-name" && *in.HostnameType != "resource-name" {
			return refuse("InvalidParameterValue", "Invalid value '%s' for hostnameType", *in.HostnameType)
		}
		set(&s.MapPublicIPOnLaunch, in.MapPublicIPOnLaunch)
		set(&s.AssignIPv6OnCreation, in.AssignIPv6OnCreation)
		set(&s.DNS64, in.DNS64)
		set(&s.ResourceNameARecord, in.ResourceNameARecord)
		set(&s.ResourceNameAAAARecord, in.ResourceNameAAAARecord)
		set(&s.HostnameType, in.HostnameType)
		t.emit(KindSubnet, Changed, id, s.Meta)
		return nil
	})
}

// DeleteSubnet deletes a subnet in which no network interface is left. Its route table association goes with it.
func (c *Client) DeleteSubnet(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:DeleteSubnet", func(t *tx) error {
		s, err := t.subnet(id)
		if err != nil {
			return err
		}
		if t.interfacesIn(id) > 0 {
			return refuse("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", id)
		}
		t.dropAssociation(id)
		delete(t.db.subnets, id)
		t.emit(KindSubnet, Deleted, id, s.Meta)
		return nil
	})
}

// Subnets lists all subnets.
func (c *Cloud) Subnets() []Subnet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.subnets, nil)
}
