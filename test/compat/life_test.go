package compat

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// life is what has come about in the app: who is signed in, and which program has a token.
type life struct {
	root    *visitor // the administrator at a browser
	program *visitor // with a token of the administrator's
	reader  string   // somebody with a password and nothing else
	people  int
}

func path(folder string, id int64) string { return folder + "/" + strconv.FormatInt(id, 10) }

// settle is the life of an app before there was another release: setup, sign-in, people, a second factor, a token.
func settle(h *host) *life {
	h.t.Helper()
	root := h.visitor()
	root.opens("/setup")
	root.does("/login", "/setup", url.Values{
		"secret": {setupSecret}, "username": {administrator}, "email": {"root@example.org"}, "password": {password},
	})
	if to := root.signIn(administrator); to != "/dashboard" {
		h.t.Fatalf("signing in at the %s release leads to %q", h.name, to)
	}
	l := &life{root: root, program: h.visitor()}
	l.program.token = l.newToken(root)
	reader := l.newPerson(h, h)
	l.reader = reader.name
	l.newPerson(h, h).enablesFactor(h, h)
	return l
}

// newToken makes an API token that may do everything.
func (*life) newToken(v *visitor) string {
	v.t.Helper()
	v.opens("/account/tokens")
	res := v.post("/account/tokens", url.Values{"name": {"program"}, "scopes": {"users:read", "users:write"}, "days": {"7"}})
	token := between(res.body, `id="fresh-token">`, "<")
	if token == "" {
		v.t.Fatalf("no token comes from the %s release: %d %s", v.host.name, res.status, mainOf(res.body))
	}
	return token
}

// somebody is a person who has chosen a password.
type somebody struct {
	*visitor
	id    int64
	name  string
	codes []string
}

// newPerson is invited on one host and follows the link on the other.
func (l *life) newPerson(a, b *host) *somebody {
	a.t.Helper()
	name := l.newName()
	admin := l.root.onto(a)
	admin.opens("/users/new")
	res := admin.post("/users", url.Values{
		"username": {name}, "email": {name + "@example.org"}, "display_name": {"Person " + name}, "role": {"user"}, "status": {"active"},
	})
	link := between(res.body, `id="fresh-link">`, "<")
	if link == "" {
		a.t.Fatalf("no invitation for %s comes from the %s release: %d %s", name, a.name, res.status, mainOf(res.body))
	}
	p := &somebody{visitor: b.visitor(), name: name, id: l.find(b, name).ID}
	way := strings.TrimPrefix(link, site)
	p.opens(way)
	p.onto(a).does("/login", way, url.Values{"password": {password}})
	if to := p.signIn(name); to != "/account" {
		a.t.Errorf("the first sign-in of %s leads to %q", name, to)
	}
	return p
}

// find looks somebody up by name, through the API.
func (l *life) find(h *host, name string) person {
	h.t.Helper()
	res := l.program.onto(h).send(http.MethodGet, "/api/users?q="+name, "", "")
	var found []person
	if err := json.Unmarshal([]byte(res.body), &found); err != nil {
		h.t.Fatalf("%s release, searching for %s: %d %s", h.name, name, res.status, res.body)
	}
	at := slices.IndexFunc(found, func(p person) bool { return p.Username == name })
	if at < 0 {
		h.t.Fatalf("the %s release does not find %s: %s", h.name, name, res.body)
	}
	return found[at]
}

// enablesFactor shows the key on one host and confirms it on the other.
func (p *somebody) enablesFactor(a, b *host) {
	a.t.Helper()
	key := between(p.onto(a).opens("/account/second-factor"), `<code class="secret">`, "</code>")
	code, err := totp.GenerateCode(key, time.Now())
	if err != nil {
		a.t.Fatalf("the key %q of the %s release: %v", key, a.name, err)
	}
	res := p.onto(b).post("/account/second-factor", url.Values{"code": {code}})
	for part := range strings.SplitSeq(between(res.body, `<ul class="codes">`, "</ul>"), "<li>") {
		if code := between(part, "<code>", "</code>"); code != "" {
			p.codes = append(p.codes, code)
		}
	}
	if len(p.codes) != 10 {
		a.t.Fatalf("the %s release gives %d recovery codes: %d %s", b.name, len(p.codes), res.status, mainOf(res.body))
	}
}

// signsInWithFactor gives the password on one host and a recovery code on the other.
func (p *somebody) signsInWithFactor(a, b *host) {
	a.t.Helper()
	fresh := a.visitor()
	if to := fresh.signIn(p.name); to != "/login/code" {
		a.t.Errorf("signing in with a second factor at the %s release leads to %q", a.name, to)
	}
	fresh.onto(b).opens("/login/code")
	fresh.onto(b).does("/account", "/login/code", url.Values{"code": {p.codes[0]}})
	p.codes = p.codes[1:]
	fresh.onto(a).opens("/account")
}

// everyPage are the pages that releases have in common; what a page holds beyond that may differ.
func everyPage(id int64) []string {
	return []string{
		"/dashboard", "/users", "/users?status=deleted", "/users?q=person&sort=-created_at", "/users?sort=-last_login_at&size=10", "/users/new",
		path("/users", id), "/users/import", "/users/export", "/audit", "/audit?target=" + strconv.FormatInt(id, 10), "/audit/export", "/help",
		"/account", "/account/password", "/account/second-factor", "/account/sessions", "/account/tokens", "/account/activity",
		"/api/users", "/api/openapi.json", "/robots.txt",
	}
}

// walk opens every page of a host.
func (l *life) walk(h *host) {
	h.t.Helper()
	for _, page := range everyPage(l.find(h, l.reader).ID) {
		l.root.onto(h).opens(page)
	}
}

// looks opens a page of one host and asks another for the styles and scripts that it names. It returns those that are not
// there.
func looks(page, at *host) (missing []string) {
	page.t.Helper()
	text := page.visitor().opens("/login")
	for _, asset := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(text, -1) {
		if res := at.visitor().get(asset[1]); res.status != http.StatusOK {
			missing = append(missing, asset[1])
		}
	}
	return missing
}
