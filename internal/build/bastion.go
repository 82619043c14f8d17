package build

import (
	"cmp"

	ec2 "github.com/aws-controllers-k8s/ec2-controller/apis/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/userdata"
)

// bastionRootGiB holds an operating system and little else, in GiB.
const bastionRootGiB = 10

// bastion adds the administrators' way in, in the first zone's public subnet. Its object's name carries a hash of all
// that makes another machine of it, so that a change replaces it. It has no role: see identity.
func (a *assembly) bastion() error {
	b := &a.spec.Bastion
	if !b.Enabled {
		return nil
	}
	document, err := userdata.Bastion{AuthorizedKeys: b.AuthorizedKeys}.Render()
	if err != nil {
		return err
	}
	n := a.Node(NodeBastion, v1.ComponentCompute)
	m := machine{
		Image:        cmp.Or(b.Image, a.spec.Hosts.Image),
		InstanceType: b.InstanceType,
		RootDevice:   cmp.Or(b.RootDevice, a.spec.Hosts.RootDevice),
		RootGiB:      bastionRootGiB,
		UserData:     string(document),
	}
	revision, err := m.revision() // of the spec alone: the group is added after, and can change in place
	if err != nil {
		return err
	}
	m.Groups = []string{n.Value(NodeBastionGroup, ack.OutputID)}
	home := SubnetNode(tierPublic, a.zones[0].name)
	subnet := n.Value(home, ack.OutputID)
	n.After(home)
	a.set(n, ack.Instance, &ec2.Instance{
		ObjectMeta: metav1.ObjectMeta{Name: RevisedObjectName(a.stack, NodeBastion, revision)},
		Spec:       m.spec(subnet, a.ec2Tags(n)),
	})
	return nil
}
