package build

import (
	ec2 "github.com/aws-controllers-k8s/ec2-controller/apis/v1alpha1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/hostcontract"
)

// The ports that anything in a stack listens on.
const (
	portSSH      = 22
	portHTTP     = 80
	portHTTPS    = 443
	portApp      = hostcontract.DefaultPort
	portDatabase = 3306
)

// securityGroups adds the groups. Rules that let something in name the group that it comes from; rules that let
// something out name the subnets it goes to. So no two groups need each other's id, and each is complete from its first
// apply. No rule out for DNS, time and instance metadata: AWS does not filter them.
func (a *assembly) securityGroups() {
	a.balancerGroup()
	if a.spec.Bastion.Enabled {
		a.bastionGroup()
	}
	a.appGroup()
	a.databaseGroup()
}

func (a *assembly) balancerGroup() {
	n := a.Node(NodeBalancerGroup, v1.ComponentSecurity)
	users := distinct(a.spec.Ingress.AllowedCIDRs)
	a.securityGroup(n, "Load balancer: HTTP and HTTPS from the allowed networks",
		[]*ec2.IPPermission{
			fromNetworks(portHTTP, users, "HTTP from allowed networks"),
			fromNetworks(portHTTPS, users, "HTTPS from allowed networks"),
		},
		[]*ec2.IPPermission{fromNetworks(portApp, a.appNetworks(), "to the app hosts")})
}

func (a *assembly) bastionGroup() {
	n := a.Node(NodeBastionGroup, v1.ComponentSecurity)
	a.securityGroup(n, "Bastion: SSH from the networks of administrators",
		[]*ec2.IPPermission{
			fromNetworks(portSSH, distinct(a.spec.Bastion.AllowedCIDRs), "SSH from administrators"),
		},
		[]*ec2.IPPermission{
			fromNetworks(portSSH, a.appNetworks(), "SSH to the app hosts"),
			fromNetworks(portHTTP, []string{anywhere}, "package updates"),
			fromNetworks(portHTTPS, []string{anywhere}, "package updates"),
			fromNetworks(portDatabase, a.databaseNetworks(), "tunnels to the database"),
		})
}

func (a *assembly) appGroup() {
	n := a.Node(NodeAppGroup, v1.ComponentSecurity)
	var in []*ec2.IPPermission
	if a.spec.Bastion.Enabled {
		in = append(in, fromGroups(portSSH, group(n, NodeBastionGroup, "SSH from the bastion")))
	}
	in = append(in, fromGroups(portApp, group(n, NodeBalancerGroup, "requests from the load balancer")))
	a.securityGroup(n, "App hosts: requests from the load balancer, SSH from the bastion", in,
		[]*ec2.IPPermission{
			fromNetworks(portHTTP, []string{anywhere}, "package updates"),
			fromNetworks(portHTTPS, []string{anywhere}, "releases, AWS APIs, package updates"),
			fromNetworks(portDatabase, a.databaseNetworks(), "to the database"),
		})
}

// databaseGroup lets nothing out: without egressRules ACK takes away even the one that AWS gives to a new group.
func (a *assembly) databaseGroup() {
	n := a.Node(NodeDatabaseGroup, v1.ComponentSecurity)
	clients := []*ec2.UserIDGroupPair{group(n, NodeAppGroup, "from the app hosts")}
	if a.spec.Bastion.Enabled {
		clients = append(clients, group(n, NodeBastionGroup, "tunnels from the bastion"))
	}
	a.securityGroup(n, "Database: clients from the app hosts and the bastion",
		[]*ec2.IPPermission{fromGroups(portDatabase, clients...)}, nil)
}

func (a *assembly) securityGroup(n *graph.NodeBuilder, description string, in, out []*ec2.IPPermission) {
	a.set(n, ack.SecurityGroup, &ec2.SecurityGroup{Spec: ec2.SecurityGroupSpec{
		Name:         new(a.awsName(n.ID(), maxSecurityGroupName)),
		Description:  new(description),
		VPCID:        new(n.Value(NodeVPC, ack.OutputID)),
		IngressRules: in,
		EgressRules:  out,
		Tags:         a.ec2Tags(n),
	}})
}

// fromNetworks is a rule for a TCP port and networks: where it comes from, or in an egress rule where it goes to.
func fromNetworks(port int64, cidrs []string, description string) *ec2.IPPermission {
	rule := tcp(port)
	for _, cidr := range cidrs {
		rule.IPRanges = append(rule.IPRanges, &ec2.IPRange{CIDRIP: new(cidr), Description: new(description)})
	}
	return rule
}

// fromGroups is a rule for a TCP port and other groups.
func fromGroups(port int64, groups ...*ec2.UserIDGroupPair) *ec2.IPPermission {
	rule := tcp(port)
	rule.UserIDGroupPairs = groups
	return rule
}

func tcp(port int64) *ec2.IPPermission {
	return &ec2.IPPermission{IPProtocol: new("tcp"), FromPort: new(port), ToPort: new(port)}
}

// group is another group as a rule names it.
func group(n *graph.NodeBuilder, node, description string) *ec2.UserIDGroupPair {
	return &ec2.UserIDGroupPair{GroupID: new(n.Value(node, ack.OutputID)), Description: new(description)}
}
