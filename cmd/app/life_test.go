package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestCommandsForTheLifeOfAccounts deactivates somebody who sleeps, removes somebody else for good, and has the log verified
// before and after somebody tampers with it.
func TestCommandsForTheLifeOfAccounts(t *testing.T) {
	ctx, cfg := context.Background(), apptest.Config(t)
	w := apptest.NewWorld(t, apptest.Open(t, cfg))
	ada, bob, carol := w.Person(t, "ada", users.RoleAdmin), w.Person(t, "bob", users.RoleUser), w.Person(t, "carol", users.RoleUser)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := w.DB.ExecContext(ctx, query, args...); err != nil {
			t.Fatal(err)
		}
	}
	run := func(fails bool, want string, args ...string) {
		t.Helper()
		out, err := app(t, cfg.DatabaseURL.Reveal(), "127.0.0.1:1", args...).CombinedOutput()
		if !strings.Contains(string(out), want) || (err != nil) != fails {
			t.Errorf("app %v: %v\n%s\nwant %q", args, err, out, want)
		}
	}
	exec("UPDATE users SET created_at = '2024-01-01', last_login_at = '2025-03-01 12:00:00' WHERE id = ?", bob.ID)
	exec("UPDATE users SET created_at = created_at - INTERVAL 400 DAY WHERE id = ?", ada.ID)
	sleeps := fmt.Sprintf("bob (id %d): last seen 2025-03-01, deactivated now", bob.ID)
	run(false, sleeps, "user", "dormant", "--days", "90", "--dry-run")
	run(false, "kept: the administrator who was here last", "user", "dormant", "--days", "90", "--dry-run")
	if u, err := w.Users.Get(ctx, bob.ID); err != nil || u.Status != users.StatusActive {
		t.Errorf("after the dry run bob is %s, error %v", u.Status, err)
	}
	run(false, "bob\n1 accounts deactivated", "user", "dormant", "--days", "90")
	if _, err := w.Users.Delete(ctx, apptest.Tester, carol.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.Users.Purge(ctx, apptest.Tester, carol.ID, 0); err != nil {
		t.Fatal(err)
	}
	run(false, "the audit log is whole: 6 entries", "audit", "verify")
	exec("UPDATE audit_log SET target = '', changes = '[]', target_salt = NULL WHERE target_id = ?", bob.ID)
	run(true, fmt.Sprintf("user %d was never removed for good", bob.ID), "audit", "verify")
}
