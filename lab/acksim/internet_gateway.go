package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// internetGatewayKind is ec2 InternetGateway. It is attached within the create: if that fails, the gateway stays behind in
// AWS and the next try makes another.
func internetGatewayKind() *kind {
	return &kind{
		name: "InternetGateway", service: "ec2",
		references: []reference{{from: "vpcRef", into: "vpc", kind: "VPC", value: "status.vpcID"}},
		compared:   append(fields("vpc"), tagged()),
		identify:   func(o *object, f map[string]string) { put(o.status(), "internetGatewayID", f["internetGatewayID"]) },
		read:       readInternetGateway, create: createInternetGateway, update: updateInternetGateway,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			id, vpc := text(latest.status(), "internetGatewayID"), text(latest.spec(), "vpc")
			if vpc != "" {
				if err := p.aws.DetachInternetGateway(ctx, id, vpc); err != nil {
					return err
				}
			}
			return p.aws.DeleteInternetGateway(ctx, id)
		},
	}
}

func readInternetGateway(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "internetGatewayID")
	if id == "" {
		return nil, errNotFound
	}
	g, err := p.aws.DescribeInternetGateway(ctx, id)
	if err != nil {
		return nil, err
	}
	latest := desired.copy()
	put(latest.spec(), "vpc", g.VPCID)
	p.showInternetGateway(latest, g)
	return latest, nil
}

func (p *pass) showInternetGateway(o *object, g cloud.InternetGateway) {
	p.showTags(o, g.Tags)
	o.status()["internetGatewayID"], o.status()["ownerID"] = g.ID, p.account
	var attachments []any
	if g.VPCID != "" {
		attachments = []any{tree{"state": "available", "vpcID": g.VPCID}}
	}
	put(o.status(), "attachments", attachments)
}

func createInternetGateway(ctx context.Context, p *pass, desired *object) (*object, error) {
	g, err := p.aws.CreateInternetGateway(ctx, p.createTags(desired))
	if err != nil {
		return nil, err
	}
	if vpc := text(desired.spec(), "vpc"); vpc != "" {
		if err := p.aws.AttachInternetGateway(ctx, g.ID, vpc); err != nil {
			return nil, err
		}
	}
	created := desired.copy()
	p.showInternetGateway(created, g)
	return created, nil
}

func updateInternetGateway(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	id := text(latest.status(), "internetGatewayID")
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("vpc") {
		if err := p.moveInternetGateway(ctx, updated, text(latest.spec(), "vpc"), text(desired.spec(), "vpc")); err != nil {
			return nil, err
		}
	}
	if changed.has("tags") {
		return updated, p.syncTags(ctx, id, desired, latest)
	}
	return updated, nil
}

func (p *pass) moveInternetGateway(ctx context.Context, o *object, from, to string) error {
	id := text(o.status(), "internetGatewayID")
	if from != "" {
		if err := p.aws.DetachInternetGateway(ctx, id, from); err != nil {
			return err
		}
	}
	if to == "" {
		return nil
	}
	if err := p.aws.AttachInternetGateway(ctx, id, to); err != nil {
		return err
	}
	put(o.status(), "attachments", []any{tree{"state": "available", "vpcID": to}})
	return nil
}
