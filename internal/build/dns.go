package build

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/route53"
	"usermanagement.dev/stack/internal/graph"
)

// dns adds an alias record for each of the app's names, where a hosted zone is given to make them in. A record waits
// for the listener that serves the name, so that a name never leads to a closed port, and a new load balancer takes over
// only when it answers.
//
// These records are not adopted unless the spec says so: their names are not the stack's alone, and one that is already
// there belongs to somebody else's site until its owner removes it. ACK then says that it exists, and the stack says so too.
func (a *assembly) dns() {
	domain := a.spec.Ingress.Domain
	if domain == nil || domain.HostedZoneID == "" {
		return
	}
	balancer := BalancerNode(a.stack)
	for _, name := range names(domain) {
		n := a.Node(DNSNode(name), v1.ComponentEndpoint)
		n.After(HTTPSListenerNode(a.stack))
		a.set(n, ack.RecordSet, &route53.RecordSet{ObjectMeta: a.takingOver(n), Spec: route53.RecordSetSpec{
			HostedZoneID: domain.HostedZoneID,
			Name:         name + ".", // fully qualified: without the dot ACK would add the zone's own name
			RecordType:   "A",
			AliasTarget: &route53.AliasTarget{
				DNSName:              n.Value(balancer, ack.OutputDNSName),
				HostedZoneID:         n.Value(balancer, ack.OutputHostedZoneID),
				EvaluateTargetHealth: true,
			},
		}})
	}
}

// LackOfHosts is the field of the Output that a DNS record misses while it would take a name away from a system that
// serves, and no host here does.
const LackOfHosts = "a host that serves"

// takingOver lets ACK take over a record that is there already, if the spec says so: not before the stack can serve those
// whom the record leads to another system so far.
func (a *assembly) takingOver(n *graph.NodeBuilder) metav1.ObjectMeta {
	if a.spec.Ingress.Domain.ExistingRecords != v1.RecordsTakeOver {
		return metav1.ObjectMeta{}
	}
	if !a.in.Serving && !n.Standing() {
		n.Lack(LackOfHosts)
	}
	return metav1.ObjectMeta{Annotations: map[string]string{ack.AnnotationAdoptionPolicy: ack.AdoptOrCreate}}
}
