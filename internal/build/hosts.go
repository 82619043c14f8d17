package build

import (
	"fmt"
	"strconv"
	"strings"

	ec2 "github.com/aws-controllers-k8s/ec2-controller/apis/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/graph"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/userdata"
)

// hosts adds the app hosts, the same number in each zone.
func (a *assembly) hosts() error {
	release, err := a.release()
	if err != nil {
		return err
	}
	for _, z := range a.zones {
		for i := range int(a.spec.Hosts.PerZone) {
			if err := a.host(z, HostNode(z.name, i), release); err != nil {
				return err
			}
		}
	}
	return nil
}

// hostNodes are the nodes of all hosts.
func (a *assembly) hostNodes() []string {
	var nodes []string
	for _, z := range a.zones {
		for i := range int(a.spec.Hosts.PerZone) {
			nodes = append(nodes, HostNode(z.name, i))
		}
	}
	return nodes
}

// host adds one host. Its object's name carries the revision, so that another revision is another object.
func (a *assembly) host(z zone, node string, release userdata.Release) error {
	n := a.Node(node, v1.ComponentCompute)
	subnet := n.Value(SubnetNode(tierApp, z.name), ack.OutputID)
	document, err := userdata.Host{
		Release:        release,
		Environment:    a.environment(n, z),
		DatabaseCAURL:  a.databaseCA(),
		AuthorizedKeys: a.spec.Bastion.AuthorizedKeys,
	}.Render()
	if err != nil {
		return err
	}
	m := machine{
		Image:        a.spec.Hosts.Image,
		InstanceType: a.spec.Hosts.InstanceType,
		RootDevice:   a.spec.Hosts.RootDevice,
		RootGiB:      a.spec.Hosts.RootVolumeGiB,
		Profile:      n.Value(NodeHostProfile, ack.OutputARN),
		Groups:       []string{n.Value(NodeAppGroup, ack.OutputID)},
		UserData:     string(document),
	}
	revision, err := m.revision()
	if err != nil {
		return err
	}
	if n.Complete() { // every value is known: the revision is the true one
		n.Revise(revision)
	}
	// The first boot needs the way out, and AWS takes a profile only with its role in it.
	n.After(SubnetNode(tierApp, z.name))
	n.After(AppRoutesNode(z.name))
	n.After(NodeHostProfile)
	instance := &ec2.Instance{
		ObjectMeta: metav1.ObjectMeta{
			Name:   RevisedObjectName(a.stack, node, revision),
			Labels: map[string]string{v1.LabelRevision: revision},
		},
		Spec: m.spec(subnet, a.ec2Tags(n)),
	}
	if fleet, ok := a.world.(Fleet); ok {
		SetReplacement(instance, fleet.Replacement(node, revision))
	}
	a.set(n, ack.Instance, instance)
	return nil
}

// Fleet is a world that tells several hosts of one node apart.
type Fleet interface {
	// Targets are the ids of the instances that the load balancer shall send requests to.
	Targets() []string
	// Replacement counts the hosts of a revision that took each other's place at a node: it is that of the one that stands
	// there now, 0 for the first.
	Replacement(node, revision string) int
}

// SetReplacement names the object of a host after those of the same revision that stood there before it. ACK never makes
// an instance again under the object of one that is terminated, so each needs an object of its own.
func SetReplacement(host metav1.Object, replacement int) {
	if replacement <= 0 {
		return
	}
	labels, name := host.GetLabels(), host.GetName()
	if before, ok := labels[v1.LabelReplacement]; ok {
		name = strings.TrimSuffix(name, "-"+before)
	}
	labels[v1.LabelReplacement] = strconv.Itoa(replacement)
	host.SetLabels(labels)
	host.SetName(name + "-" + labels[v1.LabelReplacement])
}

// environment is what the app of a zone is told.
func (a *assembly) environment(n *graph.NodeBuilder, z zone) map[string]string {
	admin := &a.spec.App.Admin
	return map[string]string{
		hostcontract.EnvListen:            "0.0.0.0:" + strconv.Itoa(portApp),
		hostcontract.EnvDatabaseHost:      n.Value(NodeDatabase, ack.OutputEndpointAddress),
		hostcontract.EnvDatabasePort:      n.Value(NodeDatabase, ack.OutputEndpointPort),
		hostcontract.EnvDatabaseName:      databaseName,
		hostcontract.EnvDatabaseSecretARN: n.Value(NodeDatabase, ack.OutputMasterSecretARN),
		hostcontract.EnvDatabaseCAFile:    userdata.DatabaseCAFile,
		hostcontract.EnvAppSecretARN:      n.Value(NodeAppSecret, ack.OutputARN),
		hostcontract.EnvAdminUsername:     admin.Username,
		hostcontract.EnvAdminEmail:        admin.Email,
		hostcontract.EnvPublicURL:         a.publicURL(n),
		hostcontract.EnvTrustedProxies:    strings.Join(a.publicNetworks(), ","),
		hostcontract.EnvZone:              z.name,
		hostcontract.EnvAWSRegion:         a.spec.Region,
	}
}

// publicURL is where people reach the app. Without a domain that is the load balancer's own name.
func (a *assembly) publicURL(n *graph.NodeBuilder) string {
	if domain := a.spec.Ingress.Domain; domain != nil {
		return "https://" + domain.Name
	}
	return "http://" + n.Value(BalancerNode(a.stack), ack.OutputDNSName)
}

// release is the binary for the hosts' architecture.
func (a *assembly) release() (userdata.Release, error) {
	for _, artifact := range a.spec.App.Artifacts {
		if artifact.Architecture == a.spec.Hosts.Architecture {
			return userdata.Release{
				Version: a.spec.App.Version, URL: artifact.URL, SHA256: artifact.SHA256,
			}, nil
		}
	}
	return userdata.Release{}, fmt.Errorf("app.artifacts has no entry for hosts.architecture %q", a.spec.Hosts.Architecture)
}

// databaseCA is where the certificates are that RDS's own are verified by.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
func (a *assembly) databaseCA() string {
	region := a.spec.Region
	switch {
	case a.in.DatabaseCAURL != "":
		return a.in.DatabaseCAURL
	case strings.HasPrefix(region, "cn-"):
		return "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/" + region + "/" + region + "-bundle.pem"
	case strings.HasPrefix(region, "us-gov-"):
		return "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/" + region + "/" + region + "-bundle.pem"
	default:
		return "https://truststore.pki.rds.amazonaws.com/" + region + "/" + region + "-bundle.pem"
	}
}
