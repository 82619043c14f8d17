package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// tire makes every confirmation of a password old.
func (h *host) tire() {
	h.t.Helper()
	if _, err := h.db.ExecContext(context.Background(), "UPDATE sessions SET elevated_until = NULL"); err != nil {
		h.t.Fatal(err)
	}
}

func asksForPassword(res answer) bool {
	return res.StatusCode == http.StatusForbidden && strings.Contains(res.body, `name="_confirm"`)
}

func TestSensitiveActsAskForThePasswordAgain(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	h.tire()
	count := 0
	for _, route := range h.srv.Routes() {
		if !route.StepUp {
			continue
		}
		count++
		req := request(route.Method, concrete(route, 1))
		req.Header.Set("X-CSRF-Token", admin.csrf)
		res := admin.do(req)
		if asked := strings.HasPrefix(res.Header.Get("Location"), "/confirm") || route.Unsafe() && asksForPassword(res); !asked {
			t.Errorf("%s %s: %d %s, want to be asked for the password", route.Method, route.Path, res.StatusCode, res.Header.Get("Location"))
		}
	}
	if count < 10 {
		t.Errorf("only %d routes ask for the password", count)
	}
	admin.get("/confirm?next=/users/export")
	old := admin.cookies["__Host-sid"]
	res := admin.post("/confirm", url.Values{"_confirm": {apptest.Password}, "next": {"/users/export"}})
	if res.Header.Get("Location") != "/users/export" || admin.cookies["__Host-sid"] == old {
		t.Errorf("after the password: %d %s, the session's token stayed: %v", res.StatusCode, res.Header.Get("Location"),
			admin.cookies["__Host-sid"] == old)
	}
	if res := admin.get("/users/export"); res.StatusCode != http.StatusOK || !strings.HasPrefix(res.body, "id,username") {
		t.Errorf("the export: %d %.40s", res.StatusCode, res.body)
	}
}

// TestAFormThatNeedsThePasswordIsNotLost sends a form, is asked, answers wrong, answers right: what was typed goes along.
func TestAFormThatNeedsThePasswordIsNotLost(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	h.tire()
	form := url.Values{
		"username": {"boss"}, "email": {"boss@example.org"}, "display_name": {"The \"Boss\""}, "role": {"admin"},
		"status": {"active"},
	}
	res := admin.post("/users", form)
	if !asksForPassword(res) || !strings.Contains(res.body, `value="The &#34;Boss&#34;"`) || !strings.Contains(res.body, `action="/users"`) {
		t.Fatalf("making an administrator: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	form.Del("_csrf")
	form.Set("_confirm", "not this one")
	if res := admin.post("/users", form); res.StatusCode != http.StatusUnauthorized || !strings.Contains(res.body, "not your password") ||
		!strings.Contains(res.body, "boss@example.org") {
		t.Fatalf("a wrong password: %d", res.StatusCode)
	}
	form.Del("_csrf")
	form.Set("_confirm", apptest.Password)
	if res := admin.post("/users", form); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "fresh-link") {
		t.Fatalf("the right password: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	if u, err := h.world.Users.ByLogin(context.Background(), "boss"); err != nil || u.DisplayName != `The "Boss"` || !u.IsAdmin() {
		t.Errorf("%+v, error %v", u, err)
	}
	if res := admin.get("/account/tokens"); res.StatusCode != http.StatusOK {
		t.Errorf("the session is not confirmed afterwards: %d", res.StatusCode)
	}
}

// TestNoWayToGiveRightsWithoutThePassword tries every way to make an administrator or to move an address from a session
// whose password was confirmed long ago, as a thief of a cookie would.
func TestNoWayToGiveRightsWithoutThePassword(t *testing.T) {
	h := newHost(t)
	admin, ada := h.as("ada", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	h.tire()
	path := fmt.Sprintf("/users/%d", bob.ID)
	same := func(changes ...string) url.Values {
		f := url.Values{
			"username": {"bob"}, "email": {bob.Email}, "display_name": {"Bob"}, "role": {"user"}, "status": {"active"},
			"version": {"1"},
		}
		for i := 0; i+1 < len(changes); i += 2 {
			f.Set(changes[i], changes[i+1])
		}
		return f
	}
	for what, try := range map[string]func() answer{
		"the edit form":   func() answer { return admin.post(path, same("role", "admin")) },
		"another address": func() answer { return admin.post(path, same("email", "thief@example.org")) },
		"the list":        func() answer { return admin.post(path+"/quick", url.Values{"role": {"admin"}, "version": {"1"}}) },
		"many at once": func() answer {
			return admin.post("/users/bulk/apply", url.Values{"action": {"make_admin"}, "id": {fmtID(bob.ID)}})
		},
		"the own address": func() answer {
			return admin.post("/account", url.Values{"email": {"thief@example.org"}, "version": {"1"}})
		},
		"a link for bob": func() answer { return admin.post(path+"/link", nil) },
		"the API's create": func() answer {
			return admin.send("POST", "/api/users", `{"username":"eve","email":"e@example.org","role":"admin"}`)
		},
		"the API's change": func() answer { return admin.send("PATCH", "/api"+path, `{"role":"admin"}`) },
		"the API's e-mail": func() answer { return admin.send("PATCH", "/api"+path, `{"email":"thief@example.org"}`) },
	} {
		if res := try(); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d %s", what, res.StatusCode, res.Header.Get("Location"))
		}
	}
	for _, u := range []*users.User{ada, bob} {
		if now, err := h.world.Users.Get(context.Background(), u.ID); err != nil || now.Role != u.Role || now.Email != u.Email {
			t.Errorf("%s is now %s with %s, error %v", u.Username, now.Role, now.Email, err)
		}
	}
	if res := admin.post(path, same()); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a harmless change asks for the password: %d", res.StatusCode)
	}
}

// send is a request of a script on a page: JSON, with the cookie and the form token.
func (b *browser) send(method, path, body string) answer {
	b.host.t.Helper()
	req := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-CSRF-Token", b.token())
	req.Header.Set("If-Match", "*")
	return b.do(req)
}

// TestAFormOfAnEndedSessionLeadsToSignIn sends a form after the session has expired: nothing happens, and the person is
// told so and brought back to where the form was.
func TestAFormOfAnEndedSessionLeadsToSignIn(t *testing.T) {
	h := newHost(t)
	b, bob := h.as("bob", users.RoleUser)
	if _, err := h.db.ExecContext(context.Background(), "UPDATE sessions SET absolute_until = UTC_TIMESTAMP(6) - INTERVAL 1 "+
		"SECOND"); err != nil {
		t.Fatal(err)
	}
	b.headers["Referer"] = h.cfg.PublicURL + "/account"
	res := b.post("/account", url.Values{"email": {bob.Email}, "display_name": {"New"}})
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusSeeOther || to.Path != "/login" || to.Query().Get("next") != "/account" {
		t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if page := b.get(to.RequestURI()); !strings.Contains(page.body, "Your session had ended") {
		t.Error("the sign-in page does not say why one is there")
	}
	if u, err := h.world.Users.Get(context.Background(), bob.ID); err != nil || u.DisplayName == "New" {
		t.Errorf("the form was taken: %+v, error %v", u, err)
	}
}
