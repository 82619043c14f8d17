package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// editForm is the form of a person's page, as it is sent without a change but these.
func editForm(page answer, changes ...string) url.Values {
	field := func(name string) string { return between(page.body, `name="was_`+name+`" value="`, `"`) }
	f := url.Values{"version": {between(page.body, `name="version" value="`, `"`)}}
	for _, name := range []string{"username", "email", "display_name", "role", "status", "expires_at"} {
		f.Set(name, field(name))
		f.Set("was_"+name, field(name))
	}
	for i := 0; i+1 < len(changes); i += 2 {
		f.Set(changes[i], changes[i+1])
	}
	return f
}

// TestAccessEndsOnEveryHostAtOnce ends somebody's access while sessions, a token and a link are in use on two hosts.
func TestAccessEndsOnEveryHostAtOnce(t *testing.T) {
	cfg := apptest.Config(t)
	a, b := hostOn(t, cfg), hostOn(t, cfg)
	admin, _ := a.as("ada", users.RoleAdmin)
	onA, bob := a.as("bob", users.RoleUser)
	onB := b.browser()
	onB.signIn("bob", apptest.Password)
	program := b.browser()
	program.headers["Authorization"] = "Bearer " + a.token(bob, auth.ScopeRead)
	link, err := a.world.Auth.IssueLink(context.Background(), apptest.Tester, bob.ID, auth.LinkReset)
	if err != nil {
		t.Fatal(err)
	}
	works := func() [4]bool {
		return [4]bool{
			onA.get("/account").StatusCode == http.StatusOK, onB.get("/account").StatusCode == http.StatusOK,
			program.get("/api/users").StatusCode == http.StatusOK, b.browser().get("/link/"+link).StatusCode == http.StatusOK,
		}
	}
	path := fmt.Sprintf("/users/%d", bob.ID)
	if res := admin.post(path, editForm(admin.get(path), "expires_at", "2124-01-31T18:00")); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("setting an end: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	if got := works(); got != [4]bool{true, true, true, true} {
		t.Errorf("before the end: %v", got)
	}
	if page := onA.get("/account"); !strings.Contains(page.body, "Your access ends: 2124-01-31 18:00 UTC") {
		t.Error("the profile does not say when access ends")
	}
	if res := onA.send("PATCH", "/api"+path, `{"expires_at":null}`); res.StatusCode != http.StatusForbidden {
		t.Errorf("somebody takes the end of the own access away: %d", res.StatusCode)
	}
	// The clock, and nobody's act, brings the end.
	if _, err := a.db.ExecContext(context.Background(), "UPDATE users SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ?",
		bob.ID); err != nil {
		t.Fatal(err)
	}
	if got := works(); got != [4]bool{} {
		t.Errorf("after the end: %v", got)
	}
	wrong, ended := b.browser().signIn("bob", "not this one"), b.browser().signIn("bob", apptest.Password)
	if ended.StatusCode != wrong.StatusCode || !strings.Contains(ended.body, "Wrong name or password") {
		t.Errorf("signing in after the end: %d, with a wrong password %d", ended.StatusCode, wrong.StatusCode)
	}
	prolonged(t, admin, onA, bob)
}

// prolonged sees what an administrator is shown of an account that has ended, and gives it more time: the sessions of
// before stay ended.
func prolonged(t *testing.T, admin, old *browser, bob *users.User) {
	t.Helper()
	path := fmt.Sprintf("/users/%d", bob.ID)
	page := admin.get(path)
	if !strings.Contains(page.body, ">Expired<") || !strings.Contains(page.body, "Refused: access has ended") {
		t.Error("the person's page does not say that access has ended")
	}
	if res := admin.post(path, editForm(page, "expires_at", "2125-01-01")); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("prolonging: %d", res.StatusCode)
	}
	if res := old.get("/account"); res.StatusCode == http.StatusOK {
		t.Error("a session of before the end lives on after more time was given")
	}
	if res := old.signIn("bob", apptest.Password); res.StatusCode != http.StatusSeeOther {
		t.Errorf("signing in after more time was given: %d", res.StatusCode)
	}
}

func TestTheEndOfAccessIsInListExportImportAndForms(t *testing.T) {
	h := newHost(t)
	admin, ada := h.as("ada", users.RoleAdmin)
	for name, end := range map[string]string{"past1": "2024-01-31T18:00:07", "soon1": "2124-01-31", "never1": ""} {
		res := admin.post("/users", url.Values{
			"username": {name}, "email": {name + "@example.org"}, "role": {"user"}, "status": {"active"}, "expires_at": {end},
		})
		if invited := strings.Contains(res.body, "fresh-link"); invited != (name != "past1") {
			t.Errorf("making %s: %d, invited: %v", name, res.StatusCode, invited)
		}
	}
	for query, want := range map[string][]string{
		"status=expired": {"past1"}, "status=temporary": {"soon1"}, "status=active": {"never1", "soon1", "ada"},
	} {
		page := admin.get("/users?" + query)
		for _, name := range []string{"past1", "soon1", "never1", "ada"} {
			if shown := strings.Contains(page.body, `aria-label="Select `+name+`"`); shown != strings.Contains(fmt.Sprint(want), name) {
				t.Errorf("?%s shows %s: %v", query, name, shown)
			}
		}
	}
	if page := admin.get("/users?sort=-expires_at"); !strings.Contains(page.body, ">Expired<") {
		t.Error("the list does not mark who has expired")
	}
	admin.post("/preferences", url.Values{"columns": {"chosen"}, "cols": {"role", "expires_at"}})
	if page := admin.get("/users?status=temporary"); !strings.Contains(page.body, `datetime="2124-02-01T00:00:00Z"`) {
		t.Error("the list does not show the column that was chosen")
	}
	export := admin.get("/users/export?status=expired").body
	if !strings.Contains(export, ",expires_at\r\n") || !strings.Contains(export, ",2024-01-31T18:00:07Z\r\n") {
		t.Errorf("the export: %s", export)
	}
	admin.get("/users/import")
	res := admin.upload("username,email,expires_at\nfine1,f@example.org,2124-01-31T18:00:00Z\nwrong1,w@example.org,someday\n")
	if !strings.Contains(res.body, "1 to add") || !strings.Contains(res.body, "Access ends: is not a time") {
		t.Errorf("the import's dry run: %s", between(res.body, "<main", "</main>"))
	}
	secondsAndConflicts(t, h, admin)
	own := admin.get(fmt.Sprintf("/users/%d", ada.ID))
	if res := admin.post(fmt.Sprintf("/users/%d", ada.ID), editForm(own, "expires_at", "2124-01-01")); res.StatusCode != http.StatusConflict {
		t.Errorf("an end for the own access: %d", res.StatusCode)
	}
}

// secondsAndConflicts edits past1, whose end has seconds that the form has to keep.
func secondsAndConflicts(t *testing.T, h *host, admin *browser) {
	t.Helper()
	past, err := h.world.Users.ByLogin(context.Background(), "past1")
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/users/%d", past.ID)
	stale := admin.get(path)
	if res := admin.post(path, editForm(stale, "display_name", "Past")); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("an edit beside the end: %d", res.StatusCode)
	}
	if res := admin.post(path, editForm(admin.get(path), "expires_at", "whenever")); res.StatusCode != http.StatusUnprocessableEntity ||
		!strings.Contains(res.body, `value="whenever"`) || !strings.Contains(res.body, `href="#f-expires_at"`) {
		t.Errorf("an end that is no time: %d", res.StatusCode)
	}
	res := admin.post(path, editForm(stale, "expires_at", "2124-05-05T00:00"))
	if res.StatusCode != http.StatusConflict || !strings.Contains(res.body, `name="expires_at" value="2024-01-31T18:00:07"`) ||
		!strings.Contains(res.body, `name="expires_at" value="2124-05-05T00:00"`) {
		t.Errorf("a stale edit of the end: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
}

func TestTheCleanUpRecordsWhoseAccessHasEnded(t *testing.T) {
	h, ctx := newHost(t), context.Background()
	_, bob := h.as("bob", users.RoleUser)
	for _, statement := range []string{
		"UPDATE settings SET value = '2024-01-01 00:00:00.000000' WHERE name = 'expiry_recorded_until'",
		"UPDATE users SET expires_at = '2024-02-01'",
	} {
		if _, err := h.db.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.srv.CleanUpOnce(ctx); err != nil {
			t.Fatal(err)
		}
	}
	entries, _, err := audit.List(ctx, h.db, audit.Query{Action: "user.expire", Limit: 5})
	left, serr := h.db.NewSelect().Table("sessions").Count(ctx)
	if err != nil || serr != nil || len(entries) != 1 || entries[0].TargetID != bob.ID || left != 0 {
		t.Errorf("%d entries, %d sessions left, errors %v, %v", len(entries), left, err, serr)
	}
}
