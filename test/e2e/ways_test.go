package e2e

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/lab/network"
)

// silence is how long nothing may come through a way that must not exist. Ways that do exist answer in milliseconds.
const silence = time.Second

// echo serves on the internet, and tells each client the address that it sees it by.
func echo(t *testing.T, port string) {
	t.Helper()
	socket, err := lab.DataPlane.Network.Internet().Listen(t.Context(), net.JoinHostPort(dataplane.OriginAddress, port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		_, _ = io.WriteString(w, host)
	})}
	go server.Serve(socket) //nolint:errcheck // ends with the server
	t.Cleanup(func() { _ = server.Close() })
}

// TestWayOut: each host leaves by its own zone's NAT gateway.
func TestWayOut(t *testing.T) {
	d := stack(t)
	echo(t, "80")
	for _, i := range d.Hosts() {
		var want string
		for _, n := range lab.Cloud.NATGateways() {
			if n.Zone == i.Zone && n.State == "available" {
				want = n.PublicIP
			}
		}
		out, err := on(t, i, "curl", "--silent", "--show-error", "--max-time", "20", "http://"+dataplane.OriginAddress+"/")
		if err != nil || out != want || want == "" {
			t.Errorf("the host in %s is seen as %q, want %q: %v", i.Zone, out, want, err)
		}
	}
}

// try connects from a namespace.
func try(t *testing.T, from network.Namespace, local, address, port string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), silence)
	defer cancel()
	dialer := net.Dialer{}
	if local != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(local)}
	}
	connection, err := from.Dial(ctx, dialer, "tcp", net.JoinHostPort(address, port))
	if err == nil {
		_ = connection.Close()
	}
	return err
}

// silent reports whether an attempt ended because nobody answered: a refusal would come from somebody who was reached.
func silent(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// TestForbiddenWays: the ways that must not exist do not, with the rules that the operator has made. Each is tried where
// something listens, which the first part shows.
func TestForbiddenWays(t *testing.T) {
	d := stack(t)
	net := lab.DataPlane.Network
	bastion, hosts, db := d.Bastion(t), d.Hosts(), net.InterfacesOf(cloud.KindDBInstance, d.Database(t).Identifier)[0]
	at := func(i cloud.Instance) network.Namespace { return net.Of(i.InterfaceID) }
	echo(t, "25")
	for _, c := range []struct {
		what          string
		from          network.Namespace
		local         string
		address, port string
	}{
		{"administrator to bastion", net.Internet(), dataplane.AdministratorAddress, bastion.PublicIP, "22"},
		{"bastion to host", at(bastion), "", hosts[0].PrivateIP, "22"},
		{"bastion to database", at(bastion), "", db.PrivateIP, "3306"},
		{"host to database", at(hosts[1]), "", db.PrivateIP, "3306"},
	} {
		if err := try(t, c.from, c.local, c.address, c.port); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	for _, c := range []struct {
		what          string
		from          network.Namespace
		local         string
		address, port string
	}{
		{"stranger to bastion", net.Internet(), dataplane.VisitorAddress, bastion.PublicIP, "22"},
		{"host to bastion", at(hosts[0]), "", bastion.PrivateIP, "22"},
		{"host to app of a host", at(hosts[0]), "", hosts[1].PrivateIP, "8080"},
		{"host to SSH of a host", at(hosts[0]), "", hosts[1].PrivateIP, "22"},
		{"bastion to app of a host", at(bastion), "", hosts[0].PrivateIP, "8080"},
		{"bastion to mail on the internet", at(bastion), "", dataplane.OriginAddress, "25"},
		{"host to mail on the internet", at(hosts[0]), "", dataplane.OriginAddress, "25"},
		{"database to host", net.Of(db.ID), "", hosts[0].PrivateIP, "22"},
		{"database to bastion", net.Of(db.ID), "", bastion.PrivateIP, "22"},
		{"database to the internet", net.Of(db.ID), "", dataplane.OriginAddress, "443"},
	} {
		if err := try(t, c.from, c.local, c.address, c.port); !silent(err) {
			t.Errorf("%s: it got through, or was told so: %v", c.what, err)
		}
	}
	// From the internet no private address is to be found at all.
	for what, address := range map[string]string{"host": hosts[0].PrivateIP, "database": db.PrivateIP} {
		err := try(t, net.Internet(), "", address, "22")
		if err == nil || !silent(err) && !strings.Contains(err.Error(), "unreachable") {
			t.Errorf("internet to %s: %v", what, err)
		}
	}
}

// TestForbiddenWayOpened: what makes a forbidden way forbidden is the group's rules, and the same attempt notices when they
// change.
func TestForbiddenWayOpened(t *testing.T) {
	d := stack(t)
	bastion := d.Bastion(t)
	client := lab.Cloud.Client(cloud.Caller{Region: d.Object.Spec.Region})
	rule := []cloud.Rule{{Protocol: "tcp", FromPort: 22, ToPort: 22, CIDR: dataplane.VisitorAddress + "/32"}}
	attempt := func() error {
		if err := lab.DataPlane.Network.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		return try(t, lab.DataPlane.Network.Internet(), dataplane.VisitorAddress, bastion.PublicIP, "22")
	}
	if err := client.AuthorizeSecurityGroup(t.Context(), bastion.Groups[0], false, rule); err != nil {
		t.Fatal(err)
	}
	if err := attempt(); err != nil {
		t.Errorf("a stranger whom the group lets in: %v", err)
	}
	// The operator may have put it right already.
	err := client.RevokeSecurityGroup(t.Context(), bastion.Groups[0], false, rule)
	if err != nil && !cloud.IsCode(err, "InvalidPermission.NotFound") {
		t.Fatal(err)
	}
	if err := attempt(); !silent(err) {
		t.Errorf("a stranger whom the group does not let in any more: %v", err)
	}
}
