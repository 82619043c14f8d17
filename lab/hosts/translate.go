package hosts

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
)

// This file is the whole list of what a host as a process of this machine is told differently from a host in EC2, and
// why. All else in its environment is what the user data says.
//
// Paths (RELEASE_ROOT, HOST_FILE, CA_FILE, UMS_DATABASE_CA_FILE): the same, below the host's folder; several hosts share
// one file system, and none may write to it.
//
// Addresses that exist once a machine:
//   - UMS_LISTEN: a port of loopback of the host's own.
//   - UMS_DATABASE_HOST and _PORT: where the database of that name is; the driver asks no proxy.
//   - UMS_TRUSTED_PROXIES: loopback as well, from where the load balancer comes.
//   - UMS_PUBLIC_URL: what a browser on this machine can open, where Processes.PublicURL gives another.
//   - AWS_EC2_METADATA_SERVICE_ENDPOINT: the instance's metadata service, which on EC2 has one address for all.
//
// Names: HTTPS_PROXY and HTTP_PROXY lead to the proxy that knows the lab's names; SSL_CERT_FILE and CURL_CA_BUNDLE name
// the authority that stands for those which the world trusts.
//
// Waits that go with the load balancer's health checks, which are paced (see lab/balancer): UMS_DRAIN, the installer's
// RETRY_DELAY, the unit's RestartSec.

// appDrain is the app's own default of UMS_DRAIN (app/config), long enough for a load balancer to notice.
const appDrain = 20 * time.Second

// leastPause keeps a paced wait from becoming a busy loop.
const leastPause = 200 * time.Millisecond

func (p *Processes) paced(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)*p.options.Pace), min(d, leastPause))
}

// below is a path of the host as a path of this machine.
func (m *process) below(path string) string { return filepath.Join(m.root, path) }

// outside are the variables that both the installer and the app are given beside their environment files.
func (m *process) outside() map[string]string {
	o := m.processes.options
	return map[string]string{
		"PATH":       filepath.Join(m.dir, "bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"http_proxy": o.ProxyURL, "https_proxy": o.ProxyURL, "HTTP_PROXY": o.ProxyURL, "HTTPS_PROXY": o.ProxyURL,
		"SSL_CERT_FILE": o.CAFile, "CURL_CA_BUNDLE": o.CAFile,
		"AWS_EC2_METADATA_SERVICE_ENDPOINT": m.metadata.URL(),
	}
}

// translated changes the variables of the unit's environment files, in place.
func (m *process) translated(env map[string]string) error {
	for _, name := range []string{"RELEASE_ROOT", "HOST_FILE", "CA_FILE", hostcontract.EnvDatabaseCAFile} {
		if path, ok := env[name]; ok {
			env[name] = m.below(path)
		}
	}
	if text, ok := env["RETRY_DELAY"]; ok {
		delay, err := seconds(text)
		if err != nil {
			return fmt.Errorf("RETRY_DELAY: %w", err)
		}
		env["RETRY_DELAY"] = strconv.FormatFloat(m.processes.paced(delay).Seconds(), 'f', 2, 64)
	}
	env[hostcontract.EnvListen] = m.listen
	if env[hostcontract.EnvDrain] == "" {
		env[hostcontract.EnvDrain] = m.processes.paced(appDrain).String()
	}
	env[hostcontract.EnvTrustedProxies] = strings.TrimPrefix(env[hostcontract.EnvTrustedProxies]+",127.0.0.1/32", ",")
	if url, give := env[hostcontract.EnvPublicURL], m.processes.options.PublicURL; give != nil {
		env[hostcontract.EnvPublicURL] = give(url)
	}
	return m.translateDatabase(env)
}

func (m *process) translateDatabase(env map[string]string) error {
	endpoint := net.JoinHostPort(env[hostcontract.EnvDatabaseHost], env[hostcontract.EnvDatabasePort])
	address, err := m.processes.options.Resolve(endpoint)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the address of %s: %w", endpoint, err)
	}
	env[hostcontract.EnvDatabaseHost], env[hostcontract.EnvDatabasePort] = host, port
	return nil
}
