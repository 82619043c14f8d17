package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// host is the app on one host, without a network.
type host struct {
	t     testing.TB
	srv   *server.Server
	cfg   *config.Config
	db    *bun.DB
	world *apptest.World
	log   *bytes.Buffer
}

func newHost(t testing.TB, overrides ...string) *host {
	t.Helper()
	return hostOn(t, apptest.Config(t, overrides...))
}

func hostOn(t testing.TB, cfg *config.Config) *host {
	t.Helper()
	db := apptest.Open(t, cfg)
	log := &bytes.Buffer{}
	srv, err := server.New(cfg, "test", db, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	srv.SchemaReady()
	return &host{t: t, srv: srv, cfg: cfg, db: db, world: apptest.NewWorld(t, db), log: log}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// browser keeps cookies and form tokens as a browser does.
type browser struct {
	host    *host
	cookies map[string]string
	csrf    string
	headers map[string]string
}

func (h *host) browser() *browser {
	return &browser{host: h, cookies: map[string]string{}, headers: map[string]string{}}
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

func (b *browser) do(req *http.Request) answer {
	b.host.t.Helper()
	req.Host = b.host.cfg.PublicHost()
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, value := range b.headers {
		req.Header.Set(name, value)
	}
	res, err := b.host.srv.App().Test(req, 20_000)
	if err != nil {
		b.host.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.host.t.Fatal(err)
	}
	for _, cookie := range res.Cookies() {
		if cookie.Value == "" || !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now()) {
			delete(b.cookies, cookie.Name)
		} else {
			b.cookies[cookie.Name] = cookie.Value
		}
	}
	if m := csrfField.FindSubmatch(body); m != nil {
		b.csrf = string(m[1])
	}
	return answer{Response: res, body: string(body)}
}

func (b *browser) get(path string) answer {
	b.host.t.Helper()
	return b.do(httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
}

// post sends a form with the token of the last page.
func (b *browser) post(path string, form url.Values) answer {
	b.host.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	if form.Get("_csrf") == "" {
		form.Set("_csrf", b.csrf)
	}
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

func (b *browser) signIn(name, password string) answer {
	b.host.t.Helper()
	b.get("/login")
	return b.post("/login", url.Values{"login": {name}, "password": {password}})
}

// as is a browser signed in as a new person of the role.
func (h *host) as(name string, role users.Role) (*browser, *users.User) {
	h.t.Helper()
	u := h.world.Person(h.t, name, role)
	b := h.browser()
	if res := b.signIn(name, apptest.Password); res.StatusCode != http.StatusSeeOther {
		h.t.Fatalf("sign-in of %s: %d %s", name, res.StatusCode, res.body)
	}
	b.get("/account")
	return b, u
}

func (h *host) token(u *users.User, scopes ...string) string {
	h.t.Helper()
	secret, err := h.world.Auth.CreateToken(context.Background(), apptest.Tester, u, "test", scopes, 1)
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// token is the form token of the cookie that the browser has now.
func (b *browser) token() string {
	if sid := b.cookies["__Host-sid"]; sid != "" {
		return auth.CSRFToken(sid)
	}
	return auth.CSRFToken(b.cookies["__Host-anon"])
}
