package build

import (
	ec2 "github.com/aws-controllers-k8s/ec2-controller/apis/v1alpha1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/graph"
)

const anywhere = "0.0.0.0/0"

// network adds the VPC, its way out, and each zone's subnets with their routes.
func (a *assembly) network() {
	a.vpc()
	a.internetGateway()
	a.routeTable(NodePublicRoutes, func(n *graph.NodeBuilder) *ec2.CreateRouteInput {
		return &ec2.CreateRouteInput{
			DestinationCIDRBlock: new(anywhere), GatewayID: new(n.Value(NodeInternetGateway, ack.OutputID)),
		}
	})
	a.routeTable(NodeDatabaseRoutes, nil)
	for i, z := range a.zones {
		if i == 0 || a.spec.Network.NATGateways != v1.NATGatewaySingle {
			a.natGateway(z.name)
		}
		a.appRoutes(z.name)
		// Only public subnets give addresses out: an elastic one cannot be attached to an instance through ACK, so that
		// the bastion has no other way to one.
		a.subnet(subnet{tier: tierPublic, zone: z.name, cidr: z.public, routes: NodePublicRoutes, publicIP: true})
		a.subnet(subnet{tier: tierApp, zone: z.name, cidr: z.app, routes: AppRoutesNode(z.name)})
		a.subnet(subnet{tier: tierDatabase, zone: z.name, cidr: z.database, routes: NodeDatabaseRoutes})
	}
}

func (a *assembly) vpc() {
	n := a.Node(NodeVPC, v1.ComponentNetwork)
	a.set(n, ack.VPC, &ec2.VPC{Spec: ec2.VPCSpec{
		CIDRBlocks:       []*string{new(a.spec.Network.CIDR)},
		EnableDNSSupport: new(true), EnableDNSHostnames: new(true),
		Tags: a.ec2Tags(n),
	}})
}

func (a *assembly) internetGateway() {
	n := a.Node(NodeInternetGateway, v1.ComponentNetwork)
	a.set(n, ack.InternetGateway, &ec2.InternetGateway{Spec: ec2.InternetGatewaySpec{
		VPC: new(n.Value(NodeVPC, ack.OutputID)), Tags: a.ec2Tags(n),
	}})
}

// natZone is the zone through whose gateway a zone's traffic leaves: its own, or the first where there is one gateway.
func (a *assembly) natZone(zone string) string {
	if a.spec.Network.NATGateways == v1.NATGatewaySingle {
		return a.zones[0].name
	}
	return zone
}

func (a *assembly) natGateway(zone string) {
	address := a.Node(ElasticIPNode(zone), v1.ComponentNetwork)
	a.set(address, ack.ElasticIPAddress, &ec2.ElasticIPAddress{Spec: ec2.ElasticIPAddressSpec{Tags: a.ec2Tags(address)}})

	n := a.Node(NATGatewayNode(zone), v1.ComponentNetwork)
	a.set(n, ack.NATGateway, &ec2.NATGateway{Spec: ec2.NATGatewaySpec{
		SubnetID:         new(n.Value(SubnetNode(tierPublic, zone), ack.OutputID)),
		AllocationID:     new(n.Value(ElasticIPNode(zone), ack.OutputID)),
		ConnectivityType: new("public"),
		Tags:             a.ec2Tags(n),
	}})
}

// appRoutes adds a zone's app route table. The gateway publishes its id only when it is available, so the table is
// complete from its first apply: ACK leaks a table for each try with a route that AWS refuses.
func (a *assembly) appRoutes(zone string) {
	a.routeTable(AppRoutesNode(zone), func(n *graph.NodeBuilder) *ec2.CreateRouteInput {
		return &ec2.CreateRouteInput{
			DestinationCIDRBlock: new(anywhere),
			NATGatewayID:         new(n.Value(NATGatewayNode(a.natZone(zone)), ack.OutputID)),
		}
	})
}

// routeTable adds a table with at most one route, the one out.
func (a *assembly) routeTable(node string, out func(*graph.NodeBuilder) *ec2.CreateRouteInput) {
	n := a.Node(node, v1.ComponentNetwork)
	spec := ec2.RouteTableSpec{VPCID: new(n.Value(NodeVPC, ack.OutputID)), Tags: a.ec2Tags(n)}
	if out != nil {
		spec.Routes = []*ec2.CreateRouteInput{out(n)}
	}
	a.set(n, ack.RouteTable, &ec2.RouteTable{Spec: spec})
}

// subnet is what tells one subnet from another.
type subnet struct {
	tier, zone, cidr, routes string
	publicIP                 bool
}

// subnet adds a subnet. Every switch is spelled out: ACK calls AWS in each of its passes for one that is not.
func (a *assembly) subnet(s subnet) {
	n := a.Node(SubnetNode(s.tier, s.zone), v1.ComponentNetwork)
	a.set(n, ack.Subnet, &ec2.Subnet{Spec: ec2.SubnetSpec{
		VPCID:            new(n.Value(NodeVPC, ack.OutputID)),
		AvailabilityZone: new(s.zone),
		CIDRBlock:        new(s.cidr),
		RouteTables:      []*string{new(n.Value(s.routes, ack.OutputID))},

		MapPublicIPOnLaunch:             new(s.publicIP),
		AssignIPv6AddressOnCreation:     new(false),
		EnableDNS64:                     new(false),
		EnableResourceNameDNSARecord:    new(false),
		EnableResourceNameDNSAAAARecord: new(false),

		Tags: a.ec2Tags(n),
	}})
}

func (a *assembly) ec2Tags(n *graph.NodeBuilder) []*ec2.Tag {
	return tagList(a, n.ID(), func(key, value string) *ec2.Tag { return &ec2.Tag{Key: &key, Value: &value} })
}
