package users_test

import (
	"context"
	"testing"

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
