package users_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

var policy = audit.System("dormant policy")

// asleep makes a person whose account and last sign-in are so many days old; without a sign-in if signedIn is negative.
func asleep(t *testing.T, w *apptest.World, name string, role users.Role, made, signedIn int) *users.User {
	t.Helper()
	u := w.Person(t, name, role)
	_, err := w.DB.ExecContext(context.Background(), "UPDATE users SET created_at = UTC_TIMESTAMP(6) - INTERVAL ? DAY, last_login_at = "+
		"IF(? < 0, NULL, UTC_TIMESTAMP(6) - INTERVAL ? DAY) WHERE id = ?", made, signedIn, signedIn, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDormantAccountsAreDeactivatedAndNobodyElse(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Person(t, "ada", users.RoleAdmin)
	asleep(t, w, "never1", users.RoleUser, 91, -1)
	long := asleep(t, w, "long1", users.RoleUser, 500, 400)
	asleep(t, w, "soon1", users.RoleUser, 500, 70)
	asleep(t, w, "awake1", users.RoleUser, 500, 10)
	asleep(t, w, "fresh1", users.RoleUser, 5, -1)
	program := asleep(t, w, "program1", users.RoleUser, 500, 400)
	if _, err := w.Auth.CreateToken(ctx, apptest.Tester, program, "ci", auth.Scopes, 30); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.ExecContext(ctx, "UPDATE api_tokens SET last_used_at = UTC_TIMESTAMP(6) - INTERVAL 1 DAY"); err != nil {
		t.Fatal(err)
	}
	ended := asleep(t, w, "ended1", users.RoleUser, 500, 400)
	if _, err := w.Users.Edit(ctx, apptest.Tester, ended.ID, 0, users.Patch{ExpiresAt: new("2024-01-01")}); err != nil {
		t.Fatal(err)
	}
	preview, err := w.Users.PreviewDormant(ctx, 90)
	var told []string
	for _, d := range preview.Accounts {
		told = append(told, fmt.Sprint(d.Username, " ", d.Due.Before(preview.At)))
	}
	if err != nil || preview.Now != 2 || preview.Ahead != 1 || fmt.Sprint(told) != "[long1 true never1 true soon1 false]" {
		t.Fatalf("the preview: %d now, %d ahead, %v, error %v", preview.Now, preview.Ahead, told, err)
	}
	names, err := w.Users.DeactivateDormant(ctx, policy, 90)
	slices.Sort(names)
	if err != nil || fmt.Sprint(names) != "[long1 never1]" {
		t.Fatalf("deactivated: %v, error %v", names, err)
	}
	after, err := w.Users.Get(ctx, long.ID)
	if err != nil || after.Status != users.StatusDisabled || after.Version != long.Version+1 {
		t.Errorf("long1: %+v, error %v", after, err)
	}
	entries, _, err := audit.List(ctx, w.DB, audit.Query{Action: "user.dormant", Limit: 10})
	if err != nil || len(entries) != 2 || entries[0].Actor != "dormant policy" || entries[0].ActorID != 0 ||
		fmt.Sprint(entries[0].ChangeList()) != "[{status active disabled}]" {
		t.Errorf("the log: %+v, error %v", entries, err)
	}
	lettingInAgain(t, w, long.ID)
}

// lettingInAgain lets somebody in again who was dormant, by each way: the policy leaves them alone from then on.
func lettingInAgain(t *testing.T, w *apptest.World, id int64) {
	t.Helper()
	ctx := context.Background()
	for way, letIn := range map[string]func() error{
		"the form": func() error {
			_, err := w.Users.Edit(ctx, apptest.Tester, id, 0, users.Patch{Status: new(users.StatusActive)})
			return err
		},
		"many at once": func() error {
			_, err := w.Users.Bulk(ctx, apptest.Tester, users.BulkEnable, users.Selection{IDs: []int64{id}})
			return err
		},
		"restoring": func() error {
			if _, err := w.Users.Delete(ctx, apptest.Tester, id, 0); err != nil {
				return err
			}
			if _, err := w.DB.ExecContext(ctx, "UPDATE users SET status = 'active', enabled_at = NULL WHERE id = ?", id); err != nil {
				return err
			}
			_, err := w.Users.Bulk(ctx, apptest.Tester, users.BulkRestore, users.Selection{IDs: []int64{id}})
			return err
		},
	} {
		if _, err := w.DB.ExecContext(ctx, "UPDATE users SET status = 'disabled', enabled_at = NULL WHERE id = ?", id); err != nil {
			t.Fatal(err)
		}
		if err := letIn(); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if names, err := w.Users.DeactivateDormant(ctx, policy, 90); err != nil || len(names) != 0 {
			t.Errorf("let in again by %s, and at once deactivated: %v, error %v", way, names, err)
		}
	}
}

// TestThePolicyLeavesTheLastAdministrator has only dormant administrators; one of them could not administer alone.
func TestThePolicyLeavesTheLastAdministrator(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	asleep(t, w, "older1", users.RoleAdmin, 500, 400)
	asleep(t, w, "later1", users.RoleAdmin, 500, 300)
	temporary := asleep(t, w, "temporary1", users.RoleAdmin, 500, 200)
	if _, err := w.Users.Edit(ctx, apptest.Tester, temporary.ID, 0, users.Patch{ExpiresAt: new(farAway)}); err != nil {
		t.Fatal(err)
	}
	preview, err := w.Users.PreviewDormant(ctx, 90)
	if err != nil || preview.Now != 2 || len(preview.Accounts) != 3 || !preview.Accounts[1].Kept || preview.Accounts[0].Kept {
		t.Errorf("the preview: %+v, error %v", preview, err)
	}
	for _, want := range []string{"[older1 temporary1]", "[]"} {
		names, err := w.Users.DeactivateDormant(ctx, policy, 90)
		slices.Sort(names)
		if err != nil || fmt.Sprint(names) != want {
			t.Errorf("deactivated: %v, error %v, want %s", names, err, want)
		}
	}
}

func TestThePolicyGoesInSmallSteps(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Person(t, "ada", users.RoleAdmin)
	w.Crowd(t, 500) // half of them active, and none was here in years
	preview, err := w.Users.PreviewDormant(ctx, 90)
	if err != nil || preview.Now != 250 || len(preview.Accounts) != 200 {
		t.Errorf("the preview: %d, %d named, error %v", preview.Now, len(preview.Accounts), err)
	}
	for _, want := range []int{200, 50, 0} {
		names, err := w.Users.DeactivateDormant(ctx, policy, 90)
		if err != nil || len(names) != want {
			t.Errorf("deactivated %d, error %v, want %d", len(names), err, want)
		}
	}
	if _, err := audit.Verify(ctx, w.DB); err != nil {
		t.Error(err)
	}
	for _, days := range []int{0, 29, 3651, -1} {
		if _, err := w.Users.DeactivateDormant(ctx, policy, days); err == nil || errors.Is(err, users.ErrNotFound) {
			t.Errorf("a policy of %d days: %v", days, err)
		}
	}
}
