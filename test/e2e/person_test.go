package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/dataplane"
)

const (
	site     = "https://users.example.com"
	password = "eleven purple saucepans sing"
)

// person is somebody on the internet with a browser without scripts.
type person struct {
	t      *testing.T
	client *http.Client
	csrf   string
}

// newPerson connects from an address on the internet, by packets.
func newPerson(t *testing.T, address string) *person {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(lab.DataPlane.CA())
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, hostport string) (net.Conn, error) {
			name, text, err := net.SplitHostPort(hostport)
			if err != nil {
				return nil, err
			}
			port, err := strconv.Atoi(text)
			if err != nil {
				return nil, err
			}
			return lab.DataPlane.Network.DialName(ctx, netip.MustParseAddr(address), name, port)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &person{t: t, client: &http.Client{
		Transport: transport, Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is what the person gets to see.
type page struct {
	status         int
	location, body string
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

func (p *person) do(method, address, body string) page {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Origin", site)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := p.client.Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, address, err)
	}
	if m := csrfField.FindSubmatch(text); m != nil {
		p.csrf = string(m[1])
	}
	return page{response.StatusCode, response.Header.Get("Location"), string(text)}
}

func (p *person) post(path string, form url.Values) page {
	p.t.Helper()
	p.do(http.MethodGet, site+path, "")
	form.Set("_csrf", p.csrf)
	return p.do(http.MethodPost, site+path, form.Encode())
}

// health asks until both hosts have answered.
func (p *person) health(d *deployed) map[string]hostcontract.Health {
	p.t.Helper()
	seen := map[string]hostcontract.Health{}
	d.until(p.t, "both hosts answer /health", func() (bool, string) {
		got := p.do(http.MethodGet, site+hostcontract.HealthPath, "")
		var h hostcontract.Health
		if got.status == http.StatusOK && json.Unmarshal([]byte(got.body), &h) == nil {
			seen[h.Host] = h
		}
		return len(seen) == 2, strconv.Itoa(got.status) + " " + got.body
	})
	return seen
}

// TestUser is the journey of a user: through the load balancer to the app and its database, over HTTPS.
func TestUser(t *testing.T) {
	d := stack(t)
	p := newPerson(t, dataplane.VisitorAddress)
	if got := p.do(http.MethodGet, strings.Replace(site, "https", "http", 1)+"/login", ""); got.status != http.StatusMovedPermanently ||
		!strings.HasPrefix(got.location, site) {
		t.Errorf("HTTP leads to %d %s, want HTTPS", got.status, got.location)
	}
	answers := p.health(d)
	for _, i := range d.hosts() {
		if h := answers[hostcontract.HostID(i.ID)]; h.Zone != i.Zone || h.Version != release.Version {
			t.Errorf("host %s says %+v", i.ID, h)
		}
	}
	got := p.post("/setup", url.Values{
		"secret": {d.setupSecret(t)}, "username": {"root1"}, "email": {"root@example.org"}, "password": {password},
	})
	if got.location != "/login?done=done.setup" {
		t.Fatalf("setting up: %d %s", got.status, got.body)
	}
	if got := p.post("/login", url.Values{"login": {"root1"}, "password": {password}}); got.location != "/dashboard" {
		t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	if got := p.do(http.MethodGet, site+"/dashboard", ""); got.status != http.StatusOK || !strings.Contains(got.body, "root1") {
		t.Errorf("the dashboard is %d %s", got.status, got.body)
	}
}
