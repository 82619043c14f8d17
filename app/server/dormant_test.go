package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/users"
)

func TestThePolicyForDormantAccountsIsShownBeforeItActs(t *testing.T) {
	h, ctx := newHost(t, "UMS_DORMANT_AFTER", "120"), context.Background()
	admin, _ := h.as("ada", users.RoleAdmin)
	sleeper, bob := h.as("bob", users.RoleUser)
	if _, err := h.db.ExecContext(ctx, "UPDATE users SET created_at = UTC_TIMESTAMP(6) - INTERVAL 500 DAY, "+
		"last_login_at = UTC_TIMESTAMP(6) - INTERVAL 100 DAY WHERE id = ?", bob.ID); err != nil {
		t.Fatal(err)
	}
	if page := admin.get("/dashboard"); !strings.Contains(page.body, "for 120 days are deactivated") {
		t.Error("the overview does not tell of the policy")
	}
	for path, want := range map[string]string{
		"/users/dormant":          "After 120 days without a sign of life: 0 to be deactivated now, 1 more within 30 days.",
		"/users/dormant?days=90":  "After 90 days without a sign of life: 1 to be deactivated now, 0 more within 30 days.",
		"/users/dormant?days=1":   "After 30 days without a sign of life: 1 to be",
		"/users/dormant?days=abc": "After 120 days without a sign of life: 0 to be",
	} {
		if page := admin.get(path); page.StatusCode != http.StatusOK || !strings.Contains(page.body, want) {
			t.Errorf("%s: %d %s", path, page.StatusCode, between(page.body, `class="result-count">`, "<"))
		}
	}
	status := func() users.Status {
		if err := h.srv.CleanUpOnce(ctx); err != nil {
			t.Fatal(err)
		}
		u, err := h.world.Users.Get(ctx, bob.ID)
		if err != nil {
			t.Fatal(err)
		}
		return u.Status
	}
	if got := status(); got != users.StatusActive {
		t.Errorf("before the time: %s", got)
	}
	if _, err := h.db.ExecContext(ctx, "UPDATE users SET last_login_at = UTC_TIMESTAMP(6) - INTERVAL 121 DAY"); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != users.StatusDisabled {
		t.Errorf("after the time: %s", got)
	}
	if res := sleeper.get("/account"); res.StatusCode == http.StatusOK {
		t.Error("a session of a dormant account lives on")
	}
	if page := admin.get("/audit?action=user.dormant"); !strings.Contains(page.body, "Deactivated as dormant") ||
		!strings.Contains(page.body, "dormant policy") {
		t.Error("the log does not tell of it")
	}
}

func TestWithoutAPolicyDormantAccountsStay(t *testing.T) {
	h, ctx := newHost(t), context.Background()
	admin, _ := h.as("ada", users.RoleAdmin)
	h.world.Crowd(t, 4)
	if err := h.srv.CleanUpOnce(ctx); err != nil {
		t.Fatal(err)
	}
	n, err := h.db.NewSelect().Table("users").Where("status = 'active'").Count(ctx)
	if err != nil || n != 3 {
		t.Errorf("%d active, error %v, want 3", n, err)
	}
	if page := admin.get("/users/dormant"); !strings.Contains(page.body, "After 180 days without a sign of life: 2 to be") ||
		!strings.Contains(page.body, "UMS_DORMANT_AFTER is not set") {
		t.Errorf("the page: %s", between(page.body, "<main", "</main>"))
	}
}
