package cloud

import (
	"context"
	"net/netip"
	"slices"
)

// Route is one route of a table. Exactly one of GatewayID ("local" or an internet gateway) and NATGatewayID is set.
type Route struct {
	Destination             string
	GatewayID, NATGatewayID string
	Origin                  string // CreateRouteTable, CreateRoute
	State                   string // active, blackhole
}

// Association ties a subnet to a route table.
type Association struct {
	ID, SubnetID string
	Main         bool
}

// RouteTable says where a subnet's traffic goes.
type RouteTable struct {
	Meta
	ID, VPCID    string
	Main         bool
	Routes       []Route
	Associations []Association
}

func (r *RouteTable) object() Object { return Object{ID: r.ID, Implicit: r.Main} }

func (t *tx) addRouteTable(v *VPC, tags Tags, main bool) *RouteTable {
	r := &RouteTable{Meta: t.meta(tags), ID: t.newID("rtb"), VPCID: v.ID, Main: main}
	for _, block := range v.CIDRBlocks {
		r.Routes = append(r.Routes, Route{Destination: block, GatewayID: "local", Origin: "CreateRouteTable", State: "active"})
	}
	if main {
		r.Associations = []Association{{ID: t.newID("rtbassoc"), Main: true}}
	}
	t.db.routeTables[r.ID] = r
	t.emit(KindRouteTable, Created, r.ID, r.Meta)
	return r
}

// CreateRouteTable makes a table with only the local route.
func (c *Client) CreateRouteTable(ctx context.Context, vpcID string, tags Tags) (RouteTable, error) {
	return call(ctx, c, "ec2:CreateRouteTable", func(t *tx) (RouteTable, error) {
		v, err := t.vpc(vpcID)
		if err != nil {
			return RouteTable{}, err
		}
		if err := checkTags(tags); err != nil {
			return RouteTable{}, err
		}
		return *t.addRouteTable(v, tags, false), nil
	})
}

func (t *tx) routeTable(id string) (*RouteTable, error) {
	r, ok := t.db.routeTables[id]
	if !ok || r.Region != t.caller.Region {
		return nil, refuse("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", id)
	}
	return r, nil
}

// seen is the table as Describe shows it: routes to what is gone are black holes.
func (t *tx) seen(r *RouteTable) RouteTable {
	shown := *r
	shown.Routes = slices.Clone(r.Routes)
	for i := range shown.Routes {
		if !t.routeLeads(shown.Routes[i], r.VPCID) {
			shown.Routes[i].State = "blackhole"
		}
	}
	return shown
}

func (t *tx) routeLeads(route Route, vpcID string) bool {
	if route.NATGatewayID != "" {
		n := t.db.natGateways[route.NATGatewayID]
		return n != nil && n.State == "available"
	}
	g := t.db.gateways[route.GatewayID]
	return route.GatewayID == "local" || g != nil && g.VPCID == vpcID
}

// DescribeRouteTable reads one table.
func (c *Client) DescribeRouteTable(ctx context.Context, id string) (RouteTable, error) {
	return call(ctx, c, "ec2:DescribeRouteTables", func(t *tx) (RouteTable, error) {
		r, err := t.routeTable(id)
		if err != nil {
			return RouteTable{}, err
		}
		return t.seen(r), nil
	})
}

// SubnetRouteTables lists the ids of the tables explicitly associated with a subnet: none or one.
func (c *Client) SubnetRouteTables(ctx context.Context, subnetID string) ([]string, error) {
	return call(ctx, c, "ec2:DescribeRouteTables", func(t *tx) ([]string, error) {
		var ids []string
		for _, r := range t.db.routeTables {
			if slices.ContainsFunc(r.Associations, func(a Association) bool { return a.SubnetID == subnetID }) {
				ids = append(ids, r.ID)
			}
		}
		return ids, nil
	})
}

// CreateRoute adds a route to an internet gateway of the same VPC or to an available NAT gateway.
func (c *Client) CreateRoute(ctx context.Context, id string, route Route) error {
	return do(ctx, c, "ec2:CreateRoute", func(t *tx) error {
		r, err := t.routeTable(id)
		if err != nil {
			return err
		}
		if err := t.checkRoute(r, route); err != nil {
			return err
		}
		route.Origin, route.State = "CreateRoute", "active"
		r.Routes = append(slices.Clip(r.Routes), route)
		t.emit(KindRouteTable, Changed, id, r.Meta)
		return nil
	})
}

func (t *tx) checkRoute(r *RouteTable, route Route) error {
	prefix, err := netip.ParsePrefix(route.Destination)
	if err != nil || prefix.Masked() != prefix {
		return refuse("InvalidParameterValue", "Value (%s) for parameter destinationCidrBlock is invalid. "+
			"This is not a valid CIDR block.", route.Destination)
	}
	if slices.ContainsFunc(r.Routes, func(other Route) bool { return other.Destination == route.Destination }) {
		return refuse("RouteAlreadyExists", "The route identified by %s already exists.", route.Destination)
	}
	switch {
	case route.NATGatewayID != "" && route.GatewayID != "":
		return refuse("InvalidParameterCombination", "Only one of gatewayId and natGatewayId may be specified")
	case route.NATGatewayID != "":
		return t.checkNATTarget(r, route.NATGatewayID)
	case route.GatewayID != "":
		return t.checkGatewayTarget(r, route.GatewayID)
	default:
		return refuse("MissingParameter", "The request must contain exactly one target of the route")
	}
}

func (t *tx) checkNATTarget(r *RouteTable, id string) error {
	n := t.db.natGateways[id]
	if n == nil || n.Region != r.Region || n.State != "available" {
		return refuse("InvalidNatGatewayID.NotFound", "The natGateway ID '%s' does not exist", id)
	}
	if n.VPCID != r.VPCID {
		return refuse("InvalidParameterValue", "route table %s and interface %s belong to different networks", r.ID, n.InterfaceID)
	}
	return nil
}

func (t *tx) checkGatewayTarget(r *RouteTable, id string) error {
	g := t.db.gateways[id]
	if g == nil || g.Region != r.Region {
		return refuse("InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist", id)
	}
	if g.VPCID != r.VPCID {
		return refuse("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", r.ID, g.ID)
	}
	return nil
}

// DeleteRoute takes a route away.
func (c *Client) DeleteRoute(ctx context.Context, id, destination string) error {
	return do(ctx, c, "ec2:DeleteRoute", func(t *tx) error {
		r, err := t.routeTable(id)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(r.Routes, func(route Route) bool { return route.Destination == destination })
		if at < 0 {
			return refuse("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", destination, id)
		}
		if r.Routes[at].GatewayID == "local" {
			return refuse("InvalidParameterValue", "cannot remove local route %s in route table %s", destination, id)
		}
		r.Routes = slices.Delete(slices.Clone(r.Routes), at, at+1)
		t.emit(KindRouteTable, Changed, id, r.Meta)
		return nil
	})
}

// AssociateRouteTable makes a subnet use a table; the subnet must not use another one explicitly.
func (c *Client) AssociateRouteTable(ctx context.Context, id, subnetID string) (Association, error) {
	return call(ctx, c, "ec2:AssociateRouteTable", func(t *tx) (Association, error) {
		r, err := t.routeTable(id)
		if err != nil {
			return Association{}, err
		}
		s, err := t.subnet(subnetID)
		if err != nil {
			return Association{}, err
		}
		if s.VPCID != r.VPCID {
			return Association{}, refuse("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", id, subnetID)
		}
		if holder, _ := t.associationOf(subnetID); holder != nil {
			return Association{}, refuse("Resource.AlreadyAssociated", "the specified association for route table %s "+
				"conflicts with an existing association", id)
		}
		a := Association{ID: t.newID("rtbassoc"), SubnetID: subnetID}
		r.Associations = append(slices.Clip(r.Associations), a)
		t.emit(KindRouteTable, Changed, id, r.Meta)
		return a, nil
	})
}

func (t *tx) associationOf(subnetID string) (*RouteTable, Association) {
	for _, r := range t.db.routeTables {
		for _, a := range r.Associations {
			if a.SubnetID == subnetID {
				return r, a
			}
		}
	}
	return nil, Association{}
}

func (t *tx) dropAssociation(subnetID string) {
	if r, a := t.associationOf(subnetID); r != nil {
		r.Associations = without(r.Associations, a)
		t.emit(KindRouteTable, Changed, r.ID, r.Meta)
	}
}

// DisassociateRouteTable gives a subnet back to the main table.
func (c *Client) DisassociateRouteTable(ctx context.Context, id, subnetID string) error {
	return do(ctx, c, "ec2:DisassociateRouteTable", func(t *tx) error {
		r, err := t.routeTable(id)
		if err != nil {
			return err
		}
		if holder, _ := t.associationOf(subnetID); holder != r {
			return refuse("InvalidAssociationID.NotFound", "The association of subnet %s with %s does not exist", subnetID, id)
		}
		t.dropAssociation(subnetID)
		return nil
	})
}

// DeleteRouteTable deletes a table that no subnet uses.
func (c *Client) DeleteRouteTable(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:DeleteRouteTable", func(t *tx) error {
		r, err := t.routeTable(id)
		if err != nil {
			return err
		}
		if r.Main || len(r.Associations) > 0 {
			return refuse("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", id)
		}
		delete(t.db.routeTables, id)
		t.emit(KindRouteTable, Deleted, id, r.Meta)
		return nil
	})
}

// RouteTables lists all route tables as Describe shows them.
func (c *Cloud) RouteTables() []RouteTable {
	c.mu.Lock()
	defer c.mu.Unlock()
	tables := list(c.db.routeTables, nil)
	t := c.begin(Caller{})
	for i := range tables {
		tables[i] = t.seen(&tables[i])
	}
	return tables
}
