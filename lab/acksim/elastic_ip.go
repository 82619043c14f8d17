package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// elasticIPKind is ec2 ElasticIPAddress. Only its tags can be changed.
func elasticIPKind() *kind {
	return &kind{
		name: "ElasticIPAddress", plural: "elasticipaddresses", service: "ec2",
		terminal: []string{"InvalidParameterCombination", "InvalidParameterValue"},
		compared: []comparison{tagged()},
		identify: func(o *object, f map[string]string) { put(o.status(), "allocationID", f["allocationID"]) },
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			id := text(desired.status(), "allocationID")
			if id == "" {
				return nil, errNotFound
			}
			a, err := p.aws.DescribeAddress(ctx, id)
			if err != nil {
				return nil, err
			}
			return p.showElasticIP(desired.copy(), a), nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			a, err := p.aws.AllocateAddress(ctx, p.createTags(desired))
			if err != nil {
				return nil, err
			}
			return p.showElasticIP(desired.copy(), a), nil
		},
		update: func(ctx context.Context, p *pass, desired, latest *object, _ delta) (*object, error) {
			updated := desired.copy()
			updated.setStatus(latest)
			return updated, p.syncTags(ctx, text(latest.status(), "allocationID"), desired, latest)
		},
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.ReleaseAddress(ctx, text(latest.status(), "allocationID"))
		},
	}
}

func (p *pass) showElasticIP(o *object, a cloud.ElasticIP) *object {
	put(o.spec(), "networkBorderGroup", a.NetworkBorderGroup)
	put(o.spec(), "publicIPv4Pool", a.PublicIPv4Pool)
	p.showTags(o, a.Tags)
	o.status()["allocationID"], o.status()["publicIP"] = a.AllocationID, a.PublicIP
	return o
}
