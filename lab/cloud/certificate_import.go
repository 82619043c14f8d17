package cloud

import "context"

// ImportCertificate puts a certificate into an account that its owner brought along: it is issued from the start.
// https://docs.aws.amazon.com/acm/latest/userguide/import-certificate.html
func (c *Client) ImportCertificate(ctx context.Context, names ...string) (Certificate, error) {
	certificate, err := c.RequestCertificate(ctx, RequestCertificateInput{Domain: names[0], Alternatives: names[1:]})
	if err != nil {
		return Certificate{}, err
	}
	return call(ctx, c, "acm:ImportCertificate", func(t *tx) (Certificate, error) {
		cert, err := t.certificate(certificate.ARN)
		if err != nil {
			return Certificate{}, err
		}
		t.issue(cert)
		return *cert, nil
	})
}
