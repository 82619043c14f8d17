package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

var browser = auth.Client{IP: "192.0.2.1", UserAgent: "test"}

// twoHosts are two sets of services with pools of their own on one database.
func twoHosts(t *testing.T) (a, b *apptest.World) {
	t.Helper()
	cfg := apptest.Config(t)
	return apptest.NewWorld(t, apptest.Open(t, cfg)), apptest.NewWorld(t, apptest.Open(t, cfg))
}

func throttled(err error) bool {
	var t *auth.ThrottledError
	return errors.As(err, &t)
}

func TestParallelGuessesOnTwoHostsGetTenTries(t *testing.T) {
	a, b := twoHosts(t)
	owner := a.Person(t, "ada", users.RoleAdmin)
	known, err := a.Auth.SignIn(context.Background(), "ada", apptest.Password, browser)
	if err != nil || known.Device == "" {
		t.Fatal(err)
	}
	var wrong, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		host := []*apptest.World{a, b}[i%2]
		wg.Go(func() {
			_, err := host.Auth.SignIn(context.Background(), "ada", "not this one", auth.Client{IP: "192.0.2.9"})
			switch {
			case errors.Is(err, auth.ErrWrong):
				wrong.Add(1)
			case throttled(err):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wrong.Load() != 10 || refused.Load() != 40 {
		t.Errorf("%d guesses were looked at and %d refused, want 10 and 40", wrong.Load(), refused.Load())
	}
	if _, err := b.Auth.SignIn(context.Background(), "ada", apptest.Password, auth.Client{IP: "192.0.2.77"}); !throttled(err) {
		t.Errorf("a strange browser with the right password: %v, want it refused while locked", err)
	}
	withDevice := auth.Client{IP: "192.0.2.1", Device: known.Device}
	if _, err := b.Auth.SignIn(context.Background(), "ada", apptest.Password, withDevice); err != nil {
		t.Errorf("the owner's own browser is locked out: %v", err)
	}
	if err := a.Auth.Unlock(context.Background(), browser, owner, owner.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Auth.SignIn(context.Background(), "ada", apptest.Password, auth.Client{IP: "192.0.2.77"}); err != nil {
		t.Errorf("after unlocking: %v", err)
	}
}

func TestOneAddressCannotTryManyAccounts(t *testing.T) {
	w := apptest.NewWorld(t, apptest.DB(t))
	var refused int
	for i := range 70 {
		ip := fmt.Sprintf("2001:db8::%x", i+1) // one /64
		if _, err := w.Auth.SignIn(context.Background(), fmt.Sprintf("nobody%d", i), "x", auth.Client{IP: ip}); throttled(err) {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 70 attempts were refused, want those beyond 60", refused)
	}
}

func TestChangesOnOneHostEndSessionsOnTheOther(t *testing.T) {
	a, b := twoHosts(t)
	ctx := context.Background()
	for name, change := range map[string]func(id int64) error{
		"disable": func(id int64) error {
			s := users.StatusDisabled
			_, err := a.Users.Edit(ctx, apptest.Tester, id, 0, users.Patch{Status: &s})
			return err
		},
		"role": func(id int64) error {
			r := users.RoleAdmin
			_, err := a.Users.Edit(ctx, apptest.Tester, id, 0, users.Patch{Role: &r})
			return err
		},
		"delete": func(id int64) error { _, err := a.Users.Delete(ctx, apptest.Tester, id, 0); return err },
		"password": func(id int64) error {
			_, err := a.Users.SetPassword(ctx, apptest.Tester, id, "eleven purple saucepans sing")
			return err
		},
		"bulk": func(id int64) error {
			_, err := a.Users.Bulk(ctx, apptest.Tester, users.BulkEndSessions, users.Selection{IDs: []int64{id}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := a.Person(t, "person-"+name, users.RoleUser)
			res, err := a.Auth.SignIn(ctx, u.Username, apptest.Password, browser)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Sessions.Lookup(ctx, res.Token); err != nil {
				t.Fatalf("the other host does not know the session: %v", err)
			}
			if err := change(u.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Sessions.Lookup(ctx, res.Token); !errors.Is(err, auth.ErrExpired) {
				t.Errorf("the session lives on: %v", err)
			}
		})
	}
}

func TestSessionsExpireAndAreLimited(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	u := w.Person(t, "ada", users.RoleAdmin)
	var tokens []string
	for range auth.MaxSessions + 1 {
		res, err := w.Auth.SignIn(ctx, "ada", apptest.Password, browser)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, res.Token)
	}
	if _, err := w.Sessions.Lookup(ctx, tokens[0]); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("the oldest of %d sessions: %v", len(tokens), err)
	}
	last := tokens[len(tokens)-1]
	for what, set := range map[string]string{
		"idle":     "last_seen_at = UTC_TIMESTAMP(6) - INTERVAL 31 MINUTE",
		"absolute": "last_seen_at = UTC_TIMESTAMP(6), absolute_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND",
	} {
		if _, err := w.DB.ExecContext(ctx, "UPDATE sessions SET "+set+" WHERE user_id = ?", u.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Sessions.Lookup(ctx, last); !errors.Is(err, auth.ErrExpired) {
			t.Errorf("past its %s limit, a session lives on: %v", what, err)
		}
	}
	var stored int
	err := w.DB.NewSelect().Table("sessions").ColumnExpr("COUNT(*)").Where("id = ? OR handle = ?", last, last).Scan(ctx, &stored)
	if err != nil || stored != 0 {
		t.Errorf("the cookie itself is in the database (%d, %v)", stored, err)
	}
}

func TestACodeCountsOnceOnAllHosts(t *testing.T) {
	a, b := twoHosts(t)
	ctx := context.Background()
	a.Person(t, "ada", users.RoleAdmin)
	res, err := a.Auth.SignIn(ctx, "ada", apptest.Password, browser)
	if err != nil {
		t.Fatal(err)
	}
	sess, err := a.Sessions.Lookup(ctx, res.Token)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := a.Auth.BeginTOTP(ctx, sess)
	if err != nil {
		t.Fatal(err)
	}
	if sess, err = a.Sessions.Lookup(ctx, res.Token); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Auth.EnableTOTP(ctx, sess, "000000", browser); !errors.Is(err, auth.ErrWrong) {
		t.Errorf("enabling with a wrong code: %v", err)
	}
	// The code of the step before is within the window; the current one then is still fresh for the sign-ins.
	past, _ := totp.GenerateCode(secret, time.Now().Add(-30*time.Second))
	recovery, _, err := a.Auth.EnableTOTP(ctx, sess, past, browser)
	if err != nil || len(recovery) != 10 {
		t.Fatalf("enabling: %d recovery codes, error %v", len(recovery), err)
	}
	code, _ := totp.GenerateCode(secret, time.Now())
	for _, spend := range []string{code, recovery[3]} {
		ok := raceCode(t, a, b, spend)
		if ok != 1 {
			t.Errorf("the code %s was accepted %d times of 2, want once", spend, ok)
		}
	}
}

func raceCode(t *testing.T, a, b *apptest.World, code string) int64 {
	t.Helper()
	ctx := context.Background()
	var accepted atomic.Int64
	var wg sync.WaitGroup
	for _, host := range []*apptest.World{a, b} {
		res, err := host.Auth.SignIn(ctx, "ada", apptest.Password, browser)
		if err != nil || !res.NeedsCode {
			t.Fatalf("sign-in: %+v, error %v", res, err)
		}
		sess, err := host.Sessions.Lookup(ctx, res.Token)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			_, err := host.Auth.SecondFactor(ctx, sess, strings.ToUpper(code), browser)
			if err == nil {
				accepted.Add(1)
			} else if !errors.Is(err, auth.ErrWrong) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return accepted.Load()
}

func TestALinkWorksOnce(t *testing.T) {
	a, b := twoHosts(t)
	ctx := context.Background()
	u := a.Person(t, "ada", users.RoleUser)
	older, err := a.Auth.IssueLink(ctx, apptest.Tester, u.ID, auth.LinkReset)
	if err != nil {
		t.Fatal(err)
	}
	link, err := a.Auth.IssueLink(ctx, apptest.Tester, u.ID, auth.LinkReset)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Auth.OpenLink(ctx, older, browser); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("an older link still opens: %v", err)
	}
	var invalid *users.ValidationError
	if _, err := b.Auth.UseLink(ctx, link, "short", browser); !errors.As(err, &invalid) {
		t.Errorf("a bad password: %v", err)
	}
	var used atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		host := []*apptest.World{a, b}[i%2]
		wg.Go(func() {
			if _, err := host.Auth.UseLink(ctx, link, fmt.Sprintf("purple saucepan number %d sings", i), browser); err == nil {
				used.Add(1)
			} else if !errors.Is(err, auth.ErrExpired) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if used.Load() != 1 {
		t.Errorf("the link was used %d times, want once", used.Load())
	}
	if _, err := audit.Verify(ctx, a.DB); err != nil {
		t.Error(err)
	}
}

func TestSetupMakesOneAdministrator(t *testing.T) {
	a, b := twoHosts(t)
	ctx := context.Background()
	if _, err := a.Auth.Setup(ctx, "", users.Draft{Username: "ada", Email: "a@example.org", Password: apptest.Password},
		browser); err == nil {
		t.Error("without a setup secret, setup worked")
	}
	var made atomic.Int64
	var wg sync.WaitGroup
	for i := range 6 {
		host := []*apptest.World{a, b}[i%2]
		wg.Go(func() {
			d := users.Draft{Username: fmt.Sprintf("admin%d", i), Email: fmt.Sprintf("a%d@example.org", i), Password: apptest.Password}
			if _, err := host.Auth.Setup(ctx, apptest.SetupSecret, d, browser); err == nil {
				made.Add(1)
			} else if !errors.Is(err, auth.ErrDone) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := a.DB.NewSelect().Table("users").Count(ctx); made.Load() != 1 || n != 1 || err != nil {
		t.Errorf("%d administrators, %d users, error %v: want one", made.Load(), n, err)
	}
}

func TestOldHashesAreUpgradedAtSignIn(t *testing.T) {
	w, ctx := apptest.NewWorld(t, apptest.DB(t)), context.Background()
	u := w.Person(t, "ada", users.RoleUser)
	const pbkdf2 = "pbkdf2:sha256:600000$saltsalt$2b795472cd2a405be4a4bea6ad52319f19bf89fce606f2a188606bfac106542e"
	if _, err := w.DB.ExecContext(ctx, "UPDATE users SET password_hash = ? WHERE id = ?", pbkdf2, u.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.Auth.SignIn(ctx, "ADA@example.org", "admin123", browser); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := w.Users.Get(ctx, u.ID); err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$") {
		t.Errorf("the hash is %.12s…, error %v: want argon2id", u.PasswordHash, err)
	}
}

// TestInvitingManyGoesOnWhereItStopped invites five people two at a time; again, whose link is the oldest comes first.
func TestInvitingManyGoesOnWhereItStopped(t *testing.T) {
	ctx := context.Background()
	w := apptest.NewWorld(t, apptest.DB(t))
	w.Crowd(t, 10) // every other one is disabled
	everybody := users.ParseQuery(url.Values{})
	var got []string
	for _, again := range []bool{false, false, false, false, true, true} {
		made, err := w.Auth.InviteMany(ctx, apptest.Tester, auth.Invitees{
			Selection: users.Selection{Query: &everybody}, Again: again, Most: 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		var names strings.Builder
		for _, m := range made {
			names.WriteString(strings.TrimPrefix(m.User.Username, "person00000"))
		}
		got = append(got, names.String())
	}
	if want := []string{"02", "46", "8", "", "02", "46"}; !slices.Equal(got, want) {
		t.Errorf("invited are %q, want %q", got, want)
	}
}
