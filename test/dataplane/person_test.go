package dataplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// password is good enough for the app.
const password = "eleven purple saucepans sing"

// newClient reaches the lab's names as programs do that use its proxy.
func newClient(t testing.TB) *http.Client {
	t.Helper()
	proxy, err := url.Parse(lab.DataPlane.ProxyURL())
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots()}, ForceAttemptHTTP2: true,
	}}
}

func roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(lab.DataPlane.CA())
	return pool
}

// direct reaches the lab's names without the proxy between, for load.
func direct() *http.Transport {
	var dialer net.Dialer
	return &http.Transport{
		DialContext: func(ctx context.Context, network, hostport string) (net.Conn, error) {
			address, err := lab.DataPlane.Resolver.ResolveAddress(hostport)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots()}, MaxIdleConnsPerHost: 64,
	}
}

// person is somebody at a browser without scripts.
type person struct {
	t      *testing.T
	site   string
	client *http.Client
	csrf   string
}

func (d *deployed) person() *person {
	d.t.Helper()
	c := newClient(d.t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &person{t: d.t, site: d.url(), client: c}
}

// page is what the person gets to see.
type page struct {
	status         int
	location, body string
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

func (p *person) do(method, path, body string) page {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.site+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Origin", p.site)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := p.client.Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	if m := csrfField.FindSubmatch(text); m != nil {
		p.csrf = string(m[1])
	}
	return page{response.StatusCode, response.Header.Get("Location"), string(text)}
}

func (p *person) get(path string) page {
	p.t.Helper()
	return p.do(http.MethodGet, path, "")
}

func (p *person) post(path string, form url.Values) page {
	p.t.Helper()
	form.Set("_csrf", p.csrf)
	return p.do(http.MethodPost, path, form.Encode())
}

// setUp makes the first administrator, and signIn signs in as such.
func (p *person) setUp(secret string) {
	p.t.Helper()
	p.get("/setup")
	got := p.post("/setup", url.Values{
		"secret": {secret}, "username": {"root1"}, "email": {"root@example.org"}, "password": {password},
	})
	if got.location != "/login?done=done.setup" {
		p.t.Fatalf("setting up: %d %s", got.status, got.body)
	}
}

func (p *person) signIn() {
	p.t.Helper()
	p.get("/login")
	if got := p.post("/login", url.Values{"login": {"root1"}, "password": {password}}); got.location != "/dashboard" {
		p.t.Fatalf("signing in: %d %s", got.status, got.body)
	}
}
