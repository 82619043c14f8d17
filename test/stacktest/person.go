package stacktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
)

const (
	// Password is good enough for the app.
	Password = "eleven purple saucepans sing"
	// Administrator is who signs in.
	Administrator = "root1"
	// requestTimeout bounds a request. It is no measure: a busy machine is slow.
	requestTimeout = 2 * time.Minute
)

// Person is somebody at a browser without scripts.
type Person struct {
	t      testing.TB
	site   string
	client *http.Client
	csrf   string
}

// NewPerson is somebody who reaches a site by a transport.
func NewPerson(t testing.TB, site string, way http.RoundTripper) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Person{t: t, site: site, client: &http.Client{
		Transport: way, Jar: jar, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Page is what a person gets to see.
type Page struct {
	Status         int
	Location, Body string
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

func (p *Person) do(method, path, body string) Page {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.site+path, strings.NewReader(body))
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
	return Page{response.StatusCode, response.Header.Get("Location"), string(text)}
}

// Get opens a page.
func (p *Person) Get(path string) Page {
	p.t.Helper()
	return p.do(http.MethodGet, path, "")
}

// Post sends the form of the page that was opened last.
func (p *Person) Post(path string, form url.Values) Page {
	p.t.Helper()
	form.Set("_csrf", p.csrf)
	return p.do(http.MethodPost, path, form.Encode())
}

// SetUp makes the first administrator with the setup secret.
func (p *Person) SetUp(secret string) {
	p.t.Helper()
	p.Get("/setup")
	got := p.Post("/setup", url.Values{
		"secret": {secret}, "username": {Administrator}, "email": {"root@example.org"}, "password": {Password},
	})
	if got.Location != "/login?done=done.setup" {
		p.t.Fatalf("setting up: %d %s", got.Status, got.Body)
	}
}

// SignIn signs in as the first administrator.
func (p *Person) SignIn() {
	p.t.Helper()
	p.Get("/login")
	if got := p.Post("/login", url.Values{"login": {Administrator}, "password": {Password}}); got.Location != "/dashboard" {
		p.t.Fatalf("signing in: %d %s", got.Status, got.Body)
	}
}

// IsSignedIn fails the test if the person is not, or no longer.
func (p *Person) IsSignedIn() {
	p.t.Helper()
	if got := p.Get("/account"); got.Status != http.StatusOK || !strings.Contains(got.Body, Administrator) {
		p.t.Errorf("the person is not signed in: %d %s", got.Status, got.Location)
	}
}

// Health is what a host says of itself to who comes by a transport; a status of zero if none answers.
func Health(t testing.TB, way http.RoundTripper, site string) (int, hostcontract.Health) {
	t.Helper()
	var health hostcontract.Health
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+hostcontract.HealthPath, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: way, Timeout: requestTimeout}
	response, err := client.Do(r)
	if err != nil {
		return 0, health
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&health); err != nil {
		return 0, health
	}
	return response.StatusCode, health
}
