package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"usermanagement.dev/stack/app/users"
)

const (
	paletteOpen   = "dialog#palette[open]"
	paletteChosen = `#palette-list [aria-selected="true"]`
)

// script gives what an expression is on the page.
func (b *tab) script(expression string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatalf("%s on %s: %v", expression, b.at(), err)
	}
	return value
}

// enter presses the key that goes to what is chosen, and waits for the page.
func (b *tab) enter() {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) ctrlK() {
	b.t.Helper()
	b.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
}

// TestThePaletteGoesToPagesAndPeopleByKeysAlone opens it, finds a page and a person, and goes there without a mouse.
func TestThePaletteGoesToPagesAndPeopleByKeysAlone(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "ada", users.RoleAdmin)
	bob := s.world.Person(t, "bob", users.RoleUser)
	s.world.Crowd(t, 20)
	b := newTab(t, s, true)
	b.signIn("ada")
	b.ctrlK()
	b.do(chromedp.WaitVisible(chromedp.CSS(paletteOpen)))
	b.inspect("the palette")
	b.shoot("palette-light")
	b.do(chromedp.EmulateViewport(320, 600))
	b.reflows("the palette, 320 px")
	b.do(chromedp.EmulateViewport(1280, 900))
	if got := b.script(`document.activeElement.getAttribute("role")`); got != "combobox" {
		t.Fatalf("the focus is on a %q", got)
	}
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	if got := b.script(`document.getElementById(document.activeElement.getAttribute("aria-activedescendant")).textContent`); got != "Users" {
		t.Errorf("one down, %q is what a screen reader is told", got)
	}
	for range 2 {
		b.do(chromedp.KeyEvent(kb.ArrowUp))
	}
	if got := b.text(paletteChosen); got != "Keyboard shortcuts" {
		t.Errorf("up from the first comes %q, want the last", got)
	}
	b.do(chromedp.KeyEvent("saved"))
	b.enter()
	if b.at() != "/users/views" {
		t.Errorf("the page saved views is %s", b.at())
	}
	b.choose("en", "dark")
	b.ctrlK()
	b.do(chromedp.KeyEvent("BOB@"), waitText(paletteChosen, "bob bob@example.org"))
	b.inspect("the palette with a person")
	b.enter()
	if want := fmt.Sprintf("/users/%d", bob.ID); b.at() != want {
		t.Errorf("bob is at %s, want %s", b.at(), want)
	}
	b.ctrlK()
	b.do(chromedp.KeyEvent("nobody at all"), waitText("#palette [role=status]", "Nothing found."))
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent(chromedp.CSS(paletteOpen)))
	b.do(chromedp.Click(chromedp.CSS("[data-palette]")), chromedp.WaitVisible(chromedp.CSS(paletteOpen)))
	b.do(chromedp.KeyEvent(kb.Escape))
	if got := b.script(`String(document.activeElement.matches("[data-palette]"))`); got != "true" {
		t.Error("after closing, the focus is not back on the button")
	}
}

// TestSingleKeysCanBeTurnedOff covers WCAG 2.1.4: the keys without Ctrl do nothing then, and the palette still opens.
func TestSingleKeysCanBeTurnedOff(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "ada", users.RoleAdmin)
	b := newTab(t, s, true)
	b.signIn("ada")
	for _, keys := range []string{"on", "off"} {
		b.open("/users")
		b.do(chromedp.SetValue(chromedp.CSS(".preferences [name=keys]"), keys))
		b.press(".preferences button")
		b.do(chromedp.KeyEvent("?"))
		if got := b.script(`String(document.getElementById("help").open)`); (got == "true") != (keys == "on") {
			t.Errorf("keys %s: the help is open: %s", keys, got)
		}
		b.open("/users")
		b.do(chromedp.KeyEvent("/"))
		if got := b.script(`document.activeElement.id`); (got == "f-q") != (keys == "on") {
			t.Errorf("keys %s: after / the focus is on %q", keys, got)
		}
		b.open("/users")
		b.ctrlK()
		b.do(chromedp.WaitVisible(chromedp.CSS(paletteOpen)))
	}
}

// TestThePaletteOfAUser offers what is theirs, and asks nothing about others.
func TestThePaletteOfAUser(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "bob", users.RoleUser)
	b := newTab(t, s, true)
	b.signIn("bob")
	b.ctrlK()
	b.do(chromedp.WaitVisible(chromedp.CSS(paletteOpen)))
	if got := b.script(`document.querySelectorAll('#palette-list [data-href^="/account"]').length + " of " +
		document.querySelectorAll("#palette-list li").length`); got != "6 of 7" {
		t.Errorf("the pages of the own account are %s", got)
	}
	b.do(chromedp.KeyEvent("bob"), waitText("#palette [role=status]", "Nothing found."))
	if got := b.script(`String(performance.getEntriesByType("resource").some((r) => r.name.includes("/api/")))`); got != "false" {
		t.Error("the API was asked")
	}
}
