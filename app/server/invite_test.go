package server_test

import (
	"context"
	"encoding/csv"
	"html"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// newcomer adds somebody without a password.
func (h *host) newcomer(name, address string, status users.Status) *users.User {
	h.t.Helper()
	u, err := h.world.Users.Create(context.Background(), apptest.Tester, users.Draft{
		Username: name, Email: address, Role: users.RoleUser, Status: status,
	})
	if err != nil {
		h.t.Fatalf("add %s: %v", name, err)
	}
	return u
}

// newcomers are two people who can be invited, and the form that invites everybody who is ticked: all reasons to be left
// out are among them.
func (h *host) newcomers() (carol, dave *users.User, form url.Values) {
	h.t.Helper()
	carol, dave = h.newcomer("carol", "=1+1@example.org", users.StatusActive), h.newcomer("dave", "dave@example.org", users.StatusActive)
	all := []*users.User{
		carol, dave, h.world.Person(h.t, "bob", users.RoleUser), h.newcomer("off", "off@example.org", users.StatusDisabled),
		h.newcomer("late", "late@example.org", users.StatusActive), h.newcomer("gone", "gone@example.org", users.StatusActive),
	}
	ctx := context.Background()
	if _, err := h.db.ExecContext(ctx, "UPDATE users SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 DAY WHERE username = 'late'"); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.world.Users.Delete(ctx, apptest.Tester, all[5].ID, 0); err != nil {
		h.t.Fatal(err)
	}
	form = url.Values{"action": {"invite"}, "query": {"sort=-email"}}
	for _, u := range all {
		form.Add("id", fmtID(u.ID))
	}
	return carol, dave, form
}

// with is a form with more fields, and without the token of the page before.
func with(form url.Values, fields ...string) url.Values {
	more := url.Values{}
	for name, values := range form {
		more[name] = slices.Clone(values)
	}
	more.Del("_csrf")
	for i := 0; i+1 < len(fields); i += 2 {
		more.Set(fields[i], fields[i+1])
	}
	return more
}

var (
	linkField = regexp.MustCompile(`name="link" value="([^"]+)"`)
	sentField = regexp.MustCompile(`name="(username|email|link)" value="([^"]+)"`)
)

// links are the paths of the links that a page shows, in its order.
func (h *host) links(page string) []string {
	var paths []string
	for _, m := range linkField.FindAllStringSubmatch(page, -1) {
		paths = append(paths, strings.TrimPrefix(html.UnescapeString(m[1]), h.cfg.PublicURL))
	}
	return paths
}

func (h *host) opens(link string) bool {
	h.t.Helper()
	return h.browser().get(link).StatusCode == http.StatusOK
}

func TestThePreviewOfInvitationsTellsWhoGetsNoneAndWhy(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	_, dave, form := h.newcomers()
	if _, err := h.world.Auth.IssueLink(context.Background(), apptest.Tester, dave.ID, auth.LinkInvite); err != nil {
		t.Fatal(err)
	}
	if list := admin.get("/users?status=invited"); !strings.Contains(list.body, `<option value="invite" selected>`) {
		t.Error("the list of those without a password does not offer to invite them")
	}
	page := admin.post("/users/bulk", form)
	if sample := between(page.body, `<ul class="sample">`, "</ul>"); !strings.Contains(sample, "carol") || strings.Contains(sample, "dave") {
		t.Errorf("invited are %s", sample)
	}
	left := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(between(page.body, "<dl", "</dl>"), " ")), " ")
	for _, want := range []string{
		"Deleted (1) gone", "Has a password (1) bob", "Disabled (1) off", "Access has expired (1) late", "Holds an open link (1) dave",
	} {
		if !strings.Contains(left, want) {
			t.Errorf("left out are %q, want %q", left, want)
		}
	}
	if page = admin.post("/users/bulk", with(form, "again", "yes")); !strings.Contains(page.body, "It is replaced") {
		t.Errorf("inviting dave again does not say what becomes of the link: %s", between(page.body, "<main", "</main>"))
	}
	if made, err := h.world.Auth.Links(context.Background(), dave.ID); err != nil || len(made) != 1 {
		t.Errorf("the preview made links: %d, error %v", len(made), err)
	}
}

func TestManyAreInvitedAndTheLinksAreShownOnce(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	carol, dave, form := h.newcomers()
	page := admin.post("/users/bulk/apply", with(form, "expected", "2"))
	made := h.links(page.body)
	if page.StatusCode != http.StatusOK || page.Header.Get("Cache-Control") != "no-store" || len(made) != 2 {
		t.Fatalf("%d %v with %d links: %s", page.StatusCode, page.Header, len(made), between(page.body, "<main", "</main>"))
	}
	if strings.Contains(page.body, "/users/bulk/undo") {
		t.Error("it offers to undo what cannot be undone")
	}
	for i, u := range []*users.User{carol, dave} {
		entries, _, err := audit.List(context.Background(), h.db, audit.Query{TargetID: u.ID, Action: "link.invite", Limit: 9})
		if err != nil || len(entries) != 1 || entries[0].Actor != "ada" || entries[0].Target != u.Username {
			t.Errorf("the audit log of %s: %+v, error %v", u.Username, entries, err)
		}
		if strings.Contains(h.log.String(), made[i]) || strings.Contains(page.Header.Get("Set-Cookie"), made[i]) {
			t.Errorf("the link of %s is in the log or in a cookie", u.Username)
		}
	}
	again := admin.post("/users/bulk/apply", with(form, "expected", "2"))
	if again.StatusCode != http.StatusConflict || len(h.links(again.body)) != 0 {
		t.Errorf("sending the form twice: %d with %d links", again.StatusCode, len(h.links(again.body)))
	}
	newer := h.links(admin.post("/users/bulk/apply", with(form, "expected", "2", "again", "yes")).body)
	if len(newer) != 2 || h.opens(made[0]) || !h.opens(newer[0]) {
		t.Fatalf("after inviting again: %d links, the first one opens: %v", len(newer), h.opens(made[0]))
	}
	guest := h.browser()
	guest.get(newer[1])
	if res := guest.post(newer[1], url.Values{"password": {apptest.Password}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("choosing a password by the link: %d", res.StatusCode)
	}
	if u, err := h.world.Users.Get(context.Background(), dave.ID); err != nil || !u.HasPassword() {
		t.Errorf("the second link is not dave's: %+v, error %v", u, err)
	}
}

func TestTheFileOfInvitationsIsThatOfThePage(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	_, _, form := h.newcomers()
	page := admin.post("/users/bulk/apply", form)
	sent := url.Values{}
	for _, m := range sentField.FindAllStringSubmatch(page.body, -1) {
		sent.Add(m[1], html.UnescapeString(m[2]))
	}
	res := admin.post("/users/bulk/invitations", sent)
	rows, err := csv.NewReader(strings.NewReader(res.body)).ReadAll()
	if err != nil || len(rows) != 3 || res.Header.Get("Cache-Control") != "no-store" ||
		!strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %v, error %v: %s", res.StatusCode, res.Header, err, res.body)
	}
	if got := rows[1]; got[0] != "carol" || got[1] != "'=1+1@example.org" || !h.opens(strings.TrimPrefix(got[2], h.cfg.PublicURL)) {
		t.Errorf("the first row is %q", got)
	}
	if line := html.UnescapeString(between(page.body, `data-line="`, `"`)); line != strings.Join(rows[1], "\t") {
		t.Errorf("the clipboard gets %q, the file has %q", line, rows[1])
	}
	forged := with(sent, "link", "https://evil.example/link/x", "username", "carol", "email", "c@example.org")
	if res := admin.post("/users/bulk/invitations", forged); res.StatusCode != http.StatusBadRequest {
		t.Errorf("links of elsewhere: %d", res.StatusCode)
	}
}

func TestInvitingManyIsForAdministratorsWhoGaveTheirPassword(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	carol, _, form := h.newcomers()
	user, _ := h.as("eve", users.RoleUser)
	for _, path := range []string{"/users/bulk", "/users/bulk/apply", "/users/bulk/invitations"} {
		if res := user.post(path, with(form)); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s as a user: %d", path, res.StatusCode)
		}
	}
	h.tire()
	if res := admin.post("/users/bulk/apply", with(form)); !asksForPassword(res) {
		t.Errorf("without the password: %d", res.StatusCode)
	}
	if made, err := h.world.Auth.Links(context.Background(), carol.ID); err != nil || len(made) != 0 {
		t.Fatalf("%d links were made, error %v", len(made), err)
	}
	if res := admin.post("/users/bulk/apply", with(form, "_confirm", apptest.Password)); len(h.links(res.body)) != 2 {
		t.Errorf("with it: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
}

func TestMoreThanFiveHundredAreInvitedInTurns(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	h.world.Crowd(t, 1004) // every other one is disabled
	form := url.Values{"action": {"invite"}, "all": {"yes"}, "query": {"status=invited"}}
	page := admin.post("/users/bulk", with(form))
	if !strings.Contains(page.body, "At most 500 are invited at once. Do it again for the other 2.") {
		t.Errorf("the preview: %s", between(page.body, "<main", "</main>"))
	}
	for _, want := range []int{500, 2} {
		if got := len(h.links(admin.post("/users/bulk/apply", with(form)).body)); got != want {
			t.Errorf("%d are invited, want %d", got, want)
		}
	}
}

func TestInvitationsOfManyGoOutByMail(t *testing.T) {
	office := newPostOffice(t)
	office.refuses = "1+1@example.org"
	h := newHost(t, "UMS_SMTP_URL", "smtp://"+office.addr, "UMS_SMTP_FROM", "users@example.org")
	admin, _ := h.as("ada", users.RoleAdmin)
	_, _, form := h.newcomers()
	page := admin.post("/users/bulk/apply", with(form))
	to, subject, body := office.next(t)
	mailed := linkIn(body, h.cfg.PublicURL)
	if to != "<dave@example.org>" || subject != "User Management: your account" || !h.opens(mailed) {
		t.Errorf("the mail to %s, %q: %s", to, subject, body)
	}
	shown := h.links(page.body)
	if !strings.Contains(page.body, "1 of 2 invitations were sent") || !strings.Contains(page.body, "One invitation could not be sent") ||
		len(shown) != 1 || !h.opens(shown[0]) || strings.Contains(page.body, mailed) {
		t.Errorf("the page: %s", between(page.body, "<main", "</main>"))
	}
	if log := h.log.String(); strings.Contains(log, mailed) || strings.Contains(log, shown[0]) {
		t.Error("the log holds a link")
	}
	select {
	case <-office.mails:
		t.Error("somebody else got a mail")
	default:
	}
}

// TestAMailServerThatSaysNothingDoesNotKeepTheLinks invites more than are on their way at a time by a server that takes
// connections and never answers.
func TestAMailServerThatSaysNothingDoesNotKeepTheLinks(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	h := newHost(t, "UMS_SMTP_URL", "smtp://"+l.Addr().String(), "UMS_SMTP_FROM", "users@example.org")
	admin, _ := h.as("ada", users.RoleAdmin)
	h.world.Crowd(t, 40)
	h.srv.MailBudget(time.Second)
	page := admin.post("/users/bulk/apply", url.Values{"action": {"invite"}, "all": {"yes"}})
	if got := len(h.links(page.body)); page.StatusCode != http.StatusOK || got != 20 || !strings.Contains(page.body, "0 of 20") {
		t.Errorf("%d with %d links: %s", page.StatusCode, got, between(page.body, "<main", "</main>"))
	}
}
