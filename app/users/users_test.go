package users_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

func problems(t *testing.T, err error) map[string]users.Problem {
	t.Helper()
	var invalid *users.ValidationError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want fields that are not accepted", err)
	}
	return invalid.Fields
}

func TestNamesAreUniqueWhateverTheirSpelling(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Person(t, "mike", users.RoleUser)
	for _, same := range []string{"Mike", "MIKE", "ｍｉｋｅ"} {
		_, err := w.Users.Create(
			ctx,
			apptest.Tester,
			users.Draft{Username: same, Email: "MIKE@Example.org", Role: users.RoleUser, Status: users.StatusActive},
		)
		fields := problems(t, err)
		if fields["username"] != users.ProblemTaken || fields["email"] != users.ProblemTaken {
			t.Errorf("%s: %v, want both name and address taken", same, fields)
		}
	}
	for _, bad := range []string{"", "ab", "mıke", "a b c", "-abc", "abc\u202e", strings.Repeat("a", 65), "ádmin"} {
		_, err := w.Users.Create(
			ctx,
			apptest.Tester,
			users.Draft{Username: bad, Email: "x@example.org", Role: users.RoleUser, Status: users.StatusActive},
		)
		if problems(t, err)["username"] == "" {
			t.Errorf("the username %q was accepted", bad)
		}
	}
	for _, bad := range []string{"", "x", "a@b@c", "A <a@b.example>", "a@b\nc", "a b@c.example", strings.Repeat("a", 250) + "@b.example"} {
		_, err := w.Users.Create(
			ctx,
			apptest.Tester,
			users.Draft{Username: "someone", Email: bad, Role: users.RoleUser, Status: users.StatusActive},
		)
		if problems(t, err)["email"] == "" {
			t.Errorf("the address %q was accepted", bad)
		}
	}
}

func TestDeletedPeopleFreeTheirNamesAndComeBack(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	first := w.Person(t, "grace", users.RoleUser)
	if _, err := w.Users.Delete(ctx, apptest.Tester, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	second := w.Person(t, "grace", users.RoleUser)
	_, err := w.Users.Restore(ctx, apptest.Tester, first.ID, 0)
	if problems(t, err)["username"] != users.ProblemTaken {
		t.Errorf("restoring over a taken name: %v", err)
	}
	if err := w.Users.Purge(ctx, apptest.Tester, second.ID, 0); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("purging a live person: %v", err)
	}
	if _, err := w.Users.Delete(ctx, apptest.Tester, second.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.Users.Purge(ctx, apptest.Tester, second.ID, 0); err != nil {
		t.Fatal(err)
	}
	back, err := w.Users.Restore(ctx, apptest.Tester, first.ID, 0)
	if err != nil || back.DeletedAt != nil {
		t.Errorf("restoring: %v, error %v", back, err)
	}
	if _, err := audit.Verify(ctx, w.DB); err != nil {
		t.Error(err)
	}
}

func TestStaleEditIsAConflictAndLosesNothing(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	u := w.Person(t, "alan", users.RoleUser)
	if _, err := w.Users.Edit(ctx, apptest.Tester, u.ID, u.Version, users.Patch{DisplayName: new("First")}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Users.Edit(ctx, apptest.Tester, u.ID, u.Version, users.Patch{DisplayName: new("Second")})
	var conflict *users.ConflictError
	if !errors.As(err, &conflict) || conflict.Current.DisplayName != "First" {
		t.Fatalf("got %v, want a conflict that shows the first edit", err)
	}
	same, err := w.Users.Edit(ctx, apptest.Tester, u.ID, 0, users.Patch{DisplayName: new("First")})
	if err != nil || same.Version != u.Version+1 {
		t.Errorf("an edit that changes nothing: version %d, error %v", same.Version, err)
	}
}

func TestTwoAdministratorsCannotRemoveEachOther(t *testing.T) {
	cfg, ctx := apptest.Config(t), context.Background()
	a, b := apptest.NewWorld(t, apptest.Open(t, cfg)), apptest.NewWorld(t, apptest.Open(t, cfg))
	ada, bob := a.Person(t, "ada", users.RoleAdmin), a.Person(t, "bob", users.RoleAdmin)
	invited, err := a.Users.Create(
		ctx,
		apptest.Tester,
		users.Draft{Username: "invited", Email: "i@example.org", Role: users.RoleAdmin, Status: users.StatusActive},
	)
	if err != nil || invited.HasPassword() {
		t.Fatal(err)
	}
	removals := []func(w *apptest.World, by, id int64) error{
		func(w *apptest.World, by, id int64) error {
			_, err := w.Users.Edit(ctx, audit.Actor{ID: by}, id, 0, users.Patch{Role: new(users.RoleUser)})
			return err
		},
		func(w *apptest.World, by, id int64) error {
			_, err := w.Users.Edit(ctx, audit.Actor{ID: by}, id, 0, users.Patch{Status: new(users.StatusDisabled)})
			return err
		},
		func(w *apptest.World, by, id int64) error {
			_, err := w.Users.Delete(ctx, audit.Actor{ID: by}, id, 0)
			return err
		},
		func(w *apptest.World, by, id int64) error {
			_, err := w.Users.Bulk(ctx, audit.Actor{ID: by}, users.BulkDisable, users.Selection{IDs: []int64{id}})
			return err
		},
	}
	for round := range 60 {
		remove := removals[round%len(removals)]
		var wg sync.WaitGroup
		errs := make([]error, 2)
		wg.Go(func() { errs[0] = remove(a, ada.ID, bob.ID) })
		wg.Go(func() { errs[1] = remove(b, bob.ID, ada.ID) })
		wg.Wait()
		n, err := a.DB.NewSelect().
			Model((*users.User)(nil)).
			Where("role='admin' AND status='active' AND deleted_at IS NULL AND password_hash <> ''").
			Count(ctx)
		if err != nil || n != 1 {
			t.Fatalf("round %d: %d administrators are left, want 1 (errors %v, %v)", round, n, errs, err)
		}
		if _, err := a.DB.ExecContext(ctx, "UPDATE users SET role='admin', status='active', deleted_at=NULL"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestListReadsEveryRowOnceInEveryOrder walks all pages forth and back with each sort, NULLs and equal values included.
func TestListReadsEveryRowOnceInEveryOrder(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Crowd(t, 230)
	for _, field := range users.SortFields {
		for _, sign := range []string{"", "-"} {
			q := users.ParseQuery(url.Values{"sort": {sign + field}, "size": {"20"}})
			var forth []int64
			seen := map[int64]bool{}
			page, err := w.Users.List(ctx, q)
			for {
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range page.Users {
					if seen[u.ID] {
						t.Fatalf("%s%s: user %d comes twice", sign, field, u.ID)
					}
					seen[u.ID] = true
					forth = append(forth, u.ID)
				}
				if page.Next == "" {
					break
				}
				q.Cursor = page.Next
				page, err = w.Users.List(ctx, q)
			}
			back := len(page.Users)
			for page.Prev != "" {
				q.Cursor = page.Prev
				if page, err = w.Users.List(ctx, q); err != nil {
					t.Fatal(err)
				}
				back += len(page.Users)
				if got := page.Users[0].ID; got != forth[len(forth)-back] {
					t.Fatalf("%s%s: going back, user %d is out of place", sign, field, got)
				}
			}
			if len(forth) != 230 || back != 230 {
				t.Errorf("%s%s: %d people forth and %d back, want 230", sign, field, len(forth), back)
			}
		}
	}
}

func TestFiltersAndTheirCountsAgree(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	w.Crowd(t, 120)
	ada := w.Person(t, "ada", users.RoleAdmin)
	for query, want := range map[string]int{
		"": 121, "role=admin": 1, "status=disabled": 60, "status=active&login=never": 41, "q=ada": 1, "q=%25": 0, "q=_": 0, "q='": 0,
		"q=person00001":        10,
		"q=" + "ADA%40example": 1, "login=dormant": 40, "status=temporary": 18, "status=expired": 0,
		"mfa=yes": 0, "mfa=no": 121, "created_from=2024-01-01&created_to=2024-01-01": 3,
		"status=nonsense": 121, "status=invited": 120,
		"q=%00%ff": 121, "q=Person+42": 1,
	} {
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q := users.ParseQuery(v)
		n, err := w.Users.Count(ctx, q)
		if err != nil || n != want {
			t.Errorf("?%s: %d people, error %v, want %d", query, n, err, want)
		}
		q.Size = 100
		page, err := w.Users.List(ctx, q)
		if err != nil || len(page.Users) != min(want, 100) {
			t.Errorf("?%s: the list has %d, error %v, want %d", query, len(page.Users), err, min(want, 100))
		}
	}
	facets, err := w.Users.Facets(ctx, users.ParseQuery(url.Values{"status": {"active"}}))
	if err != nil || facets["role"]["admin"] != 1 || facets["role"]["user"] != 60 || facets["status"]["disabled"] != 60 {
		t.Errorf("facets %v, error %v", facets, err)
	}
	byID, err := w.Users.Count(ctx, users.Query{Search: "121"})
	if err != nil || ada.ID != 121 || byID != 1 {
		t.Errorf("by id %d: %d people, error %v", ada.ID, byID, err)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("q=a&sort=-email&page=eyJ2IjpudWxsLCJpIjoxfQ&size=10")
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := url.ParseQuery(raw)
		if err != nil {
			t.Skip("not a URL query")
		}
		q := users.ParseQuery(v)
		if again := users.ParseQuery(q.Values()); again != q {
			t.Errorf("%q: the query changes on its way through a URL: %+v, %+v", raw, q, again)
		}
	})
}
