package awsapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// clockSkew is how far a request's time may be off.
const clockSkew = 5 * time.Minute

const algorithm = "AWS4-HMAC-SHA256"

// authorization is the header of a signed request, taken apart.
type authorization struct {
	accessKeyID, region, service string
	signedHeaders                []string
}

func parseAuthorization(header string) (authorization, bool) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return authorization{}, false
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || fields["Signature"] == "" {
		return authorization{}, false
	}
	return authorization{scope[0], scope[2], scope[3], strings.Split(fields["SignedHeaders"], ";")}, true
}

// authenticate finds whose request it is by its signature (Signature Version 4), or says why it cannot be told.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func (a *Accounts) authenticate(r *http.Request, body []byte, service string) (credentials, authorization, *apiError) {
	auth, ok := parseAuthorization(r.Header.Get("Authorization"))
	if !ok {
		return credentials{}, auth, &apiError{"MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	c, ok := a.find(auth.accessKeyID)
	if !ok || subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Amz-Security-Token")), []byte(c.token)) != 1 {
		return credentials{}, auth, &apiError{"UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case time.Now().After(c.expires):
		return credentials{}, auth, &apiError{"ExpiredTokenException", "The security token included in the request is expired"}
	case err != nil || time.Since(at).Abs() > clockSkew || auth.service != service:
		return credentials{}, auth, &apiError{"InvalidSignatureException", "Signature expired, or not for this time and service"}
	}
	if wanted, err := c.sign(r, body, auth, at); err != nil ||
		subtle.ConstantTimeCompare([]byte(wanted), []byte(r.Header.Get("Authorization"))) != 1 {
		return credentials{}, auth, &apiError{
			"InvalidSignatureException",
			"The request signature we calculated does not match the signature you provided.",
		}
	}
	return c, auth, nil
}

// sign is the Authorization header that the request should have.
func (c credentials) sign(r *http.Request, body []byte, auth authorization, at time.Time) (string, error) {
	again := r.Clone(r.Context())
	again.URL.Host, again.Header = r.Host, http.Header{}
	for name, values := range r.Header {
		if slices.Contains(auth.signedHeaders, strings.ToLower(name)) {
			again.Header[name] = values
		}
	}
	again.ContentLength = 0
	if slices.Contains(auth.signedHeaders, "content-length") {
		again.ContentLength = int64(len(body))
	}
	sum := sha256.Sum256(body)
	own := aws.Credentials{AccessKeyID: c.accessKeyID, SecretAccessKey: c.secretAccessKey, SessionToken: c.token}
	err := v4.NewSigner().SignHTTP(r.Context(), own, again, hex.EncodeToString(sum[:]), auth.service, auth.region, at)
	return again.Header.Get("Authorization"), err
}
