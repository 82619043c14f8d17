package build

import (
	acm "github.com/aws-controllers-k8s/acm-controller/apis/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/route53"
)

// proofTTL is how long resolvers keep the records that prove ownership, in seconds.
const proofTTL = 300

// certificate adds the stack's own certificate and the records that prove the ownership of its names. There is none for
// a user who brings a certificate, and none without a domain.
func (a *assembly) certificate() {
	domain := a.spec.Ingress.Domain
	if domain == nil || domain.CertificateARN != "" {
		return
	}
	n := a.Node(CertificateNode(domain), v1.ComponentEndpoint)
	spec := acm.CertificateSpec{
		DomainName: new(domain.Name),
		Tags:       tagList(a, n.ID(), func(key, value string) *acm.Tag { return &acm.Tag{Key: &key, Value: &value} }),
	}
	if len(domain.Aliases) > 0 {
		// All names or none: AWS adds the first to the others, and ACK would see a difference for ever.
		for _, name := range names(domain) {
			spec.SubjectAlternativeNames = append(spec.SubjectAlternativeNames, new(name))
		}
	}
	a.set(n, ack.Certificate, &acm.Certificate{Spec: spec})
	for _, name := range names(domain) {
		a.certificateProof(domain, name)
	}
}

// certificateProof adds the record that proves the ownership of one name. AWS derives it from account and name alone,
// so that every certificate for the name, of this stack or another, is renewed by the same record. It is adopted where
// it exists and left where it is on deletion: without it the others would fail to renew months later, and it says
// nothing but that this account may have certificates for the name.
func (a *assembly) certificateProof(domain *v1.DomainSpec, name string) {
	n := a.Node(CertificateProofNode(name), v1.ComponentEndpoint)
	certificate := CertificateNode(domain)
	a.set(n, ack.RecordSet, &route53.RecordSet{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
			ack.AnnotationAdoptionPolicy: ack.AdoptOrCreate,
			ack.AnnotationDeletionPolicy: ack.DeletionRetain,
		}},
		Spec: route53.RecordSetSpec{
			HostedZoneID:    domain.HostedZoneID,
			Name:            n.Value(certificate, ack.ValidationName(name)),
			RecordType:      n.Value(certificate, ack.ValidationType(name)),
			TTL:             proofTTL,
			ResourceRecords: []route53.ResourceRecord{{Value: n.Value(certificate, ack.ValidationValue(name))}},
		},
	})
}

// names are all names of the app, each once: the first is the domain's own, the others are sorted.
func names(domain *v1.DomainSpec) []string {
	all := []string{domain.Name}
	for _, alias := range distinct(domain.Aliases) {
		if alias != domain.Name {
			all = append(all, alias)
		}
	}
	return all
}
