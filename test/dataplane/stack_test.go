package dataplane

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/test/stacktest"
)

const (
	// patience bounds every wait of these tests. It is no measure: a busy machine is slow.
	patience = 2 * time.Minute
	// healthInterval is how often the operator asks hosts for their health.
	healthInterval = time.Second
	// clients is how many requests are under way at once under load.
	clients = 16
)

// deployed is a stack of a test's own, with an operator that looks after it.
type deployed struct {
	stacktest.Stack
	// way is how people reach it.
	way http.RoundTripper
}

// deploy applies the minimal sample with a release, runs an operator for it, and waits until it serves.
func deploy(t *testing.T, release origin.Artifact, interval time.Duration, changes ...func(*v1.UserManagementStack)) *deployed {
	t.Helper()
	d := apply(t, release, interval, changes...)
	d.Ready(t)
	d.Serving(t, d.way, release.Version)
	return d
}

// apply is deploy without the wait.
func apply(t *testing.T, release origin.Artifact, interval time.Duration, changes ...func(*v1.UserManagementStack)) *deployed {
	t.Helper()
	d := &deployed{Stack: stacktest.Stack{Lab: lab, Object: lab.Sample(t, "minimal"), Patience: patience}, way: direct(t)}
	stacktest.Place(d.Object, lab.Namespace(t))
	stacktest.SetRelease(d.Object, release)
	for _, change := range changes {
		change(d.Object)
	}
	config, err := lab.OperatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	operator, err := stacktest.StartOperator(config, lab.OperatorSettings(d.Object.Namespace, interval))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = operator.Stop() })
	d.Create(t)
	return d
}

// signedIn is the first administrator, signed in.
func (d *deployed) signedIn(t *testing.T) *stacktest.Person {
	t.Helper()
	p := stacktest.NewPerson(t, d.URL(), d.way)
	p.SetUp(d.SetupSecret(t))
	p.SignIn()
	return p
}

// direct reaches the lab's names without its proxy between, as browsers reach those of the world.
func direct(t *testing.T) *http.Transport {
	t.Helper()
	var dialer net.Dialer
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, hostport string) (net.Conn, error) {
			address, err := lab.DataPlane.Resolver.ResolveAddress(hostport)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: lab.Roots()}, MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// starts counts how often the app was started on all hosts.
func (d *deployed) starts() int {
	count := 0
	for _, id := range d.HostIDs() {
		count += strings.Count(lab.Console(id), "host: starting")
	}
	return count
}
