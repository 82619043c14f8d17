package cloud

import (
	"context"
	"net/netip"
	"slices"
)

// VPC is a virtual private cloud.
type VPC struct {
	Meta
	ID                    string
	CIDRBlocks            []string // the first is the one it was made with
	State                 string   // pending, available
	Tenancy               string
	DHCPOptionsID         string
	DNSSupport            bool
	DNSHostnames          bool
	AddressUsageMetrics   bool
	DefaultSecurityGroup  string
	MainRouteTable        string
	defaultRulesInDefault bool
}

func (v *VPC) object() Object { return Object{ID: v.ID, State: v.State} }

// CreateVPCInput is what CreateVpc takes.
type CreateVPCInput struct {
	CIDRBlock string
	Tenancy   string // default, dedicated; empty means default
	Tags      Tags
}

// CreateVPC makes a VPC with its main route table and default security group.
func (c *Client) CreateVPC(ctx context.Context, in CreateVPCInput) (VPC, error) {
	return call(ctx, c, "ec2:CreateVpc", func(t *tx) (VPC, error) {
		if err := t.checkVPC(in); err != nil {
			return VPC{}, err
		}
		v := &VPC{
			Meta: t.meta(in.Tags), ID: t.newID("vpc"), CIDRBlocks: []string{in.CIDRBlock}, State: "pending",
			Tenancy: orDefault(in.Tenancy, "default"), DHCPOptionsID: t.newID("dopt"), DNSSupport: true,
			defaultRulesInDefault: true,
		}
		t.db.vpcs[v.ID] = v
		v.MainRouteTable = t.addRouteTable(v, nil, true).ID
		v.DefaultSecurityGroup = t.addDefaultGroup(v).ID
		t.emit(KindVPC, Created, v.ID, v.Meta)
		t.settle("ec2:CreateVpc", func(t *tx) {
			if v.State == "pending" {
				v.State = "available"
				t.emit(KindVPC, Changed, v.ID, v.Meta)
			}
		})
		return *v, nil
	})
}

func (t *tx) checkVPC(in CreateVPCInput) error {
	if _, err := blockBetween(in.CIDRBlock, 16, 28, "InvalidVpc.Range"); err != nil {
		return err
	}
	if in.Tenancy != "" && in.Tenancy != "default" && in.Tenancy != "dedicated" {
		return refuse("InvalidParameterValue", "Value (%s) for parameter instanceTenancy is invalid.", in.Tenancy)
	}
	if limit := t.cloud.quotas.VPCs; limit > 0 && countIn(t.db.vpcs, t.caller.Region) >= limit {
		return refuse("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
	}
	return checkTags(in.Tags)
}

// countIn counts the records of one region.
func countIn[T record](rows map[string]T, region string) int {
	n := 0
	for _, row := range rows {
		if row.head().Region == region {
			n++
		}
	}
	return n
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// blockBetween parses an IPv4 block whose prefix has between low and high bits and no host bits set.
func blockBetween(cidr string, low, high int, rangeCode string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil || !prefix.Addr().Is4() || prefix.Masked() != prefix {
		return prefix, refuse("InvalidParameterValue",
			"Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", cidr)
	}
	if prefix.Bits() < low || prefix.Bits() > high {
		return prefix, refuse(rangeCode, "The CIDR '%s' is invalid.", cidr)
	}
	return prefix, nil
}

func (t *tx) vpc(id string) (*VPC, error) {
	v, ok := t.db.vpcs[id]
	if !ok || v.Region != t.caller.Region {
		return nil, refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
	}
	return v, nil
}

// DescribeVPC reads one VPC.
func (c *Client) DescribeVPC(ctx context.Context, id string) (VPC, error) {
	return call(ctx, c, "ec2:DescribeVpcs", func(t *tx) (VPC, error) {
		v, err := t.vpc(id)
		if err != nil {
			return VPC{}, err
		}
		return *v, nil
	})
}

// VPCAttributes are what ModifyVpcAttribute changes; nil leaves a value as it is.
type VPCAttributes struct {
	DNSSupport, DNSHostnames, AddressUsageMetrics *bool
}

// ModifyVPCAttribute changes attributes of a VPC. (AWS takes one attribute a call; callers here are expected to do so.)
func (c *Client) ModifyVPCAttribute(ctx context.Context, id string, in VPCAttributes) error {
	return do(ctx, c, "ec2:ModifyVpcAttribute", func(t *tx) error {
		v, err := t.vpc(id)
		if err != nil {
			return err
		}
		support, hostnames := v.DNSSupport, v.DNSHostnames
		set(&support, in.DNSSupport)
		set(&hostnames, in.DNSHostnames)
		if hostnames && !support && in.DNSHostnames != nil {
			return refuse("InvalidParameterValue", "enableDnsHostnames requires enableDnsSupport on VPC %s", id)
		}
		v.DNSSupport, v.DNSHostnames = support, hostnames
		set(&v.AddressUsageMetrics, in.AddressUsageMetrics)
		t.emit(KindVPC, Changed, id, v.Meta)
		return nil
	})
}

func set[T any](target, value *T) {
	if value != nil {
		*target = *value
	}
}

// AssociateVPCCIDRBlock adds a block to a VPC.
func (c *Client) AssociateVPCCIDRBlock(ctx context.Context, id, cidr string) error {
	return do(ctx, c, "ec2:AssociateVpcCidrBlock", func(t *tx) error {
		v, err := t.vpc(id)
		if err != nil {
			return err
		}
		added, err := blockBetween(cidr, 16, 28, "InvalidVpc.Range")
		if err != nil {
			return err
		}
		for _, block := range v.CIDRBlocks {
			if netip.MustParsePrefix(block).Overlaps(added) {
				return refuse("InvalidVpc.Range", "The CIDR '%s' overlaps another CIDR of the VPC.", cidr)
			}
		}
		v.CIDRBlocks = append(slices.Clip(v.CIDRBlocks), cidr)
		t.emit(KindVPC, Changed, id, v.Meta)
		return nil
	})
}

// DisassociateVPCCIDRBlock takes an additional block away from a VPC.
func (c *Client) DisassociateVPCCIDRBlock(ctx context.Context, id, cidr string) error {
	return do(ctx, c, "ec2:DisassociateVpcCidrBlock", func(t *tx) error {
		v, err := t.vpc(id)
		if err != nil {
			return err
		}
		if cidr == v.CIDRBlocks[0] {
			return refuse("OperationNotPermitted", "The vpc CIDR block with association ID may not be disassociated. "+
				"It is the primary IPv4 CIDR block of the VPC")
		}
		for _, s := range t.db.subnets {
			if s.VPCID == id && netip.MustParsePrefix(cidr).Overlaps(netip.MustParsePrefix(s.CIDRBlock)) {
				return refuse("DependencyViolation", "The vpc CIDR block '%s' is in use by subnet '%s'", cidr, s.ID)
			}
		}
		v.CIDRBlocks = without(v.CIDRBlocks, cidr)
		t.emit(KindVPC, Changed, id, v.Meta)
		return nil
	})
}

// without is list less item, as a new slice.
func without[T comparable](list []T, item T) []T {
	kept := make([]T, 0, len(list))
	for _, other := range list {
		if other != item {
			kept = append(kept, other)
		}
	}
	return kept
}

// DeleteVPC deletes a VPC that has nothing in it but what AWS put there.
func (c *Client) DeleteVPC(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:DeleteVpc", func(t *tx) error {
		v, err := t.vpc(id)
		if err != nil {
			return err
		}
		if t.vpcInUse(v) {
			return refuse("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", id)
		}
		delete(t.db.routeTables, v.MainRouteTable)
		delete(t.db.securityGroups, v.DefaultSecurityGroup)
		delete(t.db.vpcs, id)
		t.emit(KindVPC, Deleted, id, v.Meta)
		return nil
	})
}

func (t *tx) vpcInUse(v *VPC) bool {
	for _, s := range t.db.subnets {
		if s.VPCID == v.ID {
			return true
		}
	}
	for _, g := range t.db.gateways {
		if g.VPCID == v.ID {
			return true
		}
	}
	for _, g := range t.db.securityGroups {
		if g.VPCID == v.ID && g.ID != v.DefaultSecurityGroup {
			return true
		}
	}
	for _, r := range t.db.routeTables {
		if r.VPCID == v.ID && r.ID != v.MainRouteTable {
			return true
		}
	}
	return false
}

// VPCs lists all VPCs.
func (c *Cloud) VPCs() []VPC {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.vpcs, nil)
}
