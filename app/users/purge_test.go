package users_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestRemovingSomebodyLeavesANamesake has two people of one name, one after the other, who each made somebody.
func TestRemovingSomebodyLeavesANamesake(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	makes := func(by *users.User, name string) *users.User {
		t.Helper()
		u, err := w.Users.Create(ctx, audit.Actor{ID: by.ID, Name: by.Username}, users.Draft{
			Username: name, Email: name + "@example.org", Role: users.RoleUser, Status: users.StatusActive,
		})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	first := w.Person(t, "grace", users.RoleAdmin)
	w.Person(t, "ada", users.RoleAdmin)
	ofFirst := makes(first, "carol")
	if _, err := w.Users.Delete(ctx, apptest.Tester, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	second := w.Person(t, "grace", users.RoleAdmin)
	ofSecond := makes(second, "dave1")
	if err := w.Users.Purge(ctx, apptest.Tester, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	for u, want := range map[*users.User]string{ofFirst: "#1", ofSecond: "grace"} {
		if now, err := w.Users.Get(ctx, u.ID); err != nil || now.CreatedBy != want {
			t.Errorf("%s was made by %q, error %v, want %q", u.Username, now.CreatedBy, err, want)
		}
	}
	entries, _, err := audit.List(ctx, w.DB, audit.Query{Actor: "grace", Limit: 5})
	if err != nil || len(entries) != 1 || entries[0].Target != "dave1" {
		t.Errorf("what the namesake did: %+v, error %v", entries, err)
	}
	if _, err := audit.Verify(ctx, w.DB); err != nil {
		t.Error(err)
	}
}

// removeAsTheFirstReleaseDid takes somebody out of the tables that the first release knew, and writes its entry of that: hashed
// as it stands, without seals.
func removeAsTheFirstReleaseDid(t *testing.T, w *apptest.World, u *users.User) {
	t.Helper()
	ctx := context.Background()
	var last int64
	var prev []byte
	if err := w.DB.NewRaw("SELECT last_id, hash FROM audit_head").Scan(ctx, &last, &prev); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	text, err := json.Marshal([]any{
		last + 1, at.Format("2006-01-02T15:04:05.000000Z"), 0, "tester", audit.ActionPurge, u.ID, u.Username, "[]", "r", "", prev,
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	for _, statement := range []struct {
		text string
		args []any
	}{
		{"DELETE FROM users WHERE id = ?", []any{u.ID}},
		{
			"INSERT INTO audit_log (id, at, actor_id, actor, action, target_id, target, changes, request_id, ip, prev_hash, hash) VALUES " +
				"(?, ?, 0, 'tester', ?, ?, ?, '[]', 'r', '', ?, ?)",
			[]any{last + 1, at, audit.ActionPurge, u.ID, u.Username, prev, sum[:]},
		},
		{"UPDATE audit_head SET last_id = ?, hash = ?", []any{last + 1, sum[:]}},
	} {
		if _, err := w.DB.ExecContext(ctx, statement.text, statement.args...); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRemovalsOfAnEarlierReleaseAreFinished has a host of the release before remove somebody, while this release has written
// of the person where that one does not look.
func TestRemovalsOfAnEarlierReleaseAreFinished(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Person(t, "ada", users.RoleAdmin)
	heidi := w.Person(t, "heidi", users.RoleAdmin)
	if err := w.Users.SaveView(ctx, audit.Actor{ID: heidi.ID, Name: "heidi"}, "mine", users.Query{}, true); err != nil {
		t.Fatal(err)
	}
	removeAsTheFirstReleaseDid(t, w, heidi)
	for _, want := range []int{1, 0} {
		if n, err := w.Users.FinishPurges(ctx); n != want || err != nil {
			t.Errorf("%d removals are finished, error %v, want %d", n, err, want)
		}
	}
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM audit_log WHERE CONCAT(actor, target, changes) LIKE '%heidi%' AND target_seal IS NOT NULL": 0,
		"SELECT COUNT(*) FROM saved_views":                       0,
		"SELECT COUNT(*) FROM audit_log WHERE target = 'ada'":    1,
		"SELECT COUNT(*) FROM users WHERE created_by = 'tester'": 1,
	} {
		var n int
		if err := w.DB.NewRaw(query).Scan(ctx, &n); err != nil || n != want {
			t.Errorf("%s: %d, error %v, want %d", query, n, err, want)
		}
	}
	if _, err := audit.Verify(ctx, w.DB); err != nil {
		t.Error(err)
	}
}
