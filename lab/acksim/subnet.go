package acksim

import (
	"context"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// subnetKind is ec2 Subnet. Its route tables and attributes are set on a second pass, one second after the create. CIDR
// block, zone and VPC are never compared: a change of them does nothing.
func subnetKind() *kind {
	return &kind{
		name: "Subnet", service: "ec2",
		terminal: []string{"InvalidParameterValue", "InvalidCustomerOwnedIpv4PoolID.Malformed"},
		references: []reference{
			{from: "vpcRef", into: "vpcID", kind: "VPC", value: "status.vpcID"},
			{from: "routeTableRefs[]", into: "routeTables", kind: "RouteTable", value: "status.routeTableID"},
		},
		compared: append(fields("mapPublicIPOnLaunch", "assignIPv6AddressOnCreation", "enableDNS64",
			"enableResourceNameDNSARecord", "enableResourceNameDNSAAAARecord"),
			comparison{"hostnameType", ifSet}, comparison{"routeTables", asSet}, tagged()),
		identify: func(o *object, f map[string]string) { put(o.status(), "subnetID", f["subnetID"]) },
		read:     readSubnet, create: createSubnet, update: updateSubnet,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteSubnet(ctx, text(latest.status(), "subnetID"))
		},
	}
}

func readSubnet(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "subnetID")
	if id == "" {
		return nil, errNotFound
	}
	s, err := p.aws.DescribeSubnet(ctx, id)
	if err != nil {
		return nil, err
	}
	tables, err := p.aws.SubnetRouteTables(ctx, id)
	if err != nil {
		return nil, err
	}
	latest := desired.copy()
	p.showSubnet(latest, s)
	spec := latest.spec()
	put(spec, "routeTables", textList(tables))
	spec["mapPublicIPOnLaunch"], spec["assignIPv6AddressOnCreation"] = s.MapPublicIPOnLaunch, s.AssignIPv6OnCreation
	spec["enableDNS64"], spec["hostnameType"] = s.DNS64, s.HostnameType
	spec["enableResourceNameDNSARecord"] = s.ResourceNameARecord
	spec["enableResourceNameDNSAAAARecord"] = s.ResourceNameAAAARecord
	return latest, nil
}

func (p *pass) showSubnet(o *object, s cloud.Subnet) {
	p.showTags(o, s.Tags)
	o.setARN(s.ARN)
	status := o.status()
	status["subnetID"], status["state"], status["ownerID"] = s.ID, s.State, p.account
	status["availableIPAddressCount"], status["defaultForAZ"] = int64(s.AvailableIPs), false
	status["mapCustomerOwnedIPOnLaunch"] = false
	status["privateDNSNameOptionsOnLaunch"] = tree{
		"hostnameType": s.HostnameType, "enableResourceNameDNSARecord": s.ResourceNameARecord,
		"enableResourceNameDNSAAAARecord": s.ResourceNameAAAARecord,
	}
}

func createSubnet(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	s, err := p.aws.CreateSubnet(ctx, cloud.CreateSubnetInput{
		VPCID: text(spec, "vpcID"), CIDRBlock: text(spec, "cidrBlock"), Zone: text(spec, "availabilityZone"),
		Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	created := desired.copy()
	p.showSubnet(created, s)
	created.setCondition(p.now, condSynced, statusFalse, "subnet created, requeue for updates", "")
	return created, waitFor(p.opts.Pace.poll(time.Second), "Reconciling to sync additional fields")
}

// updateSubnet leaves the status as it was stored: ACK does not refresh it here.
func updateSubnet(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	id := text(latest.status(), "subnetID")
	if changed.has("routeTables") {
		if err := p.syncRouteTables(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	spec := desired.spec()
	for field, in := range map[string]func(*bool) cloud.SubnetAttributes{
		"mapPublicIPOnLaunch":             func(b *bool) cloud.SubnetAttributes { return cloud.SubnetAttributes{MapPublicIPOnLaunch: b} },
		"assignIPv6AddressOnCreation":     func(b *bool) cloud.SubnetAttributes { return cloud.SubnetAttributes{AssignIPv6OnCreation: b} },
		"enableDNS64":                     func(b *bool) cloud.SubnetAttributes { return cloud.SubnetAttributes{DNS64: b} },
		"enableResourceNameDNSARecord":    func(b *bool) cloud.SubnetAttributes { return cloud.SubnetAttributes{ResourceNameARecord: b} },
		"enableResourceNameDNSAAAARecord": func(b *bool) cloud.SubnetAttributes { return cloud.SubnetAttributes{ResourceNameAAAARecord: b} },
	} {
		if !changed.has(field) {
			continue
		}
		value := truth(spec, field) // unset means false
		if err := p.aws.ModifySubnetAttribute(ctx, id, in(&value)); err != nil {
			return nil, err
		}
	}
	if changed.has("hostnameType") {
		if err := p.aws.ModifySubnetAttribute(ctx, id, cloud.SubnetAttributes{HostnameType: textPtr(spec, "hostnameType")}); err != nil {
			return nil, err
		}
	}
	return desired.copy(), nil
}

// syncRouteTables leaves the old table before it takes the new one; in between the subnet uses the main table.
func (p *pass) syncRouteTables(ctx context.Context, id string, desired, latest *object) error {
	want, have := texts(desired.spec(), "routeTables"), texts(latest.spec(), "routeTables")
	for _, table := range missing(have, want) {
		if err := p.aws.DisassociateRouteTable(ctx, table, id); err != nil {
			return err
		}
	}
	for _, table := range missing(want, have) {
		if _, err := p.aws.AssociateRouteTable(ctx, table, id); err != nil {
			return err
		}
	}
	return nil
}
