package browser_test

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// place is a page that an address opens. route is the line of the app's table that serves it, path what to fill in.
type place struct{ name, route, path string }

// The places, by who is to see them.
var (
	placesBeforeSetup = []place{{"setup", "/setup", ""}}
	strangersPlaces   = []place{
		{"sign-in", "/login", ""},
		{"forgot", "/forgot", ""},
		{"link", "/link/:token", "/link/{token}"},
	}
	administratorsPlaces = []place{
		{"overview", "/dashboard", ""},
		{"users", "/users", ""},
		{"users-empty", "/users", "/users?q=nobody-is-called-so"},
		{"users-deleted", "/users", "/users?status=deleted"},
		{"user-new", "/users/new", ""},
		{"views", "/users/views", ""},
		{"dormant", "/users/dormant", "/users/dormant?days=30"},
		{"user", "/users/:id<int>", "/users/{id}"},
		{"import", "/users/import", ""},
		{"audit", "/audit", ""},
		{"account", "/account", ""},
		{"account-password", "/account/password", ""},
		{"account-second-factor", "/account/second-factor", ""},
		{"account-sessions", "/account/sessions", ""},
		{"account-tokens", "/account/tokens", ""},
		{"account-activity", "/account/activity", ""},
		{"confirm", "/confirm", ""},
		{"help", "/help", ""},
		{"error", "", "/nothing"},
		{"logout", "/logout", ""},
	}
	halfSignedInPlaces = []place{{"sign-in-code", "/login/code", ""}}
)

// notPages are routes that a browser's GET leads to and that show no page of their own, with the reason.
var notPages = map[string]string{
	"/":                    "leads on to another page",
	"/users/export":        "is a file",
	"/audit/export":        "is a file",
	"/account/data":        "is a file",
	"/users/:id<int>/data": "is a file",
}

// TestEveryPageRouteIsWalked fails when a page is added to the app and not to the places above.
func TestEveryPageRouteIsWalked(t *testing.T) {
	walked := map[string]bool{"": true}
	for _, places := range [][]place{placesBeforeSetup, strangersPlaces, administratorsPlaces, halfSignedInPlaces} {
		for _, p := range places {
			walked[p.route] = true
		}
	}
	pages := map[string]bool{"": true}
	for _, route := range new(server.Server).Routes() {
		if route.Unsafe() || route.API || route.NoDatabase {
			continue
		}
		pages[route.Path] = true
		if reason := notPages[route.Path]; !walked[route.Path] && reason == "" {
			t.Errorf("no browser looks at the page %s: add it to the places", route.Path)
		}
	}
	for route := range walked {
		if !pages[route] {
			t.Errorf("%s is walked, and the app has no such page", route)
		}
	}
}

// look is a combination of the choices that people have.
type look struct{ lang, theme string }

// looks are all combinations; each is measured at each width. axeAt are the widths at which axe, the slow part, runs too:
// together they cover each theme, each language, and the widest and the narrowest window.
var looks = []struct {
	look
	axeAt []int64
}{
	{look{"en", "light"}, []int64{320, 1280}},
	{look{"en", "dark"}, []int64{1280}},
	{look{"de", "light"}, nil},
	{look{"de", "dark"}, []int64{320, 768}},
}

// widths are a telephone's (and 1280 px at a zoom of 400 %), a tablet's and a desk's, in CSS pixels.
var widths = []int64{320, 768, 1280}

// TestEveryPageInBothThemes looks at each page for findings of axe, breaches of the content policy and whatever does not
// fit, in each theme and language, at each width.
func TestEveryPageInBothThemes(t *testing.T) {
	requireBrowser(t)
	s := newSite(t, "UMS_SMTP_URL", "smtp://127.0.0.1:1", "UMS_SMTP_FROM", "users@example.org") // for the form on /forgot
	ctx := context.Background()
	b := newTab(t, s, true)
	walk(b, placesBeforeSetup, nil)

	admin, bob := s.world.Person(t, "ada", users.RoleAdmin), s.world.Person(t, "bob", users.RoleUser)
	s.world.Crowd(t, 40)
	link, err := s.world.Auth.IssueLink(ctx, apptest.Tester, bob.ID, auth.LinkReset)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.world.Auth.CreateToken(ctx, apptest.Tester, admin, "ci", auth.Scopes, 30); err != nil {
		t.Fatal(err)
	}
	savedViews(t, s.world, admin, s.world.Person(t, "zoe", users.RoleAdmin))
	fill := strings.NewReplacer("{token}", link, "{id}", strconv.FormatInt(bob.ID, 10))
	walk(b, strangersPlaces, fill)
	b.signIn("ada")
	walk(b, administratorsPlaces, fill)
	b.press(".sign-out button")

	withSecondFactor(b, "eve")
	b.signIn("eve")
	walk(b, halfSignedInPlaces, fill)
}

// savedViews gives the first administrator a view of her own and one of the second's.
func savedViews(t *testing.T, w *apptest.World, first, second *users.User) {
	t.Helper()
	for name, u := range map[string]*users.User{"New people": first, "Administrators without a second factor": second} {
		q := users.ParseQuery(url.Values{"role": {"admin"}, "mfa": {"no"}, "sort": {"-created_at"}})
		if err := w.Users.SaveView(context.Background(), audit.Actor{ID: u.ID, Name: u.Username}, name, q, u == second); err != nil {
			t.Fatal(err)
		}
	}
}

// withSecondFactor adds somebody who is asked for a code.
func withSecondFactor(b *tab, name string) {
	b.t.Helper()
	b.site.world.Person(b.t, name, users.RoleAdmin)
	b.signIn(name)
	b.open("/account/second-factor")
	code, err := totp.GenerateCode(b.text("code.secret"), time.Now().Add(-30*time.Second))
	if err != nil {
		b.t.Fatal(err)
	}
	b.fill("code", code)
	b.press("main form[action='/account/second-factor'] button")
	b.press(".sign-out button")
}

func walk(b *tab, places []place, fill *strings.Replacer) {
	b.t.Helper()
	for _, l := range looks {
		b.open("/help")
		b.choose(l.lang, l.theme)
		for _, p := range places {
			path := p.path
			if path == "" {
				path = p.route
			}
			if fill != nil {
				path = fill.Replace(path)
			}
			b.open(path)
			b.requirePage(p, path, l.lang)
			b.fits(p.name, l.look, l.axeAt)
		}
	}
}

// requirePage keeps the walk from looking at an error, at the sign-in page or at another language in place of what it came for.
func (b *tab) requirePage(p place, path, lang string) {
	b.t.Helper()
	failed, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!document.querySelector("main .empty-header")`))
	if err != nil {
		b.t.Fatal(err)
	}
	if got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.lang`)); err != nil || got != lang {
		b.t.Errorf("%s is in %q, want %q, error %v", path, got, lang, err)
	}
	if at := b.at(); at != path || failed != (p.route == "") {
		b.t.Fatalf("%s leads to %s: %s", path, at, b.text("main"))
	}
}

// fits measures the page at each width, runs axe at some, and keeps the pictures of English.
func (b *tab) fits(name string, l look, axeAt []int64) {
	b.t.Helper()
	for _, width := range widths {
		b.do(chromedp.EmulateViewport(width, 900))
		what := fmt.Sprintf("%s, %s, %s, %d px", name, l.lang, l.theme, width)
		b.reflows(what)
		for _, at := range axeAt {
			if at == width {
				b.inspect(what)
			}
		}
		if l.lang == "en" && width == 1280 {
			b.shoot(name + "-" + l.theme)
		} else if narrow := name == "users" && l.lang == "en" || name == "account" && l.lang == "de"; narrow && width == 320 {
			b.shoot(name + "-narrow-" + map[string]string{"en": "", "de": "german-"}[l.lang] + l.theme)
		}
	}
}
