package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestTheCodeLeadsToWhereOneWasGoing signs in with a second factor on the way to a page, a wrong code among it.
func TestTheCodeLeadsToWhereOneWasGoing(t *testing.T) {
	h := newHost(t)
	b, _ := h.as("ada", users.RoleAdmin)
	secret := between(b.get("/account/second-factor").body, `<code class="secret">`, "</code>")
	code, err := totp.GenerateCode(secret, time.Now().Add(-30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	b.post("/account/second-factor", url.Values{"code": {code}})
	again := h.browser()
	again.get("/login")
	going := "/users?status=locked"
	res := again.post("/login", url.Values{"login": {"ada"}, "password": {apptest.Password}, "next": {going}})
	page := again.get(res.Header.Get("Location"))
	if kept := between(page.body, `name="next" value="`, `"`); kept != going {
		t.Fatalf("the page that asks for the code, %s, goes on to %q", res.Header.Get("Location"), kept)
	}
	if res = again.post("/login/code", url.Values{"code": {"000000"}, "next": {going}}); !strings.Contains(res.body, going) {
		t.Errorf("a wrong code forgets it: %d", res.StatusCode)
	}
	code, _ = totp.GenerateCode(secret, time.Now())
	if res = again.post("/login/code", url.Values{"code": {code}, "next": {going}}); res.Header.Get("Location") != going {
		t.Errorf("the code leads to %q", res.Header.Get("Location"))
	}
}

func TestUndoComesBackToTheList(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	list := "/users?q=bob&sort=-email"
	res := admin.post("/users/bulk/apply", url.Values{"action": {"disable"}, "id": {fmtID(bob.ID)}, "query": {"q=bob&sort=-email"}})
	page := admin.get(res.Header.Get("Location"))
	handle, query := between(page.body, `name="handle" value="`, `"`), between(page.body, `name="query" value="`, `"`)
	res = admin.post("/users/bulk/undo", url.Values{"handle": {handle}, "query": {strings.ReplaceAll(query, "&amp;", "&")}})
	if got := res.Header.Get("Location"); got != list+"&done=done.undone" {
		t.Errorf("undo goes to %q, the list was %s", got, list)
	}
}

// TestAChangeInTheListComesBackToItsRow also when somebody else was there first, which the list then says.
func TestAChangeInTheListComesBackToItsRow(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	row := "u-" + fmtID(bob.ID)
	if page := admin.get("/users?q=bob"); !strings.Contains(page.body, `name="next" value="/users?q=bob#`+row+`"`) {
		t.Fatalf("the row's forms do not come back to it: %s", page.body)
	}
	form := url.Values{"status": {"disabled"}, "version": {"1"}, "next": {"/users?q=bob#" + row}}
	path := "/users/" + fmtID(bob.ID) + "/quick"
	if got := admin.post(path, form).Header.Get("Location"); got != "/users?q=bob&done=done.saved#"+row {
		t.Errorf("a change comes back to %q", got)
	}
	form.Set("status", "active")
	res := admin.post(path, form) // of the version before
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/users?q=bob&done=done.stale#"+row {
		t.Fatalf("a stale change: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	page := admin.get("/users?q=bob&done=done.stale")
	if !strings.Contains(page.body, `class="alert alert-warning"`) || !strings.Contains(page.body, "somebody else changed this user") ||
		!strings.Contains(page.body, `<tr id="`+row+`">`) {
		t.Errorf("the list after it: %s", page.body)
	}
	if after, err := h.world.Users.Get(context.Background(), bob.ID); err != nil || after.Status != users.StatusDisabled {
		t.Errorf("the stale change went through: %+v, error %v", after, err)
	}
}

func TestABulkActionForNobodySaysWhatToDo(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	if res := admin.post("/users/bulk", url.Values{"action": {"disable"}, "query": {""}}); !strings.Contains(res.body, "Nobody is selected") {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
}

// TestTheAuditLogSpeaksTheLanguageOfItsReader looks at values that are neither names nor choices.
func TestTheAuditLogSpeaksTheLanguageOfItsReader(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	admin.post("/users/bulk/apply", url.Values{"action": {"force_change"}, "id": {fmtID(bob.ID)}})
	admin.headers["Accept-Language"] = "de"
	if page := admin.get("/audit"); !strings.Contains(page.body, "Nein → Ja") {
		t.Errorf("the log in German: %s", page.body)
	}
}

// TestAnImportShowsWhomItMakesAdministrator before it does, ahead of the rows that a report has room for.
func TestAnImportShowsWhomItMakesAdministrator(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	var file strings.Builder
	file.WriteString("username,email,role\n")
	for i := range 600 {
		fmt.Fprintf(&file, "person%d,person%d@example.org,user\n", i, i)
	}
	file.WriteString("mallory,mallory@example.org,admin\n")
	page := admin.upload(file.String()).body
	first := between(page, "<tbody>", "</tr>")
	if !strings.Contains(first, "mallory") || !strings.Contains(first, "Administrator</span>") || !strings.Contains(page, "and 101 more") {
		t.Errorf("the report begins with %s", first)
	}
}

// TestAnErrorLeadsBackToWhereOneWas refuses to let the last administrator go, from the form and from the list, and looks
// where the page leads to. Other sites and pages that only an act opens are nowhere to go back to.
func TestAnErrorLeadsBackToWhereOneWas(t *testing.T) {
	h := newHost(t)
	admin, ada := h.as("ada", users.RoleAdmin)
	other, eve := h.as("eve", users.RoleAdmin)
	ends := users.Patch{ExpiresAt: new("2099-01-01T00:00")}
	if _, err := h.world.Users.Edit(context.Background(), apptest.Tester, eve.ID, 0, ends); err != nil {
		t.Fatal(err)
	}
	self := "/users/" + fmtID(ada.ID)
	back := func(b *browser, referer, path string, form url.Values) string {
		b.headers["Referer"] = referer
		res := b.post(path, form)
		if res.StatusCode != http.StatusConflict || !strings.Contains(res.body, "last active administrator") {
			t.Fatalf("%s: %d %s", path, res.StatusCode, between(res.body, "<main", "</main>"))
		}
		return between(between(res.body, `<div class="empty">`, "</div>"), `href="`, `"`)
	}
	quick := func(b *browser, referer string) string {
		return back(b, referer, self+"/quick", url.Values{"status": {"disabled"}, "version": {"1"}})
	}
	ours := h.cfg.PublicURL
	for referer, want := range map[string]string{
		ours + "/users?q=ada&done=done.saved": "/users?q=ada",
		ours + self:                           self,
		ours + "/users/bulk":                  "/",
		ours + ".evil.example/users":          "/",
		"https://evil.example/users":          "/",
		ours + "//evil.example":               "/",
		"javascript:alert(1)":                 "/",
		"":                                    "/",
	} {
		if got := quick(other, referer); got != want {
			t.Errorf("coming from %q it leads to %q, want %q", referer, got, want)
		}
	}
	form := url.Values{"action": {"disable"}, "id": {fmtID(ada.ID)}, "query": {"role=admin"}}
	if got := back(other, ours+"/users/bulk", "/users/bulk/apply", form); got != "/users?role=admin" {
		t.Errorf("a bulk action leads back to %q", got)
	}
	admin.headers["Referer"] = ours + "/users"
	if res := admin.get("/users/999999"); !strings.Contains(res.body, `href="/users">Back</a>`) {
		t.Errorf("a page that is not there: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
}
