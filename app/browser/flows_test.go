package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// look inspects the page that the tab is at, and keeps its picture.
func (b *tab) look(name, theme string) {
	b.t.Helper()
	b.fits(name, look{"en", theme}, []int64{1280})
}

// choose sets language and theme by the form at the foot of every page.
func (b *tab) choose(lang, theme string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(`.preferences [name=lang]`), lang))
	b.do(chromedp.SetValue(chromedp.CSS(`.preferences [name=theme]`), theme))
	b.press(".preferences button")
}

// TestPagesThatOnlyAnActLeadsTo goes through what no address alone opens: setup, errors of forms, a conflict, a bulk action, an
// import, a link, a token, recovery codes, the question for the code. Each page is inspected, in either theme.
func TestPagesThatOnlyAnActLeadsTo(t *testing.T) {
	requireBrowser(t)
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			s := newSite(t)
			b := newTab(t, s, true)
			b.open("/setup")
			b.choose("en", theme)
			ada := s.world.Person(t, "ada", users.RoleAdmin)
			bob := s.world.Person(t, "bob", users.RoleUser)
			s.world.Crowd(t, 12)
			b.signIn("ada")
			administratorsPages(b, theme, bob)
			lastAdministratorsPage(b, theme, ada)
			newDevicePages(b, theme, ada)
			secondFactorPages(b, theme, ada)
		})
	}
}

func administratorsPages(b *tab, theme string, bob *users.User) {
	b.t.Helper()
	b.open("/users/new")
	b.fill("username", "x")
	b.press("main form[action='/users'] button")
	b.look("user-new-errors", theme)

	b.open(fmt.Sprintf("/users/%d", bob.ID))
	theirs := "Robert"
	if _, err := b.site.world.Users.Edit(context.Background(), apptest.Tester, bob.ID, 0, users.Patch{DisplayName: &theirs}); err != nil {
		b.t.Fatal(err)
	}
	b.fill("display_name", "Bobby")
	b.press("main form[action^='/users/'] .btn-primary")
	b.look("conflict", theme)
	b.press("main form .btn-primary")
	if got := b.text("h1"); got != "Bobby" {
		b.t.Errorf("after choosing the own version the name is %q", got)
	}

	b.open("/users?role=user")
	b.do(chromedp.Click(chromedp.CSS(`#bulk [name=all]`)))
	b.do(chromedp.SetValue(chromedp.CSS(`#f-action`), "disable"))
	b.press("#bulk button")
	b.look("bulk", theme)
	b.press("main .btn-primary")
	b.look("users-undo", theme)
	b.press("#done button")
	if !strings.Contains(b.text("#done"), "Undone") {
		b.t.Errorf("after undoing: %s", b.text("main"))
	}

	invitationPages(b, theme, bob)

	file := filepath.Join(b.t.TempDir(), "people.csv")
	people := "username,email,display_name\ncarol,carol@example.org,Carol Shaw\nbob,bob@example.org,Bob\nd,nonsense,D\n"
	if err := os.WriteFile(file, []byte(people), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.open("/users/import")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{file}))
	b.press("main form button")
	b.look("import-report", theme)

	b.open(fmt.Sprintf("/users/%d", bob.ID))
	b.press("form[action$='/link'] button")
	b.look("link-issued", theme)

	b.open("/account/tokens")
	b.fill("name", "deploy")
	b.press("main form[action='/account/tokens'] .btn-primary")
	b.look("account-token-fresh", theme)
	if token := b.text("#fresh-token"); !strings.HasPrefix(token, "ums_") {
		b.t.Errorf("the fresh token is %q", token)
	}
}

// invitationPages invites everybody of the list, of whom some are disabled and one has a password.
func invitationPages(b *tab, theme string, bob *users.User) {
	b.t.Helper()
	b.open("/users?role=user")
	b.do(chromedp.Click(chromedp.CSS(`#bulk [name=all]`)))
	b.do(chromedp.SetValue(chromedp.CSS(`#f-action`), "invite"))
	b.press("#bulk button")
	b.look("invite", theme)
	if left := b.text("dl.facts"); !strings.Contains(left, bob.Username) || strings.Contains(left, "person000000") {
		b.t.Errorf("left out are %s", left)
	}
	b.press("main form[action='/users/bulk/apply'] button")
	b.look("invitations", theme)
	copiesTo := `Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => { window.copied = text; }}}); ""`
	b.script(copiesTo)
	b.do(chromedp.Click(chromedp.CSS(`tbody [data-copies]`)), waitText("tbody .copied", "Copied."))
	one := b.text("tbody code.secret")
	if got := b.script("window.copied"); got != one || one == "" {
		b.t.Errorf("copied %q, the link is %q", got, one)
	}
	b.do(chromedp.Click(chromedp.CSS(`[data-copies=".invitation"]`)), waitText(".btn-list > .copied", "Copied."))
	lines := strings.Split(b.script("window.copied"), "\n")
	if len(lines) != 6 || lines[0] != "person000000\tperson000000@example.org\t"+one {
		b.t.Errorf("copied %d lines: %q", len(lines), lines)
	}
}

// lastAdministratorsPage tries to make a user of the only administrator, and goes back.
func lastAdministratorsPage(b *tab, theme string, ada *users.User) {
	b.t.Helper()
	form := fmt.Sprintf("/users/%d", ada.ID)
	b.open(form)
	b.fill("role", "user")
	b.press("main form[action^='/users/'] .btn-primary")
	b.look("error-last-administrator", theme)
	b.press("main .empty .btn-primary")
	if b.at() != form {
		b.t.Errorf("back leads to %s, want %s", b.at(), form)
	}
}

// newDevicePages has somebody sign in from elsewhere, and puts the notice of it away.
func newDevicePages(b *tab, theme string, ada *users.User) {
	b.t.Helper()
	elsewhere := auth.Client{IP: "203.0.113.9", UserAgent: "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"}
	if _, err := b.site.world.Auth.SignIn(context.Background(), ada.Username, apptest.Password, elsewhere); err != nil {
		b.t.Fatal(err)
	}
	b.open("/account/activity")
	b.look("account-new-device", theme)
	b.press("main form[action='/account/notices/dismiss'] button")
	if !strings.Contains(b.text("#done"), "Noted") || strings.Contains(b.text("main"), "was not you") {
		b.t.Errorf("after putting the notice away: %s %s", b.at(), b.text("main"))
	}
}

func secondFactorPages(b *tab, theme string, ada *users.User) {
	b.t.Helper()
	b.open("/account/second-factor")
	secret := b.text("code.secret")
	code, err := totp.GenerateCode(secret, time.Now().Add(-30*time.Second))
	if err != nil {
		b.t.Fatal(err)
	}
	b.fill("code", code)
	b.press("main form[action='/account/second-factor'] button")
	b.look("account-recovery-codes", theme)
	b.open("/account/second-factor")
	b.look("account-second-factor-on", theme)
	b.press(".sign-out button")
	b.signIn(ada.Username)
	b.look("sign-in-code", theme)
	code, _ = totp.GenerateCode(secret, time.Now())
	b.fill("code", code)
	b.press("main form[action='/login/code'] button")
	if b.at() != "/dashboard" {
		b.t.Errorf("after the code: %s", b.at())
	}
}

// TestAUsersJourney is what somebody without rights does: sign in wrong and right, change the profile, the password, see and end
// sessions, make a token, and meet what is not theirs. It runs with scripts off in the light theme, and on in the dark one.
func TestAUsersJourney(t *testing.T) {
	requireBrowser(t)
	for _, tc := range []struct {
		name, theme string
		scripts     bool
	}{{"without scripts", "light", false}, {"with scripts", "dark", true}} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.world.Person(t, "bob", users.RoleUser)
			b := newTab(t, s, tc.scripts)
			b.open("/login")
			b.choose("en", tc.theme)
			b.fill("login", "bob")
			b.fill("password", "not this one")
			b.press("main button[type=submit]")
			if !strings.Contains(b.text("main"), "Wrong name or password") {
				t.Errorf("a wrong password: %s", b.text("main"))
			}
			b.signIn("bob")
			if b.at() != "/account" {
				t.Fatalf("after signing in: %s", b.at())
			}
			usersOwn(b)
			for _, foreign := range []string{"/users", "/audit", "/users/1"} {
				b.open(foreign)
				if !strings.Contains(b.text("main"), "not allowed") {
					t.Errorf("%s shows a user: %s", foreign, b.text("main"))
				}
			}
			b.press(".sign-out button")
			b.open("/account")
			if !strings.HasPrefix(b.at(), "/login") {
				t.Errorf("signed out, /account leads to %s", b.at())
			}
		})
	}
}

func usersOwn(b *tab) {
	b.t.Helper()
	b.fill("display_name", "Robert B.")
	b.press("main form[action='/account'] button")
	if !strings.Contains(b.text("#done"), "Saved") {
		b.t.Errorf("after saving: %s", b.text("main"))
	}
	b.open("/account/password")
	b.fill("current", apptest.Password)
	b.fill("password", "short")
	b.press("main form[action='/account/password'] button")
	if !strings.Contains(b.text("#errors"), "too short") || !strings.Contains(b.text("main"), "At least 15 characters") {
		b.t.Errorf("a short password: %s", b.text("main"))
	}
	b.fill("current", apptest.Password)
	b.fill("password", "eleven purple saucepans sing")
	b.press("main form[action='/account/password'] button")
	if b.at() != "/account?done=done.password" {
		b.t.Errorf("after a new password: %s %s", b.at(), b.text("main"))
	}
	b.open("/account/sessions")
	if !strings.Contains(b.text("main"), "This session") {
		b.t.Errorf("the sessions: %s", b.text("main"))
	}
	b.open("/account/activity")
	if !strings.Contains(b.text("main"), "Password changed") {
		b.t.Errorf("the activity: %s", b.text("main"))
	}
}
