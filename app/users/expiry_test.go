package users_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

const farAway = "2124-01-31T18:00"

func TestTheEndOfAccessIsReadAndShownInOneForm(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	u := w.Person(t, "bob", users.RoleUser)
	for given, want := range map[string]string{
		farAway: farAway, "2124-01-31": "2124-02-01T00:00", "2124-01-31T18:00:07Z": "2124-01-31T18:00:07",
		"2124-01-31T18:00:00+02:00": "2124-01-31T16:00", " ": "", "2124-01-31T18:00:00.9Z": farAway,
	} {
		after, err := w.Users.Edit(ctx, apptest.Tester, u.ID, 0, users.Patch{ExpiresAt: &given})
		if err != nil || users.ExpiryText(after.ExpiresAt) != want {
			t.Errorf("%q is shown as %q, error %v, want %q", given, users.ExpiryText(after.ExpiresAt), err, want)
		}
	}
	for _, bad := range []string{"tomorrow", "31.1.2124", "9999-12-31", "0001-01-01", "2124-02-30"} {
		_, err := w.Users.Edit(ctx, apptest.Tester, u.ID, 0, users.Patch{ExpiresAt: &bad})
		if problems(t, err)[users.FieldExpires] != users.ProblemTime {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestAnAdministratorWhoseAccessEndsIsNotTheLast has one administrator without an end and one with, who tries every way to
// be left alone.
func TestAnAdministratorWhoseAccessEndsIsNotTheLast(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	ada, bob := w.Person(t, "ada", users.RoleAdmin), w.Person(t, "bob", users.RoleAdmin)
	if _, err := w.Users.Edit(ctx, audit.Actor{ID: ada.ID}, bob.ID, 0, users.Patch{ExpiresAt: new(farAway)}); err != nil {
		t.Fatal(err)
	}
	by := audit.Actor{ID: bob.ID, Name: "bob"}
	bulk := func(action users.BulkAction) func() error {
		return func() error {
			_, err := w.Users.Bulk(ctx, by, action, users.Selection{IDs: []int64{ada.ID}})
			return err
		}
	}
	edit := func(p users.Patch) func() error {
		return func() error { _, err := w.Users.Edit(ctx, by, ada.ID, 0, p); return err }
	}
	for what, try := range map[string]func() error{
		"an end":          edit(users.Patch{ExpiresAt: new(farAway)}),
		"an end now":      edit(users.Patch{ExpiresAt: new("2024-01-01")}),
		"another role":    edit(users.Patch{Role: new(users.RoleUser)}),
		"another status":  edit(users.Patch{Status: new(users.StatusDisabled)}),
		"bulk status":     bulk(users.BulkDisable),
		"bulk role":       bulk(users.BulkMakeUser),
		"bulk deletion":   bulk(users.BulkDelete),
		"deletion":        func() error { _, err := w.Users.Delete(ctx, by, ada.ID, 0); return err },
		"a change by job": func() error { return disableByChange(w, ada.ID) },
	} {
		if err := try(); !errors.Is(err, users.ErrLastAdmin) {
			t.Errorf("%s for the last administrator without an end: %v", what, err)
		}
	}
	for what, end := range map[string]string{"prolongs": "2125-01-01", "removes the end of": "", "ends": "2024-01-01"} {
		if _, err := w.Users.Edit(ctx, by, bob.ID, 0, users.Patch{ExpiresAt: &end}); !errors.Is(err, users.ErrSelf) {
			t.Errorf("an administrator %s the own access: %v", what, err)
		}
	}
	if _, err := w.Users.Edit(ctx, by, bob.ID, 0, users.Patch{ExpiresAt: new(farAway), DisplayName: new("Bobby")}); err != nil {
		t.Errorf("saving the own profile with the end unchanged: %v", err)
	}
}

func disableByChange(w *apptest.World, id int64) error {
	_, err := w.Users.Change(context.Background(), apptest.Tester, id, "user.test", func(u *users.User, _ time.Time) error {
		u.Status = users.StatusDisabled
		return nil
	})
	return err
}

// TestAnUndoDoesNotLeaveOnlyTemporaryAdministrators undoes what made somebody an administrator, after everybody else got an end.
func TestAnUndoDoesNotLeaveOnlyTemporaryAdministrators(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	ada, bob := w.Person(t, "ada", users.RoleAdmin), w.Person(t, "bob", users.RoleUser)
	by := audit.Actor{ID: ada.ID, Name: "ada"}
	res, err := w.Users.Bulk(ctx, by, users.BulkMakeAdmin, users.Selection{IDs: []int64{bob.ID}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Users.Edit(ctx, apptest.Tester, ada.ID, 0, users.Patch{ExpiresAt: new(farAway)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Users.Undo(ctx, by, res.Handle); !errors.Is(err, users.ErrLastAdmin) {
		t.Errorf("undoing: %v", err)
	}
}

func TestTwoAdministratorsCannotEndEachOthersAccess(t *testing.T) {
	cfg, ctx := apptest.Config(t), context.Background()
	a, b := apptest.NewWorld(t, apptest.Open(t, cfg)), apptest.NewWorld(t, apptest.Open(t, cfg))
	ada, bob := a.Person(t, "ada", users.RoleAdmin), a.Person(t, "bob", users.RoleAdmin)
	for round := range 20 {
		var wg sync.WaitGroup
		errs := make([]error, 2)
		end := func(w *apptest.World, i int, by, id int64) func() {
			return func() {
				_, errs[i] = w.Users.Edit(ctx, audit.Actor{ID: by}, id, 0, users.Patch{ExpiresAt: new(farAway)})
			}
		}
		wg.Go(end(a, 0, ada.ID, bob.ID))
		wg.Go(end(b, 1, bob.ID, ada.ID))
		wg.Wait()
		n, err := a.DB.NewSelect().Table("users").Where("expires_at IS NULL").Count(ctx)
		if err != nil || n != 1 {
			t.Fatalf("round %d: %d administrators without an end, error %v, want 1 (%v)", round, n, err, errs)
		}
		if _, err := a.DB.ExecContext(ctx, "UPDATE users SET expires_at = NULL"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheEndOfAccessIsRecordedOnce has more accounts end in one moment than one transaction takes, and some around it.
func TestTheEndOfAccessIsRecordedOnce(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Crowd(t, 1300)
	exec := func(query string) {
		t.Helper()
		if _, err := w.DB.ExecContext(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	exec("UPDATE settings SET value = '2024-01-01 00:00:00.000000' WHERE name = 'expiry_recorded_until'")
	exec("UPDATE users SET status = 'active', expires_at = IF(id <= 1200, '2025-01-01 00:00:00.5', '2025-06-01')")
	exec("UPDATE users SET status = 'disabled' WHERE id = 7")
	exec("UPDATE users SET deleted_at = '2025-01-01' WHERE id = 8")
	exec("UPDATE users SET expires_at = '2124-01-01' WHERE id = 9")
	total, rounds := 0, 0
	for n := -1; n != 0; rounds++ {
		var err error
		if n, err = w.Users.RecordExpiries(ctx, audit.System("expiry")); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	distinct, err := w.DB.NewSelect().Table("audit_log").ColumnExpr("DISTINCT target_id").Where("action = 'user.expire'").Count(ctx)
	if err != nil || total != 1297 || distinct != 1297 || rounds != 3 {
		t.Errorf("%d ends in %d rounds, of %d people, error %v: want 1297 in 3", total, rounds, distinct, err)
	}
	entries, _, err := audit.List(ctx, w.DB, audit.Query{TargetID: 1, Limit: 5})
	want := fmt.Sprint([]audit.Change{{Field: "expires_at", After: "2025-01-01T00:00"}})
	if err != nil || len(entries) != 1 || entries[0].Actor != "expiry" || fmt.Sprint(entries[0].ChangeList()) != want {
		t.Errorf("the log: %+v, error %v", entries, err)
	}
}
