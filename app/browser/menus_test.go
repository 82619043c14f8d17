package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"usermanagement.dev/stack/app/users"
)

// TestMenusCloseAsPeopleExpect opens the list's menus and leaves them by Escape, and by going elsewhere.
func TestMenusCloseAsPeopleExpect(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "ada", users.RoleAdmin)
	b := newTab(t, s, true)
	b.signIn("ada")
	b.open("/users")
	const views, columns = "#views > summary", "details.menu:not(#views) > summary"
	open := func() string {
		return b.script(`[...document.querySelectorAll("details.menu")].map((m) => m.open).join()`)
	}
	b.do(chromedp.Click(chromedp.CSS(views)))
	if got := open(); got != "true,false" {
		t.Fatalf("the menus are open: %s", got)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	if got := open(); got != "false,false" {
		t.Errorf("after Escape the menus are open: %s", got)
	}
	if got := b.script(`String(document.activeElement.matches("#views > summary"))`); got != "true" {
		t.Error("after Escape the focus is not on the menu's button")
	}
	b.do(chromedp.Click(chromedp.CSS(views)), chromedp.Click(chromedp.CSS(columns)))
	if got := open(); got != "false,true" {
		t.Errorf("with the other menu opened they are open: %s", got)
	}
	b.do(chromedp.Click(chromedp.CSS("details.menu:not(#views) [name=cols]")))
	if got := open(); got != "false,true" {
		t.Errorf("after a choice in the menu they are open: %s", got)
	}
	b.do(chromedp.Click(chromedp.CSS("h1")))
	if got := open(); got != "false,false" {
		t.Errorf("after a click elsewhere they are open: %s", got)
	}
}
