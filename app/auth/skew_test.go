package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
	"usermanagement.dev/stack/lab/database"
)

// TestHostsWhoseClocksAreWrongAgree has the database's clock three hours ahead of this machine's: for the app, its own host
// is one whose clock is far behind. What counts is the database's time, in sessions, links, limits and codes.
func TestHostsWhoseClocksAreWrongAgree(t *testing.T) {
	ctx := context.Background()
	srv, err := database.Start(ctx, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Stop() })
	name, err := srv.NewDatabase(ctx)
	if err != nil {
		t.Fatal(err)
	}
	apptest.Open(t, configOn(t, srv.URL(name)))
	ahead := time.Now().Add(3 * time.Hour).Truncate(time.Second)
	if err := srv.SetClock(ctx, ahead); err != nil {
		t.Fatal(err)
	}
	if err := srv.AddAccount(ctx, "skewed", "skewed"); err != nil {
		t.Fatal(err)
	}
	w := apptest.NewWorld(t, apptest.Open(t, configOn(t, fmt.Sprintf("mysql://skewed:skewed@127.0.0.1:%d/%s", srv.Port(),
		url.PathEscape(name)))))
	u := w.Person(t, "ada", users.RoleAdmin)
	if !u.CreatedAt.Equal(ahead.UTC()) {
		t.Fatalf("the database's clock is not ahead: %s, want %s", u.CreatedAt, ahead)
	}
	res, err := w.Auth.SignIn(ctx, "ada", apptest.Password, browser)
	if err != nil {
		t.Fatal(err)
	}
	sess, err := w.Sessions.Lookup(ctx, res.Token)
	if err != nil || !sess.Elevated() {
		t.Fatalf("a new session: %v", err)
	}
	secret, err := w.Auth.BeginTOTP(ctx, sess)
	if err != nil {
		t.Fatal(err)
	}
	if sess, err = w.Sessions.Lookup(ctx, res.Token); err != nil {
		t.Fatal(err)
	}
	late, _ := totp.GenerateCode(secret, time.Now())
	if _, _, err := w.Auth.EnableTOTP(ctx, sess, late, browser); !errors.Is(err, auth.ErrWrong) {
		t.Errorf("a code of this machine's time: %v", err)
	}
	code, _ := totp.GenerateCode(secret, ahead)
	if _, _, err := w.Auth.EnableTOTP(ctx, sess, code, browser); err != nil {
		t.Errorf("a code of the database's time: %v", err)
	}
	link, err := w.Auth.IssueLink(ctx, apptest.Tester, u.ID, auth.LinkReset)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Auth.OpenLink(ctx, link, browser); err != nil {
		t.Errorf("a fresh link: %v", err)
	}
}

func configOn(t *testing.T, databaseURL string) *config.Config {
	t.Helper()
	cfg := apptest.Config(t)
	cfg.DatabaseURL = config.Secret(databaseURL)
	return cfg
}

// TestLinksDieWithWhatTheyWereMadeFor changes what a link that is still open was made for.
func TestLinksDieWithWhatTheyWereMadeFor(t *testing.T) {
	ctx := context.Background()
	w := apptest.NewWorld(t, apptest.DB(t))
	other, name := "other@example.org", "Another Name"
	for what, tc := range map[string]struct {
		change func(id int64) error
		open   bool
	}{
		"another password": {change: func(id int64) error {
			_, err := w.Users.SetPassword(ctx, apptest.Tester, id, "eleven purple saucepans sing")
			return err
		}},
		"another address": {change: func(id int64) error {
			_, err := w.Users.Edit(ctx, apptest.Tester, id, 0, users.Patch{Email: &other})
			return err
		}},
		"deleted and restored": {change: func(id int64) error {
			if _, err := w.Users.Delete(ctx, apptest.Tester, id, 0); err != nil {
				return err
			}
			_, err := w.Users.Restore(ctx, apptest.Tester, id, 0)
			return err
		}},
		"another name": {open: true, change: func(id int64) error {
			_, err := w.Users.Edit(ctx, apptest.Tester, id, 0, users.Patch{DisplayName: &name})
			return err
		}},
	} {
		u := w.Person(t, fmt.Sprintf("person%d", len(what)), users.RoleUser)
		link, err := w.Auth.IssueLink(ctx, apptest.Tester, u.ID, auth.LinkReset)
		if err != nil {
			t.Fatal(err)
		}
		if err := tc.change(u.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Auth.OpenLink(ctx, link, browser); (err == nil) != tc.open {
			t.Errorf("%s: the link opens: %v, want %v", what, err, tc.open)
		}
	}
}

// TestPeopleBehindOneAddressDoNotLockEachOtherOut signs in more people from one address than may fail from it.
func TestPeopleBehindOneAddressDoNotLockEachOtherOut(t *testing.T) {
	w := apptest.NewWorld(t, apptest.DB(t))
	w.Person(t, "ada", users.RoleUser)
	for i := range auth.LimitAddress.Max + 5 {
		if _, err := w.Auth.SignIn(context.Background(), "ada", apptest.Password, browser); err != nil {
			t.Fatalf("sign-in %d: %v", i, err)
		}
	}
}
