package network

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
	"usermanagement.dev/stack/lab/dns"
)

const (
	// patience bounds the wait for what must come.
	patience = 15 * time.Second
	// silence is how long nothing must come through where nothing may. A firewall that lets packets through does so in
	// microseconds; TestOpened shows that these very probes notice.
	silence = 600 * time.Millisecond
	// service is an address on the internet.
	service = "192.0.2.10"
)

// bench is an account whose network is made of real packets.
type bench struct {
	*account
	network *Network
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if err := Possible(); err != nil {
		t.Skipf("no packets here: %v", err)
	}
	a := newAccount(t)
	n := cloudtest.Must[*Network](t)(Start(t.Context(), Options{
		Cloud: a.cloud, Names: dns.NewResolver(a.cloud),
		Service: func(name string) (netip.Addr, bool) {
			return netip.MustParseAddr(service), name == "releases.example.com"
		},
		Outside: []netip.Addr{netip.MustParseAddr(administrator), netip.MustParseAddr(stranger), netip.MustParseAddr(service)},
	}))
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &bench{account: a, network: n}
}

// place is where something stands: a namespace, with the address that it has there.
type place struct {
	Namespace
	address string
}

func (b *bench) at(i cloud.Instance) place { return place{b.network.Of(i.InterfaceID), i.PrivateIP} }

func (b *bench) of(kind cloud.Kind, subnet string) place {
	n := b.interfaceOf(kind, subnet)
	return place{b.network.Of(n.ID), n.PrivateIP}
}

func (b *bench) outside(address string) place { return place{b.network.Internet(), address} }

// listen serves on a place's port: to each that connects it says the address that it sees it by.
func (b *bench) listen(p place, port string) {
	b.t.Helper()
	socket := cloudtest.Must[net.Listener](b.t)(p.Listen(b.t.Context(), net.JoinHostPort(p.address, port)))
	b.t.Cleanup(func() { _ = socket.Close() })
	go func() {
		for {
			connection, err := socket.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(connection.RemoteAddr().String())
			_, _ = io.WriteString(connection, host)
			_ = connection.Close()
		}
	}()
}

// try connects and is told by which address it is seen.
func (b *bench) try(from place, address, port string, limit time.Duration) (seen string, err error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	defer cancel()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from.address)}}
	connection, err := from.Dial(ctx, dialer, "tcp", net.JoinHostPort(address, port))
	if err != nil {
		return "", err
	}
	defer connection.Close() //nolint:errcheck // it was only read from
	if err := connection.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(connection)
	return string(text), err
}

// reaches wants a connection, seen by an address.
func (b *bench) reaches(what string, from place, address, port, seenAs string) {
	b.t.Helper()
	seen, err := b.try(from, address, port, patience)
	if err != nil || seen != seenAs {
		b.t.Errorf("%s: seen as %q, want %q: %v", what, seen, seenAs, err)
	}
}

// refused wants none, because of silence: what answers, be it with a refusal, was reached.
func (b *bench) refused(what string, from place, address, port string) {
	b.t.Helper()
	_, err := b.try(from, address, port, silence)
	if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		b.t.Errorf("%s: it got through, or was told so: %v", what, err)
	}
}

// serveAll has something listen wherever a stack has it, and at a few other places.
func (b *bench) serveAll() {
	for _, zone := range []string{zoneA, zoneB} {
		for _, port := range []string{"22", "8080", "9999"} {
			b.listen(b.at(b.hosts[zone]), port)
		}
		b.listen(b.of(cloud.KindLoadBalancer, b.public[zone]), "443")
	}
	for _, port := range []string{"22", "443"} {
		b.listen(b.at(b.bastion), port)
	}
	b.listen(b.of(cloud.KindDBInstance, b.data[zoneA]), "3306")
	for _, port := range []string{"443", "25"} {
		b.listen(b.outside(service), port)
	}
}

func (b *bench) natOf(zone string) string {
	return cloudtest.Must[cloud.NATGateway](b.t)(b.DescribeNATGateway(b.t.Context(), b.nat[zone])).PublicIP
}

func TestWays(t *testing.T) {
	b := newBench(t)
	b.serveAll()
	bastion, admin, user := b.at(b.bastion), b.outside(administrator), b.outside(stranger)
	database := b.of(cloud.KindDBInstance, b.data[zoneA])
	for _, zone := range []string{zoneA, zoneB} {
		host := b.at(b.hosts[zone])
		balancer := b.interfaceOf(cloud.KindLoadBalancer, b.public[zone])
		b.reaches("user to load balancer", user, balancer.PublicIP, "443", stranger)
		b.reaches("load balancer to host", b.of(cloud.KindLoadBalancer, b.public[zone]), host.address, "8080", balancer.PrivateIP)
		b.reaches("bastion to host", bastion, host.address, "22", bastion.address)
		b.reaches("host to database", host, database.address, "3306", host.address)
		b.reaches("host out by its own zone's NAT gateway", host, service, "443", b.natOf(zone))
		b.reaches("host to load balancer by its public name", host, balancer.PublicIP, "443", b.natOf(zone))
	}
	b.reaches("administrator to bastion", admin, b.bastion.PublicIP, "22", administrator)
	b.reaches("bastion to database", bastion, database.address, "3306", bastion.address)
	b.reaches("bastion out", bastion, service, "443", b.bastion.PublicIP)
}

func TestForbidden(t *testing.T) {
	b := newBench(t)
	b.serveAll()
	bastion, admin, user := b.at(b.bastion), b.outside(administrator), b.outside(stranger)
	host, other := b.at(b.hosts[zoneA]), b.at(b.hosts[zoneB])
	database, balancer := b.of(cloud.KindDBInstance, b.data[zoneA]), b.of(cloud.KindLoadBalancer, b.public[zoneA])
	b.refused("stranger to bastion", user, b.bastion.PublicIP, "22")
	b.refused("administrator to another port of the bastion", admin, b.bastion.PublicIP, "443")
	b.refused("host to bastion", host, bastion.address, "22")
	b.refused("host to another port of a host", host, other.address, "9999")
	b.refused("host to app of a host", host, other.address, "8080")
	b.refused("host to SSH of a host", host, other.address, "22")
	b.refused("load balancer to SSH of a host", balancer, host.address, "22")
	b.refused("load balancer to database", balancer, database.address, "3306")
	b.refused("load balancer to the internet", balancer, service, "443")
	b.refused("bastion to app of a host", bastion, host.address, "8080")
	b.refused("bastion to mail on the internet", bastion, service, "25")
	b.refused("host to mail on the internet", host, service, "25")
	for what, address := range map[string]string{"host": host.address, "bastion": bastion.address, "the internet": service} {
		b.refused("database to "+what, database, address, "443")
	}
	for what, zone := range map[string]string{"first": zoneA, "second": zoneB} {
		b.refused("internet to "+what+" NAT gateway", user, b.natOf(zone), "22")
	}
	// There is no route to private addresses from outside; with one made by hand there still is no way in.
	route := []string{"-n", string(b.network.Internet()), "route", "add", "10.0.0.0/16", "via", routerLink, "dev", vpcDevice(b.vpc), "onlink"}
	if out, err := exec.CommandContext(t.Context(), "ip", route...).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	b.refused("internet to host", user, host.address, "8080")
	b.refused("internet to database", user, database.address, "3306")
}

// TestOpened opens what was closed, one rule or route at a time, and sees the same probes get through: so that TestForbidden
// can fail. Closing it again closes it.
func TestOpened(t *testing.T) {
	b := newBench(t)
	b.serveAll()
	ctx := t.Context()
	bastion, user := b.at(b.bastion), b.outside(stranger)
	host, other := b.at(b.hosts[zoneA]), b.at(b.hosts[zoneB])
	database := b.of(cloud.KindDBInstance, b.data[zoneA])
	for _, c := range []struct {
		what, group string
		in, out     []cloud.Rule
		from        place
		to, port    string
		seen        string
	}{
		{"stranger to bastion", b.bastionGroup, []cloud.Rule{tcpTo(22, stranger+"/32")}, nil, user, b.bastion.PublicIP, "22", stranger},
		{"host to app of a host", b.appGroup, []cloud.Rule{tcpTo(8080, b.appGroup)}, []cloud.Rule{tcpTo(8080, "10.0.20.0/24")}, host, other.address, "8080", host.address},
		{"bastion to mail", b.bastionGroup, nil, []cloud.Rule{tcpTo(25, anywhere)}, bastion, service, "25", b.bastion.PublicIP},
	} {
		b.refused(c.what, c.from, c.to, c.port)
		b.ok(b.AuthorizeSecurityGroup(ctx, c.group, false, c.in))
		b.ok(b.AuthorizeSecurityGroup(ctx, c.group, true, c.out))
		b.ok(b.network.Sync(ctx))
		b.reaches(c.what+", opened", c.from, c.to, c.port, c.seen)
		b.ok(b.RevokeSecurityGroup(ctx, c.group, false, c.in))
		b.ok(b.RevokeSecurityGroup(ctx, c.group, true, c.out))
		b.ok(b.network.Sync(ctx))
		b.refused(c.what+", closed again", c.from, c.to, c.port)
	}

	b.ok(b.AuthorizeSecurityGroup(ctx, b.dbG, true, []cloud.Rule{tcpTo(443, anywhere)}))
	b.ok(b.network.Sync(ctx))
	b.refused("database out, let by its group, without a route", database, service, "443")
	table := b.cloud.RouteTables()[b.tableAt(b.data[zoneA])].ID
	b.ok(b.CreateRoute(ctx, table, cloud.Route{Destination: anywhere, NATGatewayID: b.nat[zoneB]}))
	b.ok(b.network.Sync(ctx))
	b.reaches("database out, by another zone's gateway", database, service, "443", b.natOf(zoneB))
}

func (b *bench) tableAt(subnet string) int {
	return slices.IndexFunc(b.cloud.RouteTables(), func(r cloud.RouteTable) bool {
		return slices.ContainsFunc(r.Associations, func(a cloud.Association) bool { return a.SubnetID == subnet })
	})
}

// TestGatewayGone: routes to a gateway that is deleted swallow packets, and another gateway's zone goes on.
func TestGatewayGone(t *testing.T) {
	b := newBench(t)
	b.serveAll()
	b.ok(b.DeleteNATGateway(t.Context(), b.nat[zoneA]))
	b.ok(b.network.Sync(t.Context()))
	b.refused("host out without its NAT gateway", b.at(b.hosts[zoneA]), service, "443")
	b.reaches("host of the other zone", b.at(b.hosts[zoneB]), service, "443", b.natOf(zoneB))
}

// TestForeignAddress: an interface that sends with another's address is not heard.
func TestForeignAddress(t *testing.T) {
	b := newBench(t)
	b.serveAll()
	host, database := b.at(b.hosts[zoneA]), b.of(cloud.KindDBInstance, b.data[zoneA])
	thief := place{host.Namespace, "10.0.10.77"}
	steal := []string{"-n", string(host.Namespace), "address", "add", thief.address + "/24", "dev", hostDevice}
	out, err := exec.CommandContext(t.Context(), "ip", steal...).CombinedOutput()
	if err != nil {
		t.Fatal(err, string(out))
	}
	b.refused("host with another's address", thief, database.address, "3306")
	b.reaches("host with its own", host, database.address, "3306", host.address)
}

// TestNames asks the VPC's resolver from a host, as a host would.
func TestNames(t *testing.T) {
	b := newBench(t)
	host := b.at(b.hosts[zoneA])
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return host.Dial(ctx, net.Dialer{}, network, "10.0.0.2:53")
	}}
	database := cloudtest.Must[cloud.DBInstance](t)(b.DescribeDBInstance(t.Context(), "db"))
	for name, want := range map[string][]string{
		database.Endpoint:      {b.of(cloud.KindDBInstance, b.data[zoneA]).address},
		"releases.example.com": {service},
		b.balancer.DNSName: {
			b.interfaceOf(cloud.KindLoadBalancer, b.public[zoneA]).PublicIP, b.interfaceOf(cloud.KindLoadBalancer, b.public[zoneB]).PublicIP,
		},
		b.bastion.PrivateDNSName: {b.bastion.PrivateIP},
	} {
		found, err := resolver.LookupHost(t.Context(), name)
		slices.Sort(found)
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("%s is %v, want %v: %v", name, found, want, err)
		}
	}
	var missing *net.DNSError
	if found, err := resolver.LookupHost(t.Context(), "www.example.org"); !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("a name of nobody in the lab is %v: %v", found, err)
	}
}

// TestNothingLeft: whatever was made is gone, namespaces above all.
func TestNothingLeft(t *testing.T) {
	b := newBench(t)
	made := cloudtest.Must[[]string](t)(filepath.Glob(filepath.Join(namespaces, b.network.Name()+"-*")))
	if len(made) < 8 {
		t.Errorf("an internet, a router and six interfaces, and there are only %v", made)
	}
	b.ok(b.TerminateInstance(t.Context(), b.hosts[zoneA].ID))
	b.ok(b.network.Sync(t.Context()))
	if _, err := os.Stat(b.at(b.hosts[zoneA]).Path()); err == nil {
		t.Error("the interface of a terminated instance is still there")
	}
	b.ok(b.network.Stop())
	left := cloudtest.Must[[]string](t)(filepath.Glob(filepath.Join(namespaces, b.network.Name()+"-*")))
	if len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, " "))
	}
}
