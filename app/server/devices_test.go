package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

const (
	newDevice = "Sign-in from a new device"
	firefox   = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// bobOn is a fresh browser that says what it is, signed in as bob.
func (h *host) bobOn(userAgent string) *browser {
	h.t.Helper()
	b := h.browser()
	b.headers["User-Agent"] = userAgent
	if res := b.signIn("bob", apptest.Password); res.StatusCode != http.StatusSeeOther {
		h.t.Fatalf("sign-in of bob: %d", res.StatusCode)
	}
	return b
}

func dismissal(page answer) url.Values {
	return url.Values{"notice": {between(page.body, `name="notice" value="`, `"`)}, "next": {"/account/activity"}}
}

func TestTheOwnerIsToldOfANewDeviceOnEveryPage(t *testing.T) {
	cfg := apptest.Config(t)
	h, other := hostOn(t, cfg), hostOn(t, cfg)
	owner, bob := h.as("bob", users.RoleUser)
	if page := owner.get("/account"); strings.Contains(page.body, newDevice) {
		t.Fatal("the first sign-in of an account counts as one from a new device")
	}
	thief := h.bobOn(firefox)
	for _, path := range []string{"/account", "/account/sessions", "/help"} {
		if page := owner.other(other).get(path); !strings.Contains(page.body, newDevice) || !strings.Contains(page.body, "Firefox · Linux") {
			t.Errorf("%s does not tell the owner", path)
		}
		if page := thief.get(path); strings.Contains(page.body, newDevice) {
			t.Errorf("%s tells the new device itself", path)
		}
	}
	if page := owner.get("/account/activity"); !strings.Contains(page.body, ">New device<") {
		t.Error("the activity does not mark the sign-in")
	}
	form := dismissal(owner.get("/account"))
	eve, _ := h.as("eve", users.RoleUser)
	second := h.bobOn(firefox)
	for who, b := range map[string]*browser{"the new device": thief, "a device newer still": second, "somebody else": eve} {
		b.get("/account")
		form.Del("_csrf")
		if res := b.post("/account/notices/dismiss", form); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s puts the notice away: %d", who, res.StatusCode)
		}
	}
	for range 2 {
		page := owner.get("/account")
		if res := owner.post("/account/notices/dismiss", dismissal(page)); res.Header.Get("Location") != "/account/activity?done=done.noticed" {
			t.Fatalf("putting the notice away: %d %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	page := owner.get("/account/activity")
	if strings.Contains(page.body, newDevice) || !strings.Contains(page.body, "Notice of a new device put away") {
		t.Error("after putting both away, a notice is still there, or the activity lacks it")
	}
	h.knows(owner, thief, bob)
}

// knows signs in again with browsers that an account knows: nobody is told of them, even after a foreign sign-in in between.
func (h *host) knows(owner, again *browser, u *users.User) {
	h.t.Helper()
	device := again.cookies["__Host-device"]
	again.post("/logout", url.Values{"_csrf": {again.token()}})
	again.signIn("eve", apptest.Password)
	if again.cookies["__Host-device"] != device {
		h.t.Error("a second person gets another device cookie in the same browser")
	}
	again.post("/logout", url.Values{"_csrf": {again.token()}})
	again.signIn(u.Username, apptest.Password)
	if page := owner.get("/account"); strings.Contains(page.body, newDevice) {
		h.t.Error("a browser that the account knows is called new")
	}
	planted := h.browser()
	planted.cookies["__Host-device"] = "planted"
	planted.signIn(u.Username, apptest.Password)
	if planted.cookies["__Host-device"] == "planted" {
		h.t.Error("a device cookie that this app never gave out is accepted")
	}
	if page := owner.get("/account"); !strings.Contains(page.body, newDevice) {
		h.t.Error("a browser with a made-up cookie is not called new")
	}
}

func TestTheOwnerOfAnAccountGetsMailOfANewDevice(t *testing.T) {
	office := newPostOffice(t)
	h := newHost(t, "UMS_SMTP_URL", "smtp://"+office.addr, "UMS_SMTP_FROM", "users@example.org")
	h.as("bob", users.RoleUser)
	h.bobOn("Visit http://evil.example now")
	to, subject, body := office.next(t) // the first sign-in sent none
	if to != "<bob@example.org>" || subject != "User Management: sign-in from a new device" ||
		!strings.Contains(body, "Device: Unknown device") || !strings.Contains(body, h.cfg.PublicURL+"/account/sessions") {
		t.Errorf("to %s, %q: %s", to, subject, body)
	}
	for _, wrong := range []string{"evil", apptest.Password, "/link/"} {
		if strings.Contains(body, wrong) {
			t.Errorf("the mail holds %q", wrong)
		}
	}
	h.bobOn(firefox)
	if _, _, body := office.next(t); !strings.Contains(body, "Device: Firefox · Linux") {
		t.Errorf("the second mail: %s", body)
	}
}

func TestAMailServerThatIsAwayKeepsNobodyFromSigningIn(t *testing.T) {
	h := newHost(t, "UMS_SMTP_URL", "smtp://127.0.0.1:1", "UMS_SMTP_FROM", "users@example.org")
	owner, _ := h.as("bob", users.RoleUser)
	if page := h.bobOn(firefox).get("/account"); page.StatusCode != http.StatusOK {
		t.Errorf("signing in from a new device: %d", page.StatusCode)
	}
	if page := owner.get("/account"); !strings.Contains(page.body, newDevice) {
		t.Error("the pages do not tell the owner")
	}
}

// TestNoticesGrowOld lets a month go by.
func TestNoticesGrowOld(t *testing.T) {
	h := newHost(t)
	owner, _ := h.as("bob", users.RoleUser)
	h.bobOn(firefox)
	if _, err := h.db.ExecContext(context.Background(), "UPDATE device_notices SET at = at - INTERVAL 31 DAY"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.db.ExecContext(context.Background(), "UPDATE known_devices SET created_at = created_at - INTERVAL 32 DAY"); err != nil {
		t.Fatal(err)
	}
	if page := owner.get("/account"); strings.Contains(page.body, newDevice) {
		t.Error("a notice of last month is still on every page")
	}
}
