package users_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

func actorOf(u *users.User) audit.Actor { return audit.Actor{ID: u.ID, Name: u.Username} }

func viewsOf(t *testing.T, w *apptest.World, u *users.User) []string {
	t.Helper()
	list, err := w.Users.Views(context.Background(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range list {
		names = append(names, v.Owner+"/"+v.Name+"?"+v.Query)
	}
	return names
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// TestViewsAreTheirOwnersAndSharedOnesEverybodys saves, shares, renames and deletes as two administrators.
func TestViewsAreTheirOwnersAndSharedOnesEverybodys(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	ada, eve := w.Person(t, "ada", users.RoleAdmin), w.Person(t, "eve", users.RoleAdmin)
	q := users.ParseQuery(url.Values{"role": {"admin"}, "sort": {"-created_at"}, "cols": {"email.role"}, "page": {"x"}, "evil": {"1"}})
	for name, shared := range map[string]bool{"Mine": false, "Ours": true} {
		if err := w.Users.SaveView(ctx, actorOf(ada), name, q, shared); err != nil {
			t.Fatal(err)
		}
	}
	kept := "cols=email.role&role=admin&sort=-created_at"
	equal(t, "ada's", viewsOf(t, w, ada), "ada/Mine?"+kept, "ada/Ours?"+kept)
	equal(t, "eve's", viewsOf(t, w, eve), "ada/Ours?"+kept)

	if err := w.Users.SaveView(ctx, actorOf(ada), " mine ", users.ParseQuery(url.Values{"q": {"x"}}), false); err != nil {
		t.Fatal(err)
	}
	equal(t, "after saving under the same name", viewsOf(t, w, ada), "ada/mine?q=x", "ada/Ours?"+kept)

	list, _ := w.Users.Views(ctx, ada.ID)
	mine, ours := list[0].ID, list[1].ID
	for what, err := range map[string]error{
		"rename": w.Users.ChangeView(ctx, actorOf(eve), ours, "Eve's", true), "delete": w.Users.DeleteView(ctx, actorOf(eve), ours),
	} {
		if !errors.Is(err, users.ErrNotFound) {
			t.Errorf("eve can %s what is ada's: %v", what, err)
		}
	}
	if got := problems(t, w.Users.ChangeView(ctx, actorOf(ada), mine, "OURS", false))["name"]; got != users.ProblemTaken {
		t.Errorf("a name that is taken: %q", got)
	}
	if err := w.Users.ChangeView(ctx, actorOf(ada), ours, "Admins", true); err != nil {
		t.Fatal(err)
	}
	equal(t, "eve's after renaming", viewsOf(t, w, eve), "ada/Admins?"+kept)
	if err := w.Users.ChangeView(ctx, actorOf(ada), ours, "Admins", false); err != nil {
		t.Fatal(err)
	}
	equal(t, "eve's after unsharing", viewsOf(t, w, eve))
	if err := w.Users.DeleteView(ctx, actorOf(ada), mine); err != nil {
		t.Fatal(err)
	}
	equal(t, "ada's after deleting", viewsOf(t, w, ada), "ada/Admins?"+kept)
	viewsInTheLog(t, w)
}

// viewsInTheLog finds what was shared in the audit log, and nothing of what was not.
func viewsInTheLog(t *testing.T, w *apptest.World) {
	t.Helper()
	entries, _, err := audit.List(context.Background(), w.DB, audit.Query{Action: "view.", Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range entries {
		acts = append(acts, e.Action+" "+e.Target)
	}
	equal(t, "the log, newest first", acts, "view.unshare Admins", "view.change Admins", "view.share Ours")
	if _, err := audit.Verify(context.Background(), w.DB); err != nil {
		t.Error(err)
	}
}

// TestSharedViewsGoWithTheirOwnersRights takes the owner's role, deletes and removes the owner.
func TestSharedViewsGoWithTheirOwnersRights(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	ada, eve := w.Person(t, "ada", users.RoleAdmin), w.Person(t, "eve", users.RoleAdmin)
	if err := w.Users.SaveView(ctx, actorOf(eve), "Ours", users.ParseQuery(nil), true); err != nil {
		t.Fatal(err)
	}
	equal(t, "shared", viewsOf(t, w, ada), "eve/Ours?")
	role := users.RoleUser
	if _, err := w.Users.Edit(ctx, apptest.Tester, eve.ID, 0, users.Patch{Role: &role}); err != nil {
		t.Fatal(err)
	}
	equal(t, "of somebody who is no administrator any more", viewsOf(t, w, ada))
	if _, err := w.Users.Delete(ctx, apptest.Tester, eve.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.Users.Purge(ctx, apptest.Tester, eve.ID, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := w.DB.NewSelect().Model((*users.SavedView)(nil)).Count(ctx); err != nil || n != 0 {
		t.Errorf("%d views are left of somebody who was removed for good, error %v", n, err)
	}
}

// TestViewsAreBounded saves from several hosts at once until there are too many, and tries names that are not accepted.
func TestViewsAreBounded(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	ada := w.Person(t, "ada", users.RoleAdmin)
	var wg sync.WaitGroup
	for host := range 4 {
		wg.Go(func() {
			for i := range users.MaxViews / 2 {
				err := w.Users.SaveView(ctx, actorOf(ada), fmt.Sprintf("View %d of %d", i, host), users.ParseQuery(nil), false)
				var invalid *users.ValidationError
				if err != nil && (!errors.As(err, &invalid) || invalid.Fields["name"] != users.ProblemTooMany) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(viewsOf(t, w, ada)); got != users.MaxViews {
		t.Errorf("%d views, want %d", got, users.MaxViews)
	}
	for name, want := range map[string]users.Problem{
		"": users.ProblemRequired, "\t": users.ProblemRequired, strings.Repeat("ä", 61): users.ProblemTooLong,
		"a\u202eb": users.ProblemControl, "a\x00b": users.ProblemControl,
	} {
		if got := problems(t, w.Users.SaveView(ctx, actorOf(ada), name, users.ParseQuery(nil), false))["name"]; got != want {
			t.Errorf("the name %q: %q, want %q", name, got, want)
		}
	}
	long := url.Values{"q": {strings.Repeat("\u20ac", 66)}, "cols": {strings.Repeat("a.", 60)}}
	if err := w.Users.SaveView(ctx, actorOf(ada), "View 0 of 0", users.ParseQuery(long), false); err != nil {
		t.Errorf("the longest search there is: %v", err)
	}
}
