package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// routeTableKind is ec2 RouteTable. Routes are made within the create: a route that AWS refuses leaves the table behind, and
// the next try makes another. Routes that the spec does not have are deleted; a changed route is deleted, then created.
func routeTableKind() *kind {
	return &kind{
		name: "RouteTable", service: "ec2",
		references: []reference{
			{from: "vpcRef", into: "vpcID", kind: "VPC", value: "status.vpcID"},
			{from: "routes[].gatewayRef", into: "gatewayID", kind: "InternetGateway", value: "status.internetGatewayID"},
			{from: "routes[].natGatewayRef", into: "natGatewayID", kind: "NATGateway", value: "status.natGatewayID"},
		},
		compared: []comparison{{"routes", differentRoutes}, tagged()},
		identify: func(o *object, f map[string]string) { put(o.status(), "routeTableID", f["routeTableID"]) },
		read:     readRouteTable, create: createRouteTable, update: updateRouteTable,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteRouteTable(ctx, text(latest.status(), "routeTableID"))
		},
	}
}

// routesOf reads spec.routes; local routes are AWS's own.
func routesOf(value any) []cloud.Route {
	var routes []cloud.Route
	for _, r := range trees(tree{"x": value}, "x") {
		if text(r, "gatewayID") == "local" {
			continue
		}
		routes = append(routes, cloud.Route{
			Destination: text(r, "destinationCIDRBlock"), GatewayID: text(r, "gatewayID"), NATGatewayID: text(r, "natGatewayID"),
		})
	}
	return routes
}

func differentRoutes(a, b any) bool {
	add, remove := changesBetween(routesOf(a), routesOf(b))
	return len(add)+len(remove) > 0
}

func readRouteTable(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "routeTableID")
	if id == "" {
		return nil, errNotFound
	}
	r, err := p.aws.DescribeRouteTable(ctx, id)
	if err != nil {
		return nil, err
	}
	latest := desired.copy()
	p.showRouteTable(latest, r)
	if differentRoutes(desired.spec()["routes"], routeSpecs(r.Routes)) {
		put(latest.spec(), "routes", routeSpecs(r.Routes))
	}
	return latest, nil
}

func routeSpecs(routes []cloud.Route) []any {
	var out []any
	for _, r := range routes {
		if r.GatewayID == "local" {
			continue
		}
		route := tree{"destinationCIDRBlock": r.Destination}
		put(route, "gatewayID", r.GatewayID)
		put(route, "natGatewayID", r.NATGatewayID)
		out = append(out, route)
	}
	return out
}

func (p *pass) showRouteTable(o *object, r cloud.RouteTable) {
	p.showTags(o, r.Tags)
	status := o.status()
	status["routeTableID"], status["ownerID"] = r.ID, p.account
	status["routeStatuses"] = list(r.Routes, func(route cloud.Route) any {
		shown := tree{"destinationCIDRBlock": route.Destination, "origin": route.Origin, "state": route.State}
		put(shown, "gatewayID", route.GatewayID)
		put(shown, "natGatewayID", route.NATGatewayID)
		return shown
	})
	put(status, "associations", list(r.Associations, func(a cloud.Association) any {
		shown := tree{
			"routeTableAssociationID": a.ID, "routeTableID": r.ID, "main": a.Main,
			"associationState": tree{"state": "associated"},
		}
		put(shown, "subnetID", a.SubnetID)
		return shown
	}))
}

func createRouteTable(ctx context.Context, p *pass, desired *object) (*object, error) {
	r, err := p.aws.CreateRouteTable(ctx, text(desired.spec(), "vpcID"), p.createTags(desired))
	if err != nil {
		return nil, err
	}
	for _, route := range routesOf(desired.spec()["routes"]) {
		if err := p.aws.CreateRoute(ctx, r.ID, route); err != nil {
			return nil, err
		}
	}
	created := desired.copy()
	p.showRouteTable(created, r)
	return created, nil
}

func updateRouteTable(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	id := text(latest.status(), "routeTableID")
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	if !changed.has("routes") {
		return updated, nil
	}
	add, remove := changesBetween(routesOf(desired.spec()["routes"]), routesOf(latest.spec()["routes"]))
	for _, route := range remove {
		if err := p.aws.DeleteRoute(ctx, id, route.Destination); err != nil {
			return nil, err
		}
	}
	for _, route := range add {
		if err := p.aws.CreateRoute(ctx, id, route); err != nil {
			return nil, err
		}
	}
	observed, err := readRouteTable(ctx, p, desired)
	if err != nil {
		return nil, err
	}
	updated.setStatus(observed)
	return updated, nil
}
