// Package pki makes the lab's keys and certificates: authorities that sign the API
// server's certificate and those of its clients, those of load balancers, and those of
// databases.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	leafLife = 365 * 24 * time.Hour
	// clockSlack backdates certificates, for clocks that are set back a little.
	clockSlack = time.Hour
)

// Pair is a certificate and its private key, both PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// Authority signs certificates. It is kept on disk, so that what it has signed is
// still good after a restart on the same data.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pem         []byte
}

// LoadOrCreate reads the authority in dir (ca.crt, ca.key) or makes it there, under a
// name.
func LoadOrCreate(dir, name string) (*Authority, error) {
	key, err := loadOrCreateKey(filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "ca.crt")
	certificates, err := cert.CertsFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var made *x509.Certificate
		made, err = cert.NewSelfSignedCACert(cert.Config{CommonName: name}, key)
		certificates = []*x509.Certificate{made}
	}
	if err != nil {
		return nil, fmt.Errorf("read or make the authority's certificate %s: %w", path, err)
	}
	encoded, err := cert.EncodeCertificates(certificates[0])
	if err != nil {
		return nil, fmt.Errorf("encode the authority's certificate: %w", err)
	}
	if err := cert.WriteCert(path, encoded); err != nil {
		return nil, fmt.Errorf("write the authority's certificate: %w", err)
	}
	return &Authority{certificate: certificates[0], key: key, pem: encoded}, nil
}

func loadOrCreateKey(path string) (crypto.Signer, error) {
	data, _, err := keyutil.LoadOrGenerateKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("read or make the key %s: %w", path, err)
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(data)
	if err != nil {
		return nil, fmt.Errorf("read the key %s: %w", path, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T, which cannot sign", path, parsed)
	}
	return key, nil
}

// PEM is the authority's certificate, which clients need in order to trust the server.
func (a *Authority) PEM() []byte { return a.pem }

// Server makes a serving certificate for host names and IP addresses.
func (a *Authority) Server(hosts ...string) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: hosts[0]})
	if err != nil {
		return Pair{}, err
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return a.issue(template)
}

// Client makes a client certificate. Kubernetes reads the user from the common name and
// the groups from the organizations.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
func (a *Authority) Client(user string, groups ...string) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: user, Organization: groups})
	if err != nil {
		return Pair{}, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(template)
}

func (a *Authority) issue(template *x509.Certificate) (Pair, error) {
	pair, err := a.sign(template)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate for %q: %w", template.Subject.CommonName, err)
	}
	return pair, nil
}

func (a *Authority) sign(template *x509.Certificate) (Pair, error) {
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return Pair{}, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: der}),
		Key:         keyPEM,
	}, nil
}

func newTemplate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-clockSlack),
		NotAfter:     now.Add(leafLife),
	}, nil
}

// Write stores the pair; only the owner can read the key.
func (p Pair) Write(certPath, keyPath string) error {
	if err := os.WriteFile(keyPath, p.Key, 0o600); err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	if err := os.WriteFile(certPath, p.Certificate, 0o600); err != nil {
		return fmt.Errorf("write a certificate: %w", err)
	}
	return nil
}

// TLS is the pair as a server presents it.
func (p Pair) TLS() (tls.Certificate, error) {
	loaded, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load a certificate: %w", err)
	}
	return loaded, nil
}

// EnsureKey makes a private key at path unless there is one.
func EnsureKey(path string) error {
	_, err := loadOrCreateKey(path)
	return err
}
