package network

import (
	"context"
	"testing"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

// account is what an operator makes of a stack, as far as a network is concerned: two zones, each with a public, an app and
// a database subnet and a NAT gateway of its own; a bastion, two app hosts, a load balancer, a database.
type account struct {
	*cloud.Client
	t     *testing.T
	cloud *cloud.Cloud

	vpc, gateway                               string
	public, app, data, nat, appTable           map[string]string // by zone
	balancerGroup, bastionGroup, appGroup, dbG string
	bastion                                    cloud.Instance
	hosts                                      map[string]cloud.Instance // by zone
	balancer                                   cloud.LoadBalancer
	database                                   cloud.DBInstance
}

const (
	anywhere      = "0.0.0.0/0"
	administrator = "203.0.113.7"
	stranger      = "198.51.100.9"
	zoneA, zoneB  = "us-east-2a", "us-east-2b"
)

func newAccount(t *testing.T) *account {
	t.Helper()
	c := cloud.New(cloud.Options{})
	t.Cleanup(c.Close)
	a := &account{
		Client: c.Client(cloud.Caller{Region: "us-east-2"}), t: t, cloud: c,
		public: map[string]string{}, app: map[string]string{}, data: map[string]string{}, nat: map[string]string{},
		appTable: map[string]string{}, hosts: map[string]cloud.Instance{},
	}
	a.network(t.Context())
	a.groups()
	a.machines(t.Context())
	return a
}

func (a *account) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) network(ctx context.Context) {
	t := a.t
	a.vpc = cloudtest.Must[cloud.VPC](t)(a.CreateVPC(ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"})).ID
	a.gateway = cloudtest.Must[cloud.InternetGateway](t)(a.CreateInternetGateway(ctx, nil)).ID
	a.ok(a.AttachInternetGateway(ctx, a.gateway, a.vpc))
	public, data := a.table(cloud.Route{Destination: anywhere, GatewayID: a.gateway}), a.table()
	for n, zone := range []string{zoneA, zoneB} {
		third := string('1' + rune(n))
		a.public[zone] = a.subnet(zone, "10.0."+third+".0/24", public)
		a.ok(a.ModifySubnetAttribute(ctx, a.public[zone], cloud.SubnetAttributes{MapPublicIPOnLaunch: new(true)}))
		a.data[zone] = a.subnet(zone, "10.0."+third+"00.0/24", data)
		address := cloudtest.Must[cloud.ElasticIP](t)(a.AllocateAddress(ctx, nil))
		a.nat[zone] = cloudtest.Must[cloud.NATGateway](t)(a.CreateNATGateway(ctx, cloud.CreateNATGatewayInput{
			SubnetID: a.public[zone], AllocationID: address.AllocationID,
		})).ID
		a.appTable[zone] = a.table(cloud.Route{Destination: anywhere, NATGatewayID: a.nat[zone]})
		a.app[zone] = a.subnet(zone, "10.0."+third+"0.0/24", a.appTable[zone])
	}
}

func (a *account) table(routes ...cloud.Route) string {
	table := cloudtest.Must[cloud.RouteTable](a.t)(a.CreateRouteTable(a.t.Context(), a.vpc, nil)).ID
	for _, r := range routes {
		a.ok(a.CreateRoute(a.t.Context(), table, r))
	}
	return table
}

func (a *account) subnet(zone, block, table string) string {
	in := cloud.CreateSubnetInput{VPCID: a.vpc, Zone: zone, CIDRBlock: block}
	id := cloudtest.Must[cloud.Subnet](a.t)(a.CreateSubnet(a.t.Context(), in)).ID
	cloudtest.Must[cloud.Association](a.t)(a.AssociateRouteTable(a.t.Context(), table, id))
	return id
}

// tcpTo is a rule for one TCP port and a network or group.
func tcpTo(port int, peer string) cloud.Rule {
	r := cloud.Rule{Protocol: "tcp", FromPort: port, ToPort: port, CIDR: peer}
	if len(peer) > 3 && peer[:3] == "sg-" {
		r.CIDR, r.GroupID = "", peer
	}
	return r
}

// groups makes those of internal/build, with its rules.
func (a *account) groups() {
	appNetworks, dataNetworks := []string{"10.0.10.0/24", "10.0.20.0/24"}, []string{"10.0.100.0/24", "10.0.200.0/24"}
	a.balancerGroup = a.group("balancer", []cloud.Rule{tcpTo(80, anywhere), tcpTo(443, anywhere)},
		[]cloud.Rule{tcpTo(8080, appNetworks[0]), tcpTo(8080, appNetworks[1])})
	a.bastionGroup = a.group("bastion", []cloud.Rule{tcpTo(22, administrator+"/32")}, []cloud.Rule{
		tcpTo(22, appNetworks[0]), tcpTo(22, appNetworks[1]), tcpTo(80, anywhere), tcpTo(443, anywhere),
		tcpTo(3306, dataNetworks[0]), tcpTo(3306, dataNetworks[1]),
	})
	a.appGroup = a.group("app", []cloud.Rule{tcpTo(22, a.bastionGroup), tcpTo(8080, a.balancerGroup)}, []cloud.Rule{
		tcpTo(80, anywhere), tcpTo(443, anywhere), tcpTo(3306, dataNetworks[0]), tcpTo(3306, dataNetworks[1]),
	})
	a.dbG = a.group("database", []cloud.Rule{tcpTo(3306, a.appGroup), tcpTo(3306, a.bastionGroup)}, nil)
}

func (a *account) group(name string, in, out []cloud.Rule) string {
	ctx := a.t.Context()
	id := cloudtest.Must[cloud.SecurityGroup](a.t)(a.CreateSecurityGroup(ctx, cloud.CreateSecurityGroupInput{
		Name: name, Description: name, VPCID: a.vpc,
	})).ID
	a.ok(a.RevokeSecurityGroup(ctx, id, true, []cloud.Rule{{Protocol: "-1", FromPort: -1, ToPort: -1, CIDR: anywhere}}))
	a.ok(a.AuthorizeSecurityGroup(ctx, id, false, in))
	a.ok(a.AuthorizeSecurityGroup(ctx, id, true, out))
	return id
}

func (a *account) machines(ctx context.Context) {
	t := a.t
	a.bastion = a.instance(a.public[zoneA], a.bastionGroup)
	for _, zone := range []string{zoneA, zoneB} {
		a.hosts[zone] = a.instance(a.app[zone], a.appGroup)
	}
	a.balancer = cloudtest.Must[cloud.LoadBalancer](t)(a.CreateLoadBalancer(ctx, cloud.CreateLoadBalancerInput{
		Name: "alb", SubnetIDs: []string{a.public[zoneA], a.public[zoneB]}, Groups: []string{a.balancerGroup},
	}))
	cloudtest.Must[cloud.DBSubnetGroup](t)(a.CreateDBSubnetGroup(ctx, "data", "data", []string{a.data[zoneA], a.data[zoneB]}, nil))
	a.database = cloudtest.Must[cloud.DBInstance](t)(a.CreateDBInstance(ctx, cloud.CreateDBInstanceInput{
		Identifier: "db", Class: "db.t3.micro", Engine: "mysql", EngineVersion: "8.4", StorageGiB: 20, MasterUsername: "umsadmin",
		ManageMasterPassword: true, SubnetGroup: "data", Groups: []string{a.dbG},
	}))
}

func (a *account) instance(subnet string, groups ...string) cloud.Instance {
	return cloudtest.Must[cloud.Instance](a.t)(a.RunInstance(a.t.Context(), cloud.RunInstanceInput{
		ImageID: "ami-0123456789abcdef0", InstanceType: "t3.micro", SubnetID: subnet, Groups: groups,
	}))
}

// interfaceOf is the interface of a load balancer or database in a subnet.
func (a *account) interfaceOf(of cloud.Kind, subnet string) cloud.NetworkInterface {
	for _, n := range a.cloud.NetworkInterfaces() {
		if n.Of == of && n.SubnetID == subnet {
			return n
		}
	}
	a.t.Fatalf("no %s in %s", of, subnet)
	return cloud.NetworkInterface{}
}
