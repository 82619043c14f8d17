package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// dbSubnetGroupKind is rds DBSubnetGroup, known by its name.
func dbSubnetGroupKind() *kind {
	return &kind{
		name: "DBSubnetGroup", service: "rds",
		terminal:   []string{"DBSubnetGroupDoesNotCoverEnoughAZs", "InvalidSubnet", "InvalidParameter", "SubnetAlreadyInUse"},
		gone:       []string{"DBSubnetGroupNotFoundFault"},
		references: []reference{{from: "subnetRefs[]", into: "subnetIDs", kind: "Subnet", value: "status.subnetID"}},
		compared:   append(fields("description", "name"), comparison{"subnetIDs", asSet}, tagged()),
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			g, err := p.aws.DescribeDBSubnetGroup(ctx, text(desired.spec(), "name"))
			if err != nil {
				return nil, err
			}
			latest := p.showDBSubnetGroup(desired.copy(), g)
			put(latest.spec(), "subnetIDs", textList(g.SubnetIDs))
			return latest, nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			g, err := p.aws.CreateDBSubnetGroup(ctx, text(spec, "name"), text(spec, "description"), texts(spec, "subnetIDs"),
				p.createTags(desired))
			if err != nil {
				return nil, err
			}
			return p.showDBSubnetGroup(desired.copy(), g), nil
		},
		update: func(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
			spec := desired.spec()
			name := text(spec, "name")
			if changed.has("tags") {
				if err := p.syncTags(ctx, name, desired, latest); err != nil {
					return nil, err
				}
			}
			g, err := p.aws.ModifyDBSubnetGroup(ctx, name, text(spec, "description"), texts(spec, "subnetIDs"))
			if err != nil {
				return nil, err
			}
			updated := desired.copy()
			updated.setStatus(p.showDBSubnetGroup(latest.copy(), g))
			put(updated.spec(), "name", g.Name)
			return updated, nil
		},
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteDBSubnetGroup(ctx, text(latest.spec(), "name"))
		},
	}
}

func (p *pass) showDBSubnetGroup(o *object, g cloud.DBSubnetGroup) *object {
	p.showTags(o, g.Tags)
	o.spec()["name"], o.spec()["description"] = g.Name, g.Description
	o.setARN(g.ARN)
	status := o.status()
	status["subnetGroupStatus"], status["vpcID"] = g.Status, g.VPCID
	status["supportedNetworkTypes"] = []any{"IPV4"}
	status["subnets"] = list(g.SubnetIDs, func(id string) any {
		return tree{"subnetIdentifier": id, "subnetStatus": "Active"}
	})
	return o
}
