package users_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// What programs get of a person is what the pages show of the same, and nothing that is secret.
func TestProgramsReadWhatPagesShow(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	for _, name := range []string{"anna", "bert", "cora"} {
		w.Person(t, name, users.RoleUser)
	}
	_, err := w.Users.DB().NewRaw("UPDATE users SET last_login_at = UTC_TIMESTAMP(6), must_change_password = 1, display_name = 'Bert B.', " +
		"totp_enabled_at = UTC_TIMESTAMP(6), totp_secret = 'x' WHERE username = 'bert'").Exec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	q := users.ParseQuery(nil)
	whole, err := w.Users.List(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	public, err := w.Users.ListPublic(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	secret := cmpopts.IgnoreFields(users.User{},
		"PasswordHash", "PasswordChangedAt", "TOTPSecret", "TOTPLastStep", "LockedUntil", "EnabledAt", "DeletedAt")
	if difference := cmp.Diff(whole, public, secret); difference != "" || len(public.Users) < 3 {
		t.Errorf("%d people, -pages +programs:\n%s", len(public.Users), difference)
	}
	for _, u := range public.Users {
		if u.PasswordHash != "" || u.TOTPSecret != nil {
			t.Errorf("a secret of %s was read", u.Username)
		}
	}
}
