package cloud

import "context"

// InternetGateway connects one VPC with the internet.
type InternetGateway struct {
	Meta
	ID string
	// VPCID is empty while detached.
	VPCID string
}

func (g *InternetGateway) object() Object { return Object{ID: g.ID} }

// CreateInternetGateway makes a detached gateway.
func (c *Client) CreateInternetGateway(ctx context.Context, tags Tags) (InternetGateway, error) {
	return call(ctx, c, "ec2:CreateInternetGateway", func(t *tx) (InternetGateway, error) {
		limit := t.cloud.quotas.InternetGateways
		if limit > 0 && countIn(t.db.gateways, t.caller.Region) >= limit {
			return InternetGateway{}, refuse("InternetGatewayLimitExceeded",
				"The maximum number of internet gateways has been reached.")
		}
		if err := checkTags(tags); err != nil {
			return InternetGateway{}, err
		}
		g := &InternetGateway{Meta: t.meta(tags), ID: t.newID("igw")}
		t.db.gateways[g.ID] = g
		t.emit(KindInternetGateway, Created, g.ID, g.Meta)
		return *g, nil
	})
}

func (t *tx) gateway(id string) (*InternetGateway, error) {
	g, ok := t.db.gateways[id]
	if !ok || g.Region != t.caller.Region {
		return nil, refuse("InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", id)
	}
	return g, nil
}

// gatewayOf finds the gateway that is attached to a VPC.
func (t *tx) gatewayOf(vpcID string) *InternetGateway {
	for _, g := range t.db.gateways {
		if g.VPCID == vpcID {
			return g
		}
	}
	return nil
}

// AttachInternetGateway attaches a gateway to a VPC that has none.
func (c *Client) AttachInternetGateway(ctx context.Context, id, vpcID string) error {
	return do(ctx, c, "ec2:AttachInternetGateway", func(t *tx) error {
		g, err := t.gateway(id)
		if err != nil {
			return err
		}
		if _, err := t.vpc(vpcID); err != nil {
			return err
		}
		if g.VPCID != "" {
			return refuse("Resource.AlreadyAssociated", "resource %s is already attached to network %s", id, g.VPCID)
		}
		if t.gatewayOf(vpcID) != nil {
			return refuse("InvalidParameterValue", "Network %s already has an internet gateway attached", vpcID)
		}
		g.VPCID = vpcID
		t.emit(KindInternetGateway, Changed, id, g.Meta)
		return nil
	})
}

// DetachInternetGateway detaches a gateway once nothing in the VPC has a public address.
func (c *Client) DetachInternetGateway(ctx context.Context, id, vpcID string) error {
	return do(ctx, c, "ec2:DetachInternetGateway", func(t *tx) error {
		g, err := t.gateway(id)
		if err != nil {
			return err
		}
		if _, err := t.vpc(vpcID); err != nil {
			return err
		}
		if g.VPCID != vpcID {
			return refuse("Gateway.NotAttached", "resource %s is not attached to network %s", id, vpcID)
		}
		for _, n := range t.db.interfaces {
			if n.VPCID == vpcID && n.PublicIP != "" {
				return refuse("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those "+
					"public address(es) before detaching the gateway.", vpcID)
			}
		}
		g.VPCID = ""
		t.emit(KindInternetGateway, Changed, id, g.Meta)
		return nil
	})
}

// DescribeInternetGateway reads one gateway.
func (c *Client) DescribeInternetGateway(ctx context.Context, id string) (InternetGateway, error) {
	return call(ctx, c, "ec2:DescribeInternetGateways", func(t *tx) (InternetGateway, error) {
		g, err := t.gateway(id)
		if err != nil {
			return InternetGateway{}, err
		}
		return *g, nil
	})
}

// DeleteInternetGateway deletes a detached gateway.
func (c *Client) DeleteInternetGateway(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:DeleteInternetGateway", func(t *tx) error {
		g, err := t.gateway(id)
		if err != nil {
			return err
		}
		if g.VPCID != "" {
			return refuse("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", id)
		}
		delete(t.db.gateways, id)
		t.emit(KindInternetGateway, Deleted, id, g.Meta)
		return nil
	})
}

// InternetGateways lists all internet gateways.
func (c *Cloud) InternetGateways() []InternetGateway {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.gateways, nil)
}
