package acksim

import (
	"context"
	"strings"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// certificateKind is acm Certificate, known by its ARN. It is synced from the first moment, whatever ACM thinks of the
// domain: only status.status tells whether it is issued. It is looked at every minute.
func certificateKind() *kind {
	return &kind{
		name: "Certificate", service: "acm", noPartition: true, syncedEagerly: true, resync: time.Minute,
		terminal: []string{
			"InvalidParameterException", "InvalidDomainValidationOptionsException", "InvalidArnException", "InvalidTagException",
			"TagPolicyException", "TooManyTagsException",
		},
		gone: []string{"ResourceNotFoundException"},
		compared: []comparison{
			{"options", ifSet}, {"subjectAlternativeNames", ifSetAsSet}, {"keyAlgorithm", differentAlgorithm}, tagged(),
		},
		late:     append(lateRequired("keyAlgorithm", "options"), late("domainValidationOptions", "subjectAlternativeNames")...),
		identify: func(o *object, f map[string]string) { o.setARN(f["arn"]) },
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			if desired.arn() == "" {
				return nil, errNotFound
			}
			cert, err := p.aws.DescribeCertificate(ctx, desired.arn())
			if err != nil {
				return nil, err
			}
			return p.showCertificate(desired.copy(), cert), nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			cert, err := p.aws.RequestCertificate(ctx, cloud.RequestCertificateInput{
				Domain: text(spec, "domainName"), Alternatives: texts(spec, "subjectAlternativeNames"),
				KeyAlgorithm:        text(spec, "keyAlgorithm"),
				TransparencyLogging: text(spec, "options.certificateTransparencyLoggingPreference"), Tags: p.createTags(desired),
			})
			if err != nil {
				return nil, err
			}
			created := desired.copy()
			created.setARN(cert.ARN) // RequestCertificate answers nothing else
			return created, nil
		},
		update: updateCertificate,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteCertificate(ctx, latest.arn())
		},
	}
}

// differentAlgorithm knows that ACM takes RSA_2048 and answers RSA-2048.
func differentAlgorithm(a, b any) bool {
	want, _ := a.(string)
	have, _ := b.(string)
	return want != "" && strings.ReplaceAll(want, "-", "_") != strings.ReplaceAll(have, "-", "_")
}

func (p *pass) showCertificate(o *object, cert cloud.Certificate) *object {
	spec, status := o.spec(), o.status()
	p.showTags(o, cert.Tags)
	spec["domainName"], spec["keyAlgorithm"] = cert.Domain, cert.KeyAlgorithm
	spec["subjectAlternativeNames"] = textList(cert.Names)
	spec["options"] = tree{"certificateTransparencyLoggingPreference": cert.TransparencyLogging}
	spec["domainValidationOptions"] = list(cert.Validations, func(v cloud.DomainValidation) any {
		return tree{"domainName": v.Domain, "validationDomain": v.Domain}
	})
	o.setARN(cert.ARN)
	status["status"], status["type_"], status["issuer"] = cert.Status, "AMAZON_ISSUED", "Amazon"
	status["domainValidations"] = list(cert.Validations, validationStatus)
	put(status, "createdAt", stamp(cert.Created))
	put(status, "issuedAt", stamp(cert.IssuedAt))
	put(status, "notBefore", stamp(cert.NotBefore))
	put(status, "notAfter", stamp(cert.NotAfter))
	put(status, "failureReason", cert.FailureReason)
	put(status, "serial", cert.Serial)
	put(status, "subject", cert.Subject)
	put(status, "inUseBy", textList(cert.InUseBy))
	status["renewalEligibility"] = "INELIGIBLE"
	return o
}

func validationStatus(v cloud.DomainValidation) any {
	shown := tree{
		"domainName": v.Domain, "validationDomain": v.Domain, "validationMethod": "DNS", "validationStatus": v.Status,
	}
	if v.RecordName != "" {
		shown["resourceRecord"] = tree{"name": v.RecordName, "type_": v.RecordType, "value": v.RecordValue}
	}
	return shown
}

// updateCertificate changes tags and the logging preference. A list of names without the domain itself differs for ever.
func updateCertificate(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("tags") {
		if err := p.syncTags(ctx, latest.arn(), desired, latest); err != nil {
			return nil, err
		}
	}
	preference := text(desired.spec(), "options.certificateTransparencyLoggingPreference")
	if changed.beyond("tags") && text(latest.status(), "status") == "ISSUED" && preference != "" {
		return updated, p.aws.UpdateCertificateOptions(ctx, latest.arn(), preference)
	}
	return updated, nil
}
