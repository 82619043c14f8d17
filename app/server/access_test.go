package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestAnAdministratorSeesAndEndsWhatLetsAPersonIn ends one of two sessions and one token of somebody else.
func TestAnAdministratorSeesAndEndsWhatLetsAPersonIn(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	first, bob := h.as("bob", users.RoleUser)
	second := h.browser()
	second.signIn("bob", apptest.Password)
	program := h.browser()
	program.headers["Authorization"] = "Bearer " + h.token(bob, auth.ScopeRead)
	page := admin.get(fmt.Sprintf("/users/%d", bob.ID))
	handles := strings.Split(page.body, `name="handle" value="`)
	if len(handles) != 3 || !strings.Contains(page.body, "/tokens/revoke") {
		t.Fatalf("the page shows %d sessions, want 2 and a token", len(handles)-1)
	}
	list, err := h.world.Sessions.List(context.Background(), bob.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d sessions, error %v", len(list), err)
	}
	path := fmt.Sprintf("/users/%d", bob.ID)
	if res := admin.post(path+"/sessions/end", url.Values{"handle": {list[0].Handle}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("ending one session: %d", res.StatusCode)
	}
	alive := 0
	for _, b := range []*browser{first, second} {
		if b.get("/account").StatusCode == http.StatusOK {
			alive++
		}
	}
	if alive != 1 {
		t.Errorf("%d sessions live on, want one", alive)
	}
	if res := program.get("/api/users"); res.StatusCode != http.StatusOK {
		t.Fatalf("the token: %d", res.StatusCode)
	}
	if res := admin.post(path+"/tokens/revoke", url.Values{"id": {between(page.body, `name="id" value="`,
		`"`)}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("revoking the token: %d %s", res.StatusCode, res.body)
	}
	if res := program.get("/api/users"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", res.StatusCode)
	}
	recorded(t, admin, bob.ID)
}

// recorded looks for what was done to a person in the log and in its export, which is recorded itself.
func recorded(t *testing.T, admin *browser, id int64) {
	t.Helper()
	log := admin.get("/audit/export?target=" + fmtID(id))
	if !strings.HasPrefix(log.body, "id,at,actor,action") || !strings.Contains(log.body, ",session.end,") ||
		!strings.Contains(log.body, ",token.revoke,") {
		t.Errorf("the log's export: %d %s", log.StatusCode, log.body)
	}
	if page := admin.get("/audit"); !strings.Contains(page.body, "Audit log exported") {
		t.Error("the export of the log is not in the log")
	}
}

// TestAUserCannotEndAnothersSession takes the handle of somebody else's session.
func TestAUserCannotEndAnothersSession(t *testing.T) {
	h := newHost(t)
	admin, ada := h.as("ada", users.RoleAdmin)
	bob, _ := h.as("bob", users.RoleUser)
	list, err := h.world.Sessions.List(context.Background(), ada.ID)
	if err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	if res := bob.post("/account/sessions/end", url.Values{"handle": {list[0].Handle}}); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d", res.StatusCode)
	}
	if res := admin.get("/account"); res.StatusCode != http.StatusOK {
		t.Errorf("the administrator's session is gone: %d", res.StatusCode)
	}
}

func TestAdministratorsCanBeMadeToUseASecondFactor(t *testing.T) {
	h := newHost(t, "UMS_REQUIRE_ADMIN_MFA", "true")
	admin, _ := h.as("ada", users.RoleAdmin)
	user, _ := h.as("bob", users.RoleUser)
	if res := admin.get("/users"); res.Header.Get("Location") != "/account/second-factor" {
		t.Errorf("an administrator without one: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if res := admin.get("/account/second-factor"); res.StatusCode != http.StatusOK {
		t.Errorf("setting it up: %d", res.StatusCode)
	}
	if res := user.get("/account"); res.StatusCode != http.StatusOK {
		t.Errorf("a user without one: %d", res.StatusCode)
	}
}

// TestABulkActionDoesWhatItsPreviewTold changes the selection between the preview and the decision.
func TestABulkActionDoesWhatItsPreviewTold(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	h.world.Crowd(t, 20)
	form := url.Values{"action": {"disable"}, "all": {"yes"}, "query": {"role=user"}}
	expected := between(admin.post("/users/bulk", form).body, `name="expected" value="`, `"`)
	late := h.world.Person(t, "late", users.RoleUser)
	form.Set("expected", expected)
	res := admin.post("/users/bulk/apply", form)
	if res.StatusCode != http.StatusConflict || !strings.Contains(res.body, "has changed since you looked") ||
		!strings.Contains(res.body, "11 of 21") {
		t.Fatalf("%d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	if u, err := h.world.Users.Get(context.Background(), late.ID); err != nil || u.Status != users.StatusActive {
		t.Errorf("somebody whom the preview did not name was disabled: %v", err)
	}
	form.Set("expected", between(res.body, `name="expected" value="`, `"`))
	if res := admin.post("/users/bulk/apply", form); res.StatusCode != http.StatusSeeOther {
		t.Errorf("after looking again: %d", res.StatusCode)
	}
}

// TestLinksAreTakenBackWhileOneIsOpen: a button that does nothing is none.
func TestLinksAreTakenBackWhileOneIsOpen(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	path, button := "/users/"+fmtID(bob.ID), "/link/revoke"
	if _, err := h.world.Auth.IssueLink(t.Context(), apptest.Tester, bob.ID, auth.LinkReset); err != nil {
		t.Fatal(err)
	}
	if page := admin.get(path); !strings.Contains(page.body, button) {
		t.Error("an open link cannot be taken back")
	}
	if res := admin.post(path+button, nil); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("take it back: %d", res.StatusCode)
	}
	if page := admin.get(path); strings.Contains(page.body, button) {
		t.Error("the button is there and no link is open")
	}
}
