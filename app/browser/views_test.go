package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"usermanagement.dev/stack/app/users"
)

// TestSavedViewsInTheBrowser saves what the list shows, comes back to it by the menu, renames, shares and deletes it: with
// scripts and without.
func TestSavedViewsInTheBrowser(t *testing.T) {
	requireBrowser(t)
	for name, scripts := range map[string]bool{"without scripts": false, "with scripts": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.world.Person(t, "ada", users.RoleAdmin)
			s.world.Crowd(t, 30)
			b := newTab(t, s, scripts)
			b.signIn("ada")
			b.open("/users?status=disabled&sort=-email")
			b.do(chromedp.Click(chromedp.CSS("#views summary")), chromedp.WaitVisible(chromedp.CSS("#views .menu-body")))
			if scripts {
				b.inspect("the menu of views")
				b.do(chromedp.EmulateViewport(320, 900))
				b.reflows("the menu of views, 320 px")
				b.do(chromedp.EmulateViewport(1280, 900))
			}
			b.fill("name", "Switched off")
			b.press("#views .menu-body button")
			if !strings.Contains(b.text("#done"), "saved") || !strings.Contains(b.text("#views summary"), "Switched off") {
				t.Fatalf("after saving, at %s: %s", b.at(), b.text("#views"))
			}
			b.open("/users")
			b.do(chromedp.Click(chromedp.CSS("#views summary")))
			b.press("#views .menu-list a")
			if got := b.text("#result-count"); got != "15 users" || !strings.Contains(b.text("tbody tr"), "person000029") {
				t.Errorf("the view shows %s and begins with %s", got, b.text("tbody tr"))
			}
			b.do(chromedp.Click(chromedp.CSS("#views summary")))
			b.press(`#views a[href="/users/views"]`)
			b.do(chromedp.SetValue(chromedp.CSS(".saved-views [name=name]"), "Off"))
			b.press(".saved-views .inline-form button")
			if got := b.text(".saved-views h2"); got != "Off" {
				t.Errorf("after renaming it is called %q", got)
			}
			b.do(chromedp.Click(chromedp.CSS(".saved-views .btn-danger")))
			if scripts {
				b.press("dialog#confirm button[value=yes]")
			}
			b.do(chromedp.WaitVisible(chromedp.CSS("main .empty")))
		})
	}
}
