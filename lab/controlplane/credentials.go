package controlplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"usermanagement.dev/stack/lab/internal/pki"
	"usermanagement.dev/stack/lab/loopback"
)

// adminUser is the user of Config; it is in system:masters and may do everything.
const adminUser = "lab-admin"

// makeCredentials reads or makes all that the API server is started with.
func (cp *ControlPlane) makeCredentials() error {
	authority, err := pki.LoadOrCreate(cp.layout.path("pki"), "lab control plane")
	if err != nil {
		return err
	}
	cp.authority = authority
	serving, err := authority.Server("127.0.0.1", "::1", "localhost",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.0.0.1")
	if err != nil {
		return err
	}
	if err := serving.Write(cp.layout.pki("apiserver.crt"), cp.layout.pki("apiserver.key")); err != nil {
		return err
	}
	return pki.EnsureKey(cp.layout.pki("service-account.key"))
}

// Config is how to reach the API server as an administrator (group system:masters).
func (cp *ControlPlane) Config() *rest.Config { return rest.CopyConfig(cp.admin) }

// UserConfig is how to reach the API server as the named user in the named groups, who
// may do what RBAC grants them and no more. A service account's user is called
// system:serviceaccount:<namespace>:<name>, its groups are system:serviceaccounts and
// system:serviceaccounts:<namespace>. Clients are not throttled on their side; the API
// server's priority and fairness is in force.
func (cp *ControlPlane) UserConfig(user string, groups ...string) (*rest.Config, error) {
	if user == "" {
		return nil, errors.New("make a client certificate: the user's name is empty")
	}
	pair, err := cp.authority.Client(user, groups...)
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host: "https://" + loopback.Address(cp.port),
		QPS:  -1,
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   cp.authority.PEM(),
			CertData: pair.Certificate,
			KeyData:  pair.Key,
		},
	}, nil
}

// WriteKubeconfig writes a kubeconfig of the administrator that only the owner of the
// file can read.
func (cp *ControlPlane) WriteKubeconfig(path string) error {
	return writeKubeconfig(path, adminUser, cp.admin)
}

// WriteUserKubeconfig is WriteKubeconfig for another user; see UserConfig.
func (cp *ControlPlane) WriteUserKubeconfig(path, user string, groups ...string) error {
	config, err := cp.UserConfig(user, groups...)
	if err != nil {
		return err
	}
	return writeKubeconfig(path, user, config)
}

func writeKubeconfig(path, user string, config *rest.Config) error {
	const name = "lab"
	content, err := clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{name: {
			Server:                   config.Host,
			CertificateAuthorityData: config.CAData,
		}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{user: {
			ClientCertificateData: config.CertData,
			ClientKeyData:         config.KeyData,
		}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: user}},
		CurrentContext: name,
	})
	if err != nil {
		return fmt.Errorf("encode the kubeconfig of %s: %w", user, err)
	}
	if err := replaceFile(path, content); err != nil {
		return fmt.Errorf("write the kubeconfig %s: %w", path, err)
	}
	return nil
}

// replaceFile writes a new file (CreateTemp makes it 0600) and moves it into place, so
// that a wider mode of an old file is not inherited and no reader sees half of it.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".kubeconfig-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
