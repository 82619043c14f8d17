package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/dataplane"
)

// sshConfig is what an administrator has in ~/.ssh/config, with the addresses of this run.
func (d *deployed) sshConfig(t *testing.T, from string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`Host bastion
  HostName %s
  BindAddress %s
Host 10.0.*
  ProxyJump bastion
Host *
  User %s
  IdentityFile %s
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking accept-new
  UserKnownHostsFile %s
  LogLevel ERROR
  ConnectTimeout 20
`, d.Bastion(t).PublicIP, from, userdata.AdminUser, d.key, lab.File("known_hosts"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ssh runs ssh on the internet, by its configuration for the administrator's own address.
func (d *deployed) ssh(ctx context.Context, t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	// ProxyJump has ssh call itself, with the same configuration.
	all := append([]string{
		"netns", "exec", string(lab.DataPlane.Network.Internet()), "ssh", "-F", d.sshConfig(t, dataplane.AdministratorAddress),
	}, arguments...)
	return exec.CommandContext(ctx, "ip", all...)
}

// TestAdministrator is the journey to each app host: by the bastion, with one key and no password.
func TestAdministrator(t *testing.T) {
	d := stack(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if out, err := d.ssh(ctx, t, "bastion", "id", "-un").CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != userdata.AdminUser {
		t.Fatalf("on the bastion one is %q: %v", out, err)
	}
	if out, err := d.ssh(ctx, t, "bastion", "sudo", "-n", "true").CombinedOutput(); err == nil {
		t.Errorf("on the bastion the account may do anything: %s", out)
	}
	for _, i := range d.Hosts() {
		out, err := d.ssh(ctx, t, i.PrivateIP, "sudo", "cloud-init", "query", "instance_id").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != i.ID {
			t.Errorf("ssh to host %s leads to %q: %v", i.ID, out, err)
		}
		out, err = d.ssh(ctx, t, "-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no", i.PrivateIP, "true").CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("Permission denied")) {
			t.Errorf("without a key one is let in, or not told why not: %s: %v", out, err)
		}
	}
}

// TestTunnel is the journey to the database: by a tunnel through the bastion, with its own TLS inside.
func TestTunnel(t *testing.T) {
	d := stack(t)
	db := d.Database(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const local = "127.0.0.1:13306"
	tunnel := d.ssh(ctx, t, "-N", "-o", "ExitOnForwardFailure=yes", "-L", local+":"+db.Endpoint+":3306", "bastion")
	var said bytes.Buffer
	tunnel.Stderr = &said
	if err := tunnel.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = tunnel.Process.Kill()
		_ = tunnel.Wait()
	}()
	pool := sql.OpenDB(d.connector(t, db, local))
	defer pool.Close() //nolint:errcheck // ends with the tunnel
	var user, name string
	d.Until(t, "the database answers through the tunnel", func() (bool, string) {
		attempt, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		err := pool.QueryRowContext(attempt, "SELECT CURRENT_USER(), DATABASE()").Scan(&user, &name)
		return err == nil, fmt.Sprint(err, said.String())
	})
	if !strings.HasPrefix(user, db.MasterUsername+"@") || name != db.DBName {
		t.Errorf("one is %s in %s, want %s in %s", user, name, db.MasterUsername, db.DBName)
	}
}

// connector connects to the tunnel's end as the master user, and only if it is the database that RDS's certificates vouch
// for: those that a host has fetched.
func (d *deployed) connector(t *testing.T, db cloud.DBInstance, local string) driver.Connector {
	t.Helper()
	bundle, err := on(t, d.Hosts()[0], "cat", userdata.DatabaseCAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(bundle))
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", local, db.MasterUsername, db.Password(), db.DBName
	c.TLS = &tls.Config{RootCAs: roots, ServerName: db.Endpoint, MinVersion: tls.VersionTLS12}
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		return lab.DataPlane.Network.Internet().Dial(ctx, net.Dialer{}, network, address)
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	return connector
}
