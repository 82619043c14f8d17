package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/lab/database"
)

// authority is a certificate authority, such as the one that RDS has.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), name+".pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serverFor issues a certificate for an address and returns the files of it and its key.
func (a *authority) serverFor(ip net.IP, names ...string) (certificate, key string) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "database"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	dir := a.t.TempDir()
	certificate, key = filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	writePEM(a.t, certificate, "CERTIFICATE", der)
	writePEM(a.t, key, "PRIVATE KEY", raw)
	return certificate, key
}

// fixedAccount is an account that does not rotate.
type fixedAccount store.Credentials

func (a fixedAccount) Credentials(context.Context) (store.Credentials, error) {
	return store.Credentials(a), nil
}

func (fixedAccount) Accepted() {}

func (a fixedAccount) Refresh(context.Context) (store.Credentials, error) {
	return store.Credentials(a), nil
}

// TestTheDatabaseIsVerified connects to servers that are the right one and that are not.
func TestTheDatabaseIsVerified(t *testing.T) {
	ctx := context.Background()
	known, stranger := newAuthority(t, "known"), newAuthority(t, "stranger")
	loopback := net.IPv4(127, 0, 0, 1)
	right, rightKey := known.serverFor(loopback)
	foreign, foreignKey := stranger.serverFor(loopback)
	elsewhere, elsewhereKey := known.serverFor(nil, "other.database.example")
	for name, tc := range map[string]struct {
		certificate, key, want string
	}{
		"the right server":                     {right, rightKey, ""},
		"a server of another authority":        {foreign, foreignKey, "unknown authority"},
		"a server of another name":             {elsewhere, elsewhereKey, "127.0.0.1"},
		"a server without TLS, in the between": {"", "", "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, err := database.Start(ctx, database.Options{CertificateFile: tc.certificate, KeyFile: tc.key})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = srv.Stop() })
			cfg := &config.Config{
				DatabaseHost: "127.0.0.1", DatabasePort: srv.Port(), DatabaseTLS: config.TLSVerify, DatabaseCAFile: known.file, DatabaseConns: 2,
			}
			db, err := store.Open(cfg, fixedAccount{Username: srv.Username(), Password: srv.Password()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			var cipher, name string
			err = db.DB.QueryRowContext(ctx, "SHOW STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher)
			switch {
			case tc.want == "" && (err != nil || cipher == ""):
				t.Errorf("cipher %q, error %v", cipher, err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
}
