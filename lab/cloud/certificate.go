package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DomainValidation is how ACM wants to see that a domain is its requester's.
type DomainValidation struct {
	Domain, Status string // PENDING_VALIDATION, SUCCESS, FAILED
	// The record is empty for the first seconds. Name and value end with a dot.
	RecordName, RecordType, RecordValue string
}

// Certificate is a public certificate of ACM, validated by DNS.
type Certificate struct {
	Meta
	ARN, Domain string
	// Names are all names, the domain first.
	Names                []string
	Status               string // PENDING_VALIDATION, ISSUED, FAILED, VALIDATION_TIMED_OUT
	FailureReason        string
	KeyAlgorithm         string
	TransparencyLogging  string // ENABLED, DISABLED
	Validations          []DomainValidation
	IssuedAt             time.Time
	NotBefore, NotAfter  time.Time
	Serial, Subject      string
	InUseBy              []string
	fail                 *APIError
	validating, answered bool
}

func (c *Certificate) object() Object { return Object{ID: c.ARN, State: c.Status} }

var domainNames = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)

const (
	maxDomain    = 253
	maxCommonLen = 64
	maxNames     = 10
)

// RequestCertificateInput is what RequestCertificate takes.
type RequestCertificateInput struct {
	Domain                            string
	Alternatives                      []string
	KeyAlgorithm, TransparencyLogging string
	Tags                              Tags
}

// RequestCertificate asks for a certificate. Its validation records are known after a moment; it is issued when they are
// found in public DNS.
func (c *Client) RequestCertificate(ctx context.Context, in RequestCertificateInput) (Certificate, error) {
	return call(ctx, c, "acm:RequestCertificate", func(t *tx) (Certificate, error) {
		names := []string{strings.ToLower(in.Domain)}
		for _, name := range in.Alternatives {
			if name = strings.ToLower(name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if err := checkCertificate(names, in); err != nil {
			return Certificate{}, err
		}
		cert := &Certificate{
			Meta: t.meta(in.Tags), ARN: t.arn("acm", "certificate/"+t.uuid()), Domain: names[0], Names: names,
			Status: "PENDING_VALIDATION", KeyAlgorithm: orDefault(in.KeyAlgorithm, "RSA-2048"),
			TransparencyLogging: orDefault(in.TransparencyLogging, "ENABLED"), fail: t.late,
		}
		cert.KeyAlgorithm = strings.Replace(cert.KeyAlgorithm, "RSA_", "RSA-", 1)
		for _, name := range names {
			cert.Validations = append(cert.Validations, DomainValidation{Domain: name, Status: "PENDING_VALIDATION"})
		}
		t.db.certificates[cert.ARN] = cert
		t.emit(KindCertificate, Created, cert.ARN, cert.Meta)
		t.settle("acm:RequestCertificate", func(t *tx) { t.answerCertificate(cert) })
		t.later(t.cloud.latencies.Settle[OpValidationTimeout], func(t *tx) {
			t.endValidation(cert, "VALIDATION_TIMED_OUT", "")
		})
		return *cert, nil
	})
}

func checkCertificate(names []string, in RequestCertificateInput) error {
	for i, name := range names {
		if len(name) > maxDomain || !domainNames.MatchString(name) {
			return refuse("InvalidDomainValidationOptionsException", "The domain name %q is not valid", name)
		}
		if i == 0 && len(name) > maxCommonLen {
			return refuse("ValidationException", "The first domain name can have no more than %d characters", maxCommonLen)
		}
	}
	if len(names) > maxNames {
		return refuse("LimitExceededException", "The maximum number of domain names per certificate is %d", maxNames)
	}
	algorithms := []string{
		"RSA_2048", "RSA-2048", "EC_prime256v1", "EC_secp384r1", "RSA_1024", "RSA_3072", "RSA_4096", "EC_secp521r1",
	}
	if in.KeyAlgorithm != "" && !slices.Contains(algorithms, in.KeyAlgorithm) {
		return refuse("ValidationException", "Value '%s' at 'keyAlgorithm' failed to satisfy constraint", in.KeyAlgorithm)
	}
	return checkTags(in.Tags)
}

// answerCertificate fills in the validation records. The same name in the same account always has the same record, and a
// wildcard shares the record of the name below it.
func (t *tx) answerCertificate(cert *Certificate) {
	validations := slices.Clone(cert.Validations)
	for i, v := range validations {
		domain := strings.TrimPrefix(v.Domain, "*.")
		name := sha256.Sum256([]byte(t.cloud.account + "/name/" + domain))
		value := sha256.Sum256([]byte(t.cloud.account + "/value/" + domain))
		v.RecordName = "_" + hex.EncodeToString(name[:16]) + "." + domain + "."
		v.RecordType = "CNAME"
		v.RecordValue = "_" + hex.EncodeToString(value[:16]) + "." + hex.EncodeToString(value[16:21]) + ".acm-validations.aws."
		validations[i] = v
	}
	cert.Validations, cert.answered = validations, true
	t.emit(KindCertificate, Changed, cert.ARN, cert.Meta)
	t.validate(cert)
}

// validate looks whether all validation records are in public DNS, and if so issues the certificate after a while.
func (t *tx) validate(cert *Certificate) {
	if cert.Status != "PENDING_VALIDATION" || !cert.answered || cert.validating {
		return
	}
	for _, v := range cert.Validations {
		if !t.publicCNAME(v.RecordName, v.RecordValue) {
			return
		}
	}
	cert.validating = true
	t.settle(OpValidate, func(t *tx) {
		cert.validating = false
		if cert.fail != nil {
			t.endValidation(cert, "FAILED", orDefault(cert.fail.Code, "OTHER"))
			return
		}
		t.issue(cert)
	})
}

func (t *tx) issue(cert *Certificate) {
	if cert.Status != "PENDING_VALIDATION" {
		return
	}
	cert.Status, cert.IssuedAt, cert.NotBefore = "ISSUED", t.now, t.now.Truncate(24*time.Hour)
	cert.NotAfter = cert.NotBefore.Add(395 * 24 * time.Hour)
	cert.Serial, cert.Subject = t.hex(32), "CN="+cert.Domain
	t.setValidations(cert, "SUCCESS")
}

func (t *tx) endValidation(cert *Certificate, status, reason string) {
	if cert.Status != "PENDING_VALIDATION" {
		return
	}
	cert.Status, cert.FailureReason = status, reason
	t.setValidations(cert, "FAILED")
}

func (t *tx) setValidations(cert *Certificate, status string) {
	validations := slices.Clone(cert.Validations)
	for i := range validations {
		validations[i].Status = status
	}
	cert.Validations = validations
	t.emit(KindCertificate, Changed, cert.ARN, cert.Meta)
}

func (t *tx) certificate(arn string) (*Certificate, error) {
	cert, ok := t.db.certificates[arn]
	if !ok || cert.Region != t.caller.Region {
		return nil, refuse("ResourceNotFoundException", "Could not find certificate %s.", arn)
	}
	return cert, nil
}

// certificateUsers lists the load balancers whose listeners have a certificate.
func (t *tx) certificateUsers(arn string) []string {
	var users []string
	for _, l := range t.db.listeners {
		if slices.Contains(l.Certificates, arn) && !slices.Contains(users, l.LoadBalancerARN) {
			users = append(users, l.LoadBalancerARN)
		}
	}
	slices.Sort(users)
	return users
}

// DescribeCertificate reads a certificate.
func (c *Client) DescribeCertificate(ctx context.Context, arn string) (Certificate, error) {
	return call(ctx, c, "acm:DescribeCertificate", func(t *tx) (Certificate, error) {
		cert, err := t.certificate(arn)
		if err != nil {
			return Certificate{}, err
		}
		shown := *cert
		shown.InUseBy = t.certificateUsers(arn)
		return shown, nil
	})
}

// UpdateCertificateOptions changes the transparency logging preference.
func (c *Client) UpdateCertificateOptions(ctx context.Context, arn, transparencyLogging string) error {
	return do(ctx, c, "acm:UpdateCertificateOptions", func(t *tx) error {
		cert, err := t.certificate(arn)
		if err != nil {
			return err
		}
		if cert.Status != "ISSUED" {
			return refuse("InvalidStateException", "Certificate %s is not issued", arn)
		}
		cert.TransparencyLogging = transparencyLogging
		t.emit(KindCertificate, Changed, arn, cert.Meta)
		return nil
	})
}

// DeleteCertificate deletes a certificate that no listener has.
func (c *Client) DeleteCertificate(ctx context.Context, arn string) error {
	return do(ctx, c, "acm:DeleteCertificate", func(t *tx) error {
		cert, err := t.certificate(arn)
		if err != nil {
			return err
		}
		if len(t.certificateUsers(arn)) > 0 {
			return refuse("ResourceInUseException", "Certificate %s in account %s is in use.", arn, t.cloud.account)
		}
		delete(t.db.certificates, arn)
		t.emit(KindCertificate, Deleted, arn, cert.Meta)
		return nil
	})
}

// Certificates lists all certificates.
func (c *Cloud) Certificates() []Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.certificates, nil)
}
