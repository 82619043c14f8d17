package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// vpcKind is ec2 VPC. Attributes are set by calls of their own within the create; if one fails, the VPC stays behind in AWS
// and the next try makes another.
func vpcKind() *kind {
	return &kind{
		name: "VPC", service: "ec2", terminal: []string{"InvalidParameterValue"}, gone: []string{"InvalidVpcID.NotFound"},
		compared: append(fields("enableDNSSupport", "enableDNSHostnames", "enableNetworkAddressUsageMetrics"),
			comparison{"cidrBlocks", asSet}, comparison{"disallowSecurityGroupDefaultRules", ifSet}, tagged()),
		late:     late("enableNetworkAddressUsageMetrics"),
		identify: func(o *object, f map[string]string) { put(o.status(), "vpcID", f["vpcID"]) },
		read:     readVPC, create: createVPC, update: updateVPC,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteVPC(ctx, text(latest.status(), "vpcID"))
		},
	}
}

func readVPC(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "vpcID")
	if id == "" {
		return nil, errNotFound
	}
	v, err := p.aws.DescribeVPC(ctx, id)
	if err != nil {
		return nil, err
	}
	latest := desired.copy()
	p.showVPC(latest, v)
	spec := latest.spec()
	spec["enableDNSSupport"], spec["enableDNSHostnames"] = v.DNSSupport, v.DNSHostnames
	spec["enableNetworkAddressUsageMetrics"] = v.AddressUsageMetrics
	spec["disallowSecurityGroupDefaultRules"] = false
	return latest, nil
}

// showVPC takes over what CreateVpc and DescribeVpcs answer.
func (p *pass) showVPC(o *object, v cloud.VPC) {
	put(o.spec(), "cidrBlocks", textList(v.CIDRBlocks))
	put(o.spec(), "instanceTenancy", v.Tenancy)
	p.showTags(o, v.Tags)
	status := o.status()
	status["vpcID"], status["state"], status["ownerID"], status["dhcpOptionsID"] = v.ID, v.State, p.account, v.DHCPOptionsID
	status["isDefault"], status["securityGroupDefaultRulesExist"] = false, true
	status["cidrBlockAssociationSet"] = list(v.CIDRBlocks, func(block string) any {
		return tree{"cidrBlock": block, "cidrBlockState": tree{"state": "associated"}}
	})
}

func createVPC(ctx context.Context, p *pass, desired *object) (*object, error) {
	blocks := texts(desired.spec(), "cidrBlocks")
	if len(blocks) == 0 {
		blocks = []string{""}
	}
	v, err := p.aws.CreateVPC(ctx, cloud.CreateVPCInput{
		CIDRBlock: blocks[0], Tenancy: text(desired.spec(), "instanceTenancy"), Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	for _, block := range blocks[1:] {
		if err := p.aws.AssociateVPCCIDRBlock(ctx, v.ID, block); err != nil {
			return nil, err
		}
	}
	if err := p.setVPCAttributes(ctx, v.ID, desired, nil); err != nil {
		return nil, err
	}
	created := desired.copy()
	v.CIDRBlocks = blocks
	p.showVPC(created, v)
	return created, nil
}

// setVPCAttributes sets the attributes that are given, one call each; with a delta only those that differ.
func (p *pass) setVPCAttributes(ctx context.Context, id string, desired *object, changed delta) error {
	for _, a := range []struct {
		field string
		in    func(*bool) cloud.VPCAttributes
	}{
		{"enableDNSSupport", func(b *bool) cloud.VPCAttributes { return cloud.VPCAttributes{DNSSupport: b} }},
		{"enableDNSHostnames", func(b *bool) cloud.VPCAttributes { return cloud.VPCAttributes{DNSHostnames: b} }},
		{"enableNetworkAddressUsageMetrics", func(b *bool) cloud.VPCAttributes {
			return cloud.VPCAttributes{AddressUsageMetrics: b}
		}},
	} {
		value := truthPtr(desired.spec(), a.field)
		if changed == nil && value == nil || changed != nil && !changed.has(a.field) {
			continue
		}
		if err := p.aws.ModifyVPCAttribute(ctx, id, a.in(value)); err != nil {
			return err
		}
	}
	return nil
}

func updateVPC(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	updated := desired.copy()
	updated.setStatus(latest)
	id := text(latest.status(), "vpcID")
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	if changed.has("cidrBlocks") {
		want, have := texts(desired.spec(), "cidrBlocks"), texts(latest.spec(), "cidrBlocks")
		for _, block := range missing(want, have) {
			if err := p.aws.AssociateVPCCIDRBlock(ctx, id, block); err != nil {
				return nil, err
			}
		}
		for _, block := range missing(have, want) {
			if err := p.aws.DisassociateVPCCIDRBlock(ctx, id, block); err != nil {
				return nil, err
			}
		}
	}
	return updated, p.setVPCAttributes(ctx, id, desired, changed)
}

// missing lists what of want is not in have.
func missing(want, have []string) []string {
	known := map[string]bool{}
	for _, s := range have {
		known[s] = true
	}
	var out []string
	for _, s := range want {
		if !known[s] {
			out = append(out, s)
		}
	}
	return out
}
