package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestNamesOfOneLongWordFit looks at the pages that show what people may be called at most, and at what a file may hold.
func TestNamesOfOneLongWordFit(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "ada", users.RoleAdmin)
	bob := s.world.Person(t, strings.Repeat("b", 64), users.RoleUser)
	address := strings.Repeat("l", 64) + "@" + strings.Repeat(strings.Repeat("d", 60)+".", 3) + "org"
	patch := users.Patch{DisplayName: new(strings.Repeat("W", 200)), Email: &address}
	if _, err := s.world.Users.Edit(context.Background(), apptest.Tester, bob.ID, 0, patch); err != nil {
		t.Fatal(err)
	}
	b := newTab(t, s, true)
	b.signIn("ada")
	for _, width := range []int64{1280, 768, 320} {
		b.do(chromedp.EmulateViewport(width, 900))
		for _, path := range []string{fmt.Sprintf("/users/%d", bob.ID), "/users", "/audit", "/dashboard"} {
			b.open(path)
			b.reflows(fmt.Sprintf("%s at %d px", path, width))
		}
	}
	b.do(chromedp.EmulateViewport(1280, 900))
	file := filepath.Join(t.TempDir(), "people.csv")
	rows := "username,email\n" + strings.Repeat("a", 255) + "," + address + "\nfine.name," + strings.Repeat("x", 300) + "\n"
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open("/users/import")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{file}))
	b.press("main form button")
	b.reflows("the report of an import")
	invitationOfALongName(b, address)
}

// invitationOfALongName follows an invitation of somebody new whose name and address are long, in German.
func invitationOfALongName(b *tab, address string) {
	b.t.Helper()
	draft := users.Draft{
		Username: strings.Repeat("n", 64), Email: "n" + address[1:], Role: users.RoleUser, Status: users.StatusActive,
	}
	if _, err := b.site.world.Users.Create(context.Background(), apptest.Tester, draft); err != nil {
		b.t.Fatal(err)
	}
	b.open("/help")
	b.choose("de", "light")
	b.open("/users?status=invited")
	b.do(chromedp.Click(chromedp.CSS(`#bulk [name=all]`)))
	for _, button := range []string{"#bulk button", "main form[action='/users/bulk/apply'] button"} {
		b.press(button)
		for _, width := range []int64{1280, 768, 320} {
			b.do(chromedp.EmulateViewport(width, 900))
			b.reflows(fmt.Sprintf("after %s at %d px", button, width))
		}
		b.do(chromedp.EmulateViewport(1280, 900))
	}
	if !strings.Contains(b.text("main"), draft.Email) {
		b.t.Errorf("the page of the links: %s", b.text("main"))
	}
}

// TestTheSetupLinkWorksOnTheOpenPage follows the link where the page stands open already, which loads nothing.
func TestTheSetupLinkWorksOnTheOpenPage(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	b := newTab(t, s, true)
	b.open("/setup")
	follow := `new Promise((done) => { addEventListener("hashchange", () => done(document.getElementById("f-secret").value + location.hash));
	  location.hash = "` + apptest.SetupSecret + `"; })`
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](follow, chromedp.EvalAwaitPromise))
	if err != nil || got != apptest.SetupSecret {
		t.Errorf("the secret's field and the rest of the address: %q, error %v", got, err)
	}
}

// TestSortingShowsItsDirection reads what is drawn beside the heading that the list is sorted by.
func TestSortingShowsItsDirection(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "ada", users.RoleAdmin)
	b := newTab(t, s, true)
	b.signIn("ada")
	for order, arrow := range map[string]string{"email": "↑", "-email": "↓"} {
		b.open("/users?sort=" + order)
		drawn := b.script(`(() => { const s = getComputedStyle(document.querySelector("th[aria-sort$=ending] a"), "::after");
		  return s.content + " " + s.maskImage + " " + s.backgroundColor; })()`)
		if want := `"` + arrow + `" none rgba(0, 0, 0, 0)`; drawn != want {
			t.Errorf("sorted by %s, the heading has %s, want %s", order, drawn, want)
		}
	}
}

// TestWhatIsShownOnceCanBeCopied presses the button beside a one-time link, as a browser with a clipboard shows it.
func TestWhatIsShownOnceCanBeCopied(t *testing.T) {
	requireBrowser(t)
	s := newSite(t)
	s.world.Person(t, "ada", users.RoleAdmin)
	bob := s.world.Person(t, "bob", users.RoleUser)
	b := newTab(t, s, true)
	b.signIn("ada")
	b.open(fmt.Sprintf("/users/%d", bob.ID))
	b.press("form[action$='/link'] button")
	b.script(`Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => { window.copied = text; }}}); ""`)
	b.do(chromedp.Click(chromedp.CSS("[data-copies]")), waitText(".copied", "Copied."))
	if got, link := b.script("window.copied"), b.text("#fresh-link"); got != link || link == "" {
		t.Errorf("copied %q, the link is %q", got, link)
	}
	b.inspect("the link after copying")
}
