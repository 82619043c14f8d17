package browser_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// setUp makes the first administrator, who signs in.
func (b *tab) setUp(scripts bool) {
	b.t.Helper()
	b.open("/setup#" + apptest.SetupSecret)
	if !scripts {
		b.fill("secret", apptest.SetupSecret)
	}
	b.fill("username", "root1")
	b.fill("email", "root@example.org")
	b.fill("password", apptest.Password)
	b.press("main button[type=submit]")
	if b.at() != "/login?done=done.setup" {
		b.t.Fatalf("after setup: %s %s", b.at(), b.text("main"))
	}
	b.signIn("root1")
	if b.at() != "/dashboard" {
		b.t.Fatalf("after signing in: %s", b.at())
	}
}

// journey is an administrator's first hour: setting up, adding, finding, changing and removing somebody.
func journey(t *testing.T, scripts bool) {
	t.Helper()
	s := newSite(t)
	b := newTab(t, s, scripts)
	b.setUp(scripts)
	b.open("/users/new")
	b.fill("username", "carol")
	b.fill("email", "not an address")
	b.fill("display_name", "Carol Shaw")
	b.press("main button[type=submit]")
	if !strings.Contains(b.text("#errors"), "not an e-mail address") {
		t.Errorf("a wrong address: %s", b.text("main"))
	}
	b.fill("email", "carol@example.org")
	b.press("main button[type=submit]")
	link := strings.TrimPrefix(b.text("#fresh-link"), s.url)
	if !strings.HasPrefix(link, "/link/") {
		t.Fatalf("the invitation is %q", link)
	}
	b.open("/users?q=Carol+Sh")
	if got := b.text("#result-count"); got != "1 user" {
		t.Errorf("searching for Carol finds %q", got)
	}
	b.press(`th[scope=row] a`)
	b.press(`form[action$="/delete"] button`)
	if !strings.Contains(b.text("#done"), "was deleted") {
		t.Errorf("after deleting: %s", b.text("main"))
	}
	b.press(`form[action$="/restore"] button`)
	if !strings.Contains(b.text("#done"), "was restored") {
		t.Errorf("after restoring: %s", b.text("main"))
	}
	// The deletion took the invitation back: whoever is restored gets a new one.
	b.press(`form[action$="/link"] button`)
	link = strings.TrimPrefix(b.text("#fresh-link"), s.url)
	guest := newTab(t, s, scripts)
	guest.open(link)
	guest.fill("password", apptest.Password)
	guest.press("main button[type=submit]")
	guest.signIn("carol")
	if guest.at() != "/account" {
		t.Errorf("Carol lands on %s", guest.at())
	}
	b.press(`.sign-out button`)
	if !strings.HasPrefix(b.at(), "/login") {
		t.Errorf("after signing out: %s", b.at())
	}
}

func TestJourneyWithoutJavaScript(t *testing.T) { requireBrowser(t); journey(t, false) }

// TestWhatScriptsAdd covers what works differently with scripts on: the setup link, the question before deleting, live
// search, shortcuts, select all.
func TestWhatScriptsAdd(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	b := newTab(t, s, true)
	b.open("/setup#" + apptest.SetupSecret)
	secret, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.getElementById("f-secret").value + location.hash`))
	if err != nil || secret != apptest.SetupSecret {
		t.Errorf("the setup link filled in %q, error %v", secret, err)
	}
	s.world.Person(t, "ada", users.RoleAdmin)
	bob := s.world.Person(t, "bob", users.RoleUser)
	s.world.Crowd(t, 60)
	b.signIn("ada")
	b.open(fmt.Sprintf("/users/%d", bob.ID))
	b.do(chromedp.Click(chromedp.CSS(`form[action$="/delete"] button`)), chromedp.WaitVisible(chromedp.CSS(`dialog#confirm[open]`)))
	b.press(`dialog#confirm button[value=yes]`)
	if !strings.Contains(b.text("#done"), "was deleted") {
		t.Errorf("after the question: %s", b.text("main"))
	}
	b.open("/users")
	hasHTMX, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!window.htmx`))
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Click(chromedp.CSS(`[data-select-all]`)))
	if got := b.text(".selected-count"); got != "25 selected" {
		t.Errorf("select all says %q", got)
	}
	b.do(chromedp.SendKeys(chromedp.CSS(`#main`), "/"))
	focused, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.activeElement.id`))
	if err != nil || focused != "f-q" {
		t.Errorf("the key / focuses %q, error %v", focused, err)
	}
	if hasHTMX {
		b.open("/users")
		b.do(chromedp.SendKeys(chromedp.CSS(`#f-q`), "person00005"))
		b.do(waitText("#result-count", "10 users"))
		if at := b.at(); !strings.Contains(at, "q=person00005") {
			t.Errorf("the address of a live search is %s", at)
		}
		if file := b.script(`document.querySelector('a[href^="/users/export"]').href`); !strings.Contains(file, "q=person00005") {
			t.Errorf("after a live search the export is %s", file)
		}
	}
	b.inspect("the list after a live search")
}

func waitText(selector, want string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((ok, no) => {
		  const due = Date.now() + 8000;
		  const look = () => { const e = document.querySelector(%q);
		    if (e && e.textContent === %q) ok(true);
		    else if (Date.now() > due) no(new Error("still: " + (e && e.textContent))); else requestAnimationFrame(look); };
		  look(); })`, selector, want), chromedp.EvalAwaitPromise)(ctx, target)
		return chromedp.Void{}, err
	}
}
