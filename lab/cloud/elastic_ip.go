package cloud

import "context"

// ElasticIP is a public address that belongs to the account until it is released.
type ElasticIP struct {
	Meta
	AllocationID, PublicIP string
	NetworkBorderGroup     string
	PublicIPv4Pool         string
	// UsedBy is the NAT gateway that holds it, or empty.
	UsedBy string
}

func (a *ElasticIP) object() Object { return Object{ID: a.AllocationID} }

// AllocateAddress takes a public address.
func (c *Client) AllocateAddress(ctx context.Context, tags Tags) (ElasticIP, error) {
	return call(ctx, c, "ec2:AllocateAddress", func(t *tx) (ElasticIP, error) {
		limit := t.cloud.quotas.ElasticIPs
		if limit > 0 && countIn(t.db.addresses, t.caller.Region) >= limit {
			return ElasticIP{}, refuse("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		if err := checkTags(tags); err != nil {
			return ElasticIP{}, err
		}
		a := &ElasticIP{
			Meta: t.meta(tags), AllocationID: t.newID("eipalloc"), PublicIP: t.publicAddress(),
			NetworkBorderGroup: t.caller.Region, PublicIPv4Pool: "amazon",
		}
		t.db.addresses[a.AllocationID] = a
		t.emit(KindElasticIP, Created, a.AllocationID, a.Meta)
		return *a, nil
	})
}

func (t *tx) address(id string) (*ElasticIP, error) {
	a, ok := t.db.addresses[id]
	if !ok || a.Region != t.caller.Region {
		return nil, refuse("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
	}
	return a, nil
}

// DescribeAddress reads one address.
func (c *Client) DescribeAddress(ctx context.Context, id string) (ElasticIP, error) {
	return call(ctx, c, "ec2:DescribeAddresses", func(t *tx) (ElasticIP, error) {
		a, err := t.address(id)
		if err != nil {
			return ElasticIP{}, err
		}
		return *a, nil
	})
}

// ReleaseAddress gives an address back that nothing uses.
func (c *Client) ReleaseAddress(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:ReleaseAddress", func(t *tx) error {
		a, err := t.address(id)
		if err != nil {
			return err
		}
		if a.UsedBy != "" {
			return refuse("InvalidIPAddress.InUse", "Address %s is in use.", a.PublicIP)
		}
		delete(t.db.addresses, id)
		t.emit(KindElasticIP, Deleted, id, a.Meta)
		return nil
	})
}

// ElasticIPs lists all allocated addresses.
func (c *Cloud) ElasticIPs() []ElasticIP {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.addresses, nil)
}
