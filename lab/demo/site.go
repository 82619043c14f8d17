package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/lab/dns"
	"usermanagement.dev/stack/lab/hosts"
	"usermanagement.dev/stack/lab/origin"
	"usermanagement.dev/stack/lab/proxy"
)

const (
	// domain is the zone that the account has. Browsers and curl take every name below localhost for this machine
	// (RFC 6761, 6.3).
	domain = "example.localhost"
	// httpsDoor and httpDoor are where the stack is on this machine, if they are free. Hosts that boot their user data
	// unchanged take nothing for their address but the one in it, which has the usual port: there root, who alone can run
	// them, opens that.
	httpsDoor, httpDoor, usualPort = 8443, 8080, 443
	// The releases that the demo serves; the sample is applied with the first.
	firstRelease, secondRelease = "1.4.0", "1.4.1"
)

// releaseProgram is a release of the app among the built programs.
func releaseProgram(version string) string { return filepath.Join("releases", "app-"+version) }

// site is the stack as its users see it.
type site struct {
	// url is its address in a browser on this machine.
	url string
	// door is where on this machine it is; nil if it is reached by the lab's proxy.
	door *proxy.Door
	// next is the release to go on with; nil where hosts fetch none.
	next *origin.Artifact
}

func (s *site) close() error {
	if s.door == nil {
		return nil
	}
	return s.door.Close()
}

// prepareSite reads the sample, and opens a port of this machine that leads to its load balancer.
func (d *demo) prepareSite(ctx context.Context) error {
	path, err := d.options.samplePath()
	if err != nil {
		return err
	}
	lab := fitting{Zone: d.lab.Zone, Domain: domain, Certificate: func(region string, names []string) (string, error) {
		certificate, err := d.lab.Cloud.Client(cloud.Caller{Region: region}).ImportCertificate(ctx, names...)
		return certificate.ARN, err
	}}
	if d.options.fetches() {
		first, err := d.serveRelease(firstRelease)
		if err != nil {
			return err
		}
		next, err := d.serveRelease(secondRelease)
		if err != nil {
			return err
		}
		lab.Release, d.site.next = &first, &next
	}
	if d.options.Hosts == hosts.Nspawn {
		if lab.AuthorizedKey, err = d.makeKey(); err != nil {
			return err
		}
		lab.Visitor = dataplane.VisitorAddress
	}
	if d.sample, err = readSample(path, lab); err != nil {
		return err
	}
	return d.openDoor(ctx)
}

func (d *demo) serveRelease(version string) (origin.Artifact, error) {
	return d.lab.DataPlane.Releases.Add(version, runtime.GOARCH, d.options.program(releaseProgram(version)))
}

// openDoor makes the stack's address. A stack without a domain is found as localhost, which needs no name of its own, but
// not if its hosts boot their user data unchanged: they take nothing for their address but the load balancer's own name.
func (d *demo) openDoor(ctx context.Context) error {
	scheme, host, port, preferred := "https", d.sample.domain(), 443, httpsDoor
	if host == "" && d.options.Hosts == hosts.Nspawn {
		return nil
	}
	if host == "" {
		scheme, host, port, preferred = "http", "localhost", 80, httpDoor
	}
	// Where the sample's owner keeps DNS himself, the demo does.
	d.lab.DataPlane.Resolver.Add(d.ownBalancer(host))
	if d.options.Hosts == hosts.Nspawn {
		preferred = usualPort
	}
	door, err := d.lab.DataPlane.Proxy.Open(ctx, func() (string, error) {
		return d.lab.DataPlane.Resolver.Resolve(host, port)
	}, preferred)
	if err != nil {
		return err
	}
	d.site.door = door
	d.site.url = scheme + "://" + net.JoinHostPort(host, strconv.Itoa(door.Port()))
	if scheme == "https" && door.Port() == usualPort {
		d.site.url = scheme + "://" + host
	}
	if d.options.Hosts == hosts.Nspawn && door.Port() != usualPort {
		d.console.Say("%s", d.console.style.Note("port 443 of this machine is taken: pages show, but the app refuses forms sent by "+d.site.url))
	}
	return nil
}

// ownBalancer has a name lead to the load balancer of the sample.
func (d *demo) ownBalancer(name string) dns.Source {
	return func(asked string, port int) (string, bool) {
		given := d.balancerName()
		if asked != name || given == "" {
			return "", false
		}
		address, err := d.lab.DataPlane.Resolver.Resolve(given, port)
		return address, err == nil
	}
}

// balancerName is the name that AWS gave to the load balancer of the sample; empty while there is none.
func (d *demo) balancerName() string {
	for _, lb := range d.lab.Cloud.LoadBalancers() {
		if lb.Owner.Namespace == d.sample.object.GetNamespace() && strings.HasPrefix(lb.Owner.Name, d.sample.object.GetName()+"-") {
			return lb.DNSName
		}
	}
	return ""
}

// showSite waits until the stack answers under its address, and tells the address.
func (d *demo) showSite(ctx context.Context) error {
	d.console.Begin("the site answers")
	if d.site.door == nil {
		d.site.url = "http://" + strings.ToLower(d.balancerName())
	}
	limited, cancel := context.WithTimeoutCause(ctx, d.options.Timeout,
		fmt.Errorf("%s does not answer after %s", d.site.url, d.options.Timeout))
	defer cancel()
	client := &http.Client{Timeout: probeTimeout, Transport: d.way()}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(readyRetry)
	defer tick.Stop()
	for !answersWith(limited, client, d.site.url+hostcontract.HealthPath) {
		select {
		case <-limited.Done():
			return errors.Join(context.Cause(limited), errors.New("the hosts' logs are in "+d.lab.DataPlane.Dir()))
		case <-tick.C:
		}
	}
	d.console.Done("%s", d.site.url)
	return nil
}

// way is how a browser on this machine reaches the stack.
func (d *demo) way() *http.Transport {
	if d.site.door == nil {
		return &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(d.lab.DataPlane.ProxyURL()) }}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(d.lab.DataPlane.CA())
	return &http.Transport{
		// Go asks a resolver for names below localhost, and not every resolver knows RFC 6761.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(d.site.door.Port())))
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
}
