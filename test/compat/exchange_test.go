package compat

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// exchange is what people do while a load balancer sends each request to another release: what one writes the other reads.
// It is called with the two releases in both orders.
func (l *life) exchange(a, b *host) {
	a.t.Helper()
	l.sharesAccounts(a, b)
	l.sharesRepeats(a, b)
	l.sharesBulk(a, b)
	l.sharesImports(a, b)
	l.sharesSessions(a, b)
	l.sharesTokens(a, b)
	p := l.newPerson(a, b)
	p.enablesFactor(b, a)
	p.signsInWithFactor(a, b)
	p.signsInWithFactor(b, a)
	l.sharesTheLog(a, b)
}

// sharesAccounts makes, changes, deletes and restores somebody, each step at the other release.
func (l *life) sharesAccounts(a, b *host) {
	a.t.Helper()
	onA, onB := l.program.onto(a), l.program.onto(b)
	name := l.newName()
	made := onA.api(http.StatusCreated, http.MethodPost, "/api/users", `{"username":"`+name+`","email":"`+name+`@example.org"}`)
	at := path("/api/users", made.ID)
	onB.api(http.StatusOK, http.MethodPatch, at, `{"display_name":"Renamed"}`, "If-Match", etag(made))
	if got := onA.api(http.StatusOK, http.MethodGet, at, ""); got.Name != "Renamed" || got.Version != made.Version+1 {
		a.t.Errorf("the %s release sees %+v after a change at the %s one", a.name, got, b.name)
	}
	onA.api(http.StatusPreconditionFailed, http.MethodPatch, at, `{"display_name":"Late"}`, "If-Match", etag(made))
	admin := l.root.onto(b)
	admin.opens(path("/users", made.ID))
	admin.onto(a).does(path("/users", made.ID), path("/users", made.ID), url.Values{
		"username": {name}, "email": {name + "@example.org"}, "display_name": {"By form"}, "role": {"user"}, "status": {"active"},
		"version": {strconv.FormatInt(made.Version+1, 10)},
	})
	onA.api(http.StatusNoContent, http.MethodDelete, at, "", "If-Match", "*")
	onB.api(http.StatusNotFound, http.MethodGet, at, "")
	l.root.onto(b).does(path("/users", made.ID), path("/users", made.ID)+"/restore", url.Values{})
	if got := onA.api(http.StatusOK, http.MethodGet, at, ""); got.Name != "By form" {
		a.t.Errorf("the %s release sees %+v after it was restored at the %s one", a.name, got, b.name)
	}
}

func etag(p person) string { return `"` + strconv.FormatInt(p.Version, 10) + `"` }

func (l *life) newName() string {
	l.people++
	return "person" + strconv.Itoa(l.people)
}

// sharesRepeats has a program repeat a creation, because it did not hear the answer, at the other release.
func (l *life) sharesRepeats(a, b *host) {
	a.t.Helper()
	name := l.newName()
	body := `{"username":"` + name + `","email":"` + name + `@example.org"}`
	first := l.program.onto(a).api(http.StatusCreated, http.MethodPost, "/api/users", body, "Idempotency-Key", name)
	if again := l.program.onto(b).api(http.StatusCreated, http.MethodPost, "/api/users", body, "Idempotency-Key", name); again.ID != first.ID {
		a.t.Errorf("repeated at the %s release, a creation makes %d beside %d", b.name, again.ID, first.ID)
	}
}

// sharesBulk does a bulk change at one release and undoes it at the other.
func (l *life) sharesBulk(a, b *host) {
	a.t.Helper()
	p := l.newPerson(a, b)
	admin := l.root.onto(a)
	admin.opens("/users")
	res := admin.does("/users", "/users/bulk/apply", url.Values{"action": {"disable"}, "id": {strconv.FormatInt(p.id, 10)}})
	if got := l.find(b, p.name); got.Status != "disabled" {
		a.t.Errorf("the %s release sees %+v, deactivated at the %s one", b.name, got, a.name)
	}
	to, err := url.Parse(res.header.Get("Location"))
	if err != nil {
		a.t.Fatal(err)
	}
	admin.onto(b).does("/users", "/users/bulk/undo", url.Values{"handle": {to.Query().Get("undo")}})
	if got := l.find(a, p.name); got.Status != "active" {
		a.t.Errorf("the %s release sees %+v, which was undone at the %s one", a.name, got, b.name)
	}
}

// sharesImports checks a file at one release and imports it at the other.
func (l *life) sharesImports(a, b *host) {
	a.t.Helper()
	name := l.newName()
	admin := l.root.onto(a)
	admin.opens("/users/import")
	handle := admin.upload("username,email,display_name\n" + name + "," + name + "@example.org,Imported\n")
	admin.onto(b).does("/users", "/users/import/apply", url.Values{"handle": {handle}})
	if got := l.find(a, name); got.Name != "Imported" {
		a.t.Errorf("the %s release sees %+v, imported at the %s one", a.name, got, b.name)
	}
}

// sharesSessions signs in at one release, goes on at the other, and signs out there.
func (l *life) sharesSessions(a, b *host) {
	a.t.Helper()
	p := a.visitor()
	if to := p.signIn(l.reader); to != "/account" {
		a.t.Errorf("signing in at the %s release leads to %q", a.name, to)
	}
	kept := p.onto(a)
	kept.jar = maps.Clone(p.jar)
	p.onto(b).opens("/account")
	p.onto(b).does("/account", "/account", url.Values{"email": {l.reader + "@example.org"}, "display_name": {"Seen by " + b.name}})
	if page := p.opens("/account"); !strings.Contains(page, "Seen by "+b.name) {
		a.t.Errorf("the %s release does not show what was saved at the %s one", a.name, b.name)
	}
	p.onto(b).does("/login", "/logout", url.Values{})
	if res := kept.get("/account"); res.status != http.StatusSeeOther {
		a.t.Errorf("signed out at the %s release, the session goes on at the %s one: %d", b.name, a.name, res.status)
	}
}

// sharesTokens makes a token at one release, uses and revokes it at the other.
func (l *life) sharesTokens(a, b *host) {
	a.t.Helper()
	program := b.visitor()
	program.token = l.newToken(l.root.onto(a))
	program.api(http.StatusOK, http.MethodGet, "/api/users?size=1", "")
	page := l.root.onto(b).opens("/account/tokens")
	newest := between(page, `name="id" value="`, `"`)
	l.root.onto(b).does("/account/tokens", "/account/tokens/revoke", url.Values{"id": {newest}})
	program.onto(a).api(http.StatusUnauthorized, http.MethodGet, "/api/users?size=1", "")
}

// sharesTheLog looks for what one release wrote into the audit log, as the other shows it.
func (l *life) sharesTheLog(a, b *host) {
	a.t.Helper()
	p := l.newPerson(a, a)
	if page := mainOf(l.root.onto(b).opens("/audit?target=" + strconv.FormatInt(p.id, 10))); !strings.Contains(page, p.name) {
		a.t.Errorf("the %s release does not show what was done to %s at the %s one: %s", b.name, p.name, a.name, page)
	}
}
