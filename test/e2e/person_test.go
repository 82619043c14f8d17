package e2e

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/test/stacktest"
)

// visitor is the way of a user on the internet, by packets.
func visitor(t *testing.T) *http.Transport {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: lab.Roots(), MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 2 * clients,
		DialContext: func(ctx context.Context, _, hostport string) (net.Conn, error) {
			name, text, err := net.SplitHostPort(hostport)
			if err != nil {
				return nil, err
			}
			port, err := strconv.Atoi(text)
			if err != nil {
				return nil, err
			}
			return lab.DataPlane.Network.DialName(ctx, netip.MustParseAddr(dataplane.VisitorAddress), name, port)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// signedIn is the first administrator, signed in by a browser on the internet. Whoever asks first makes him.
func (d *deployed) signedIn(t *testing.T) *stacktest.Person {
	t.Helper()
	p := stacktest.NewPerson(t, d.URL(), visitor(t))
	d.setUp.Do(func() { p.SetUp(d.SetupSecret(t)) })
	p.SignIn()
	return p
}

// TestUser is the journey of a user: through the load balancer to the app and its database, over HTTPS.
func TestUser(t *testing.T) {
	d := stack(t)
	way := visitor(t)
	insecure := stacktest.NewPerson(t, strings.Replace(d.URL(), "https", "http", 1), way)
	if got := insecure.Get("/login"); got.Status != http.StatusMovedPermanently || !strings.HasPrefix(got.Location, d.URL()) {
		t.Errorf("HTTP leads to %d %s, want HTTPS", got.Status, got.Location)
	}
	answers := map[string]hostcontract.Health{}
	d.Until(t, "all hosts answer", func() (bool, string) {
		_, health := stacktest.Health(t, way, d.URL())
		answers[health.Host] = health
		return len(answers) == len(d.Hosts()), health.Host
	})
	for _, i := range d.Hosts() {
		if h := answers[hostcontract.HostID(i.ID)]; h.Zone != i.Zone || h.Version != d.Object.Spec.App.Version {
			t.Errorf("host %s says %+v", i.ID, h)
		}
	}
	p := d.signedIn(t)
	if got := p.Get("/dashboard"); got.Status != http.StatusOK || !strings.Contains(got.Body, stacktest.Administrator) {
		t.Errorf("the dashboard is %d %s", got.Status, got.Body)
	}
}
