package server_test

import (
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestOldDefectsStayGone has a line for each fault of the Flask app that this one replaces.
func TestOldDefectsStayGone(t *testing.T) {
	h := newHost(t)
	ctx := context.Background()
	t.Run("there is no default administrator", func(t *testing.T) {
		b := h.browser()
		if res := b.get("/"); res.Header.Get("Location") != "/setup" {
			t.Errorf("a new app goes to %q", res.Header.Get("Location"))
		}
		if res := b.signIn("admin", "admin123"); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("admin/admin123: %d", res.StatusCode)
		}
	})
	admin, _ := h.as("ada", users.RoleAdmin)
	user, bob := h.as("bob", users.RoleUser)
	t.Run("a user cannot make an administrator", func(t *testing.T) {
		evil := url.Values{"username": {"evil"}, "email": {"e@example.org"}, "role": {"admin"}, "status": {"active"}}
		res := user.post("/users", evil)
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%d", res.StatusCode)
		}
		every := url.Values{"email": {bob.Email}, "display_name": {"Bob"}}
		for _, column := range []string{"role", "status", "password_hash", "id", "version", "must_change_password", "totp_secret", "username"} {
			every.Set(column, "admin")
		}
		if res := user.post("/account", every); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("saving a profile: %d %s", res.StatusCode, res.body)
		}
		after, err := h.world.Users.Get(ctx, bob.ID)
		if err != nil || after.Role != users.RoleUser || after.Username != "bob" || after.PasswordHash != bob.PasswordHash ||
			after.DisplayName != "Bob" {
			t.Errorf("a profile form changed more than it may: %+v, error %v", after, err)
		}
	})
	t.Run("logging out is no GET", func(t *testing.T) {
		user.get("/logout")
		if res := user.get("/account"); res.StatusCode != http.StatusOK {
			t.Errorf("a GET signed the user out: %d", res.StatusCode)
		}
	})
	t.Run("no form shows or takes a hash", func(t *testing.T) {
		page := admin.get(fmt.Sprintf("/users/%d", bob.ID))
		if strings.Contains(page.body, "argon2") || strings.Contains(page.body, "password_hash") {
			t.Error("the edit page shows the hash")
		}
	})
}

// TestOldDefectsOfListsAndLimitsStayGone goes on with the faults of the Flask app.
func TestOldDefectsOfListsAndLimitsStayGone(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	user, _ := h.as("bob", users.RoleUser)
	t.Run("a duplicate address is a field error and loses nothing", func(t *testing.T) {
		form := url.Values{
			"username":     {"carol"},
			"email":        {"BOB@example.org"},
			"display_name": {"Carol <C>"},
			"role":         {"user"},
			"status":       {"active"},
		}
		res := admin.post("/users", form)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "is taken") ||
			!strings.Contains(res.body, "Carol &lt;C&gt;") {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
	t.Run("the list is for administrators, in pages", func(t *testing.T) {
		h.world.Crowd(t, 40)
		if res := user.get("/api/users"); strings.Count(res.body, `"id"`) != 1 || strings.Contains(res.body, "ada@") {
			t.Errorf("a user sees %s", res.body)
		}
		res := admin.get("/api/users")
		if strings.Count(res.body, `"id"`) != 25 || !strings.Contains(res.Header.Get("Link"), `rel="next"`) {
			t.Errorf("an administrator gets %d people, Link %q", strings.Count(res.body, `"id"`), res.Header.Get("Link"))
		}
	})
	t.Run("guessing is throttled", func(t *testing.T) {
		b := h.browser()
		last := 0
		for range 11 {
			last = b.signIn("bob", "wrong").StatusCode
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("the eleventh guess: %d", last)
		}
	})
	t.Run("no secret is in the log", func(t *testing.T) {
		for _, secret := range []string{
			apptest.Password, apptest.SetupSecret, apptest.EncryptionKey, "admin123", admin.cookies["__Host-sid"],
			admin.csrf, "bob@example.org",
		} {
			if strings.Contains(h.log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})
}

func TestSetupThenSecondFactorThenSignIn(t *testing.T) {
	h := newHost(t)
	b := h.browser()
	b.get("/setup")
	form := url.Values{
		"secret":   {"wrong-secret-wrong"},
		"username": {"root1"},
		"email":    {"root@example.org"},
		"password": {apptest.Password},
	}
	if res := b.post("/setup", form); res.StatusCode != http.StatusUnprocessableEntity ||
		!strings.Contains(res.body, "is not right") {
		t.Fatalf("a wrong secret: %d", res.StatusCode)
	}
	form.Set("secret", apptest.SetupSecret)
	if res := b.post("/setup", form); res.Header.Get("Location") != "/login?done=done.setup" {
		t.Fatalf("setup: %d %s", res.StatusCode, res.body)
	}
	if res := h.browser().get("/setup"); res.StatusCode != http.StatusConflict {
		t.Errorf("setup a second time: %d", res.StatusCode)
	}
	before := b.cookies["__Host-anon"]
	if res := b.signIn("root1", apptest.Password); res.Header.Get("Location") != "/dashboard" || b.cookies["__Host-sid"] == before {
		t.Fatalf("signing in: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	page := b.get("/account/second-factor")
	secret := between(page.body, `<code class="secret">`, "</code>")
	code, err := totp.GenerateCode(secret, time.Now().Add(-30*time.Second))
	if err != nil {
		t.Fatalf("the page's key %q: %v", secret, err)
	}
	old := b.cookies["__Host-sid"]
	if res := b.post("/account/second-factor", url.Values{"code": {code}}); strings.Count(res.body, "<li><code>") != 10 ||
		b.cookies["__Host-sid"] == old {
		t.Fatalf("turning the second factor on: %d", res.StatusCode)
	}
	again := h.browser()
	if res := again.signIn("root1", apptest.Password); res.Header.Get("Location") != "/login/code" {
		t.Fatalf("signing in with a second factor goes to %q", res.Header.Get("Location"))
	}
	if res := again.get("/users"); !strings.HasPrefix(res.Header.Get("Location"), "/login") {
		t.Errorf("half a sign-in opens /users: %d", res.StatusCode)
	}
	again.get("/login/code")
	code, _ = totp.GenerateCode(secret, time.Now())
	if res := again.post("/login/code", url.Values{"code": {code}}); res.Header.Get("Location") != "/dashboard" {
		t.Errorf("the code: %d %s", res.StatusCode, res.body)
	}
	if res := again.get("/dashboard"); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "<svg class=\"chart\"") {
		t.Errorf("the overview: %d", res.StatusCode)
	}
}

func between(s, from, to string) string {
	_, rest, _ := strings.Cut(s, from)
	out, _, _ := strings.Cut(rest, to)
	return out
}

func TestAStaleFormGetsAConflictPageThatKeepsBoth(t *testing.T) {
	h := newHost(t)
	one, _ := h.as("ada", users.RoleAdmin)
	two, _ := h.as("eve", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	path := fmt.Sprintf("/users/%d", bob.ID)
	form := func(name string, version int64) url.Values {
		return url.Values{
			"username":         {"bob"},
			"email":            {bob.Email},
			"display_name":     {name},
			"role":             {"user"},
			"status":           {"active"},
			"version":          {strconv.FormatInt(version, 10)},
			"was_display_name": {bob.DisplayName},
		}
	}
	if res := one.post(path, form("From Ada", 1)); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the first edit: %d %s", res.StatusCode, res.body)
	}
	res := two.post(path, form("From Eve", 1))
	for _, want := range []string{"From Ada", "From Eve", "The bob", `name="version" value="2"`} {
		if !strings.Contains(res.body, want) {
			t.Errorf("the conflict page (%d) lacks %q", res.StatusCode, want)
		}
	}
	if res := two.post(path, form("From Eve", 2)); res.StatusCode != http.StatusSeeOther {
		t.Errorf("saving the choice: %d", res.StatusCode)
	}
}

func TestForcedPasswordChangeComesBeforeAnythingElse(t *testing.T) {
	h := newHost(t)
	b, u := h.as("bob", users.RoleUser)
	if _, err := h.db.ExecContext(context.Background(), "UPDATE users SET must_change_password = TRUE WHERE id = ?", u.ID); err != nil {
		t.Fatal(err)
	}
	if res := b.get("/account"); res.Header.Get("Location") != "/account/password" {
		t.Errorf("/account: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if res := b.get("/api/users"); res.StatusCode != http.StatusForbidden {
		t.Errorf("/api/users: %d", res.StatusCode)
	}
	b.get("/account/password")
	res := b.post("/account/password", url.Values{"current": {"wrong"}, "password": {"eleven purple saucepans sing"}})
	if res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("with a wrong current password: %d", res.StatusCode)
	}
	res = b.post("/account/password", url.Values{"current": {apptest.Password}, "password": {"eleven purple saucepans sing"}})
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("changing it: %d %s", res.StatusCode, res.body)
	}
	if res := b.get("/account"); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

func (b *browser) upload(csv string) answer {
	var body strings.Builder
	w := multipart.NewWriter(&body)
	_ = w.WriteField("_csrf", b.csrf)
	part, _ := w.CreateFormFile("file", "people.csv")
	_, _ = part.Write([]byte(csv))
	_ = w.Close()
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/users/import", strings.NewReader(body.String()))
	req.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(req)
}

func TestImportIsShownFirstAndAllOrNothing(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	count := func() int {
		n, err := h.db.NewSelect().Table("users").Count(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	res := admin.upload("username,email,role\ncarol,carol@example.org,user\nx,nonsense,boss\ncarol,c2@example.org,user\n")
	for _, want := range []string{"1 to add", "2 with errors", "is not an e-mail address", "stands in the file twice"} {
		if !strings.Contains(res.body, want) {
			t.Errorf("the dry run (%d) does not say %q", res.StatusCode, want)
		}
	}
	for name, file := range map[string]string{
		"empty": "", "binary": "username,email\n\x00\x01,x", "no header": "a,b\nc,d\n", "ragged": "username,email\na,b,c\n",
		"quotes": "username,email\n\"a,b\n",
		"huge":   "username,email\n" + strings.Repeat("a", users.MaxImportBytes), "many": "username,email\n" +
			strings.Repeat("a,b\n", users.MaxImportRows+1),
	} {
		if res := admin.upload(file); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	admin.get("/users/import")
	res = admin.upload(
		"\xef\xbb\xbfusername;email;display_name\ncarol;carol@example.org;'=1+1\ndave;dave@example.org;Dave\nada;ada@example.org;x\n",
	)
	handle := between(res.body, `name="handle" value="`, `"`)
	if handle == "" || count() != 1 {
		t.Fatalf("the dry run: %d, %d people: %s", res.StatusCode, count(), res.body)
	}
	if res := admin.post("/users/import/apply", url.Values{"handle": {handle}}); res.StatusCode != http.StatusSeeOther ||
		count() != 3 {
		t.Errorf("importing: %d, %d people", res.StatusCode, count())
	}
	if res := admin.post("/users/import/apply", url.Values{"handle": {handle}}); res.StatusCode != http.StatusGone {
		t.Errorf("importing the same file again: %d", res.StatusCode)
	}
	if res := admin.get("/users/export?q=carol"); !strings.Contains(res.body, ",'=1+1,") || strings.Contains(res.body, "dave") {
		t.Errorf("the export: %q", res.body)
	}
}

func TestBulkIsPreviewedAndUndone(t *testing.T) {
	h := newHost(t)
	admin, ada := h.as("ada", users.RoleAdmin)
	h.world.Crowd(t, 60)
	form := url.Values{"action": {"disable"}, "all": {"yes"}, "query": {"role=user"}}
	if res := admin.post("/users/bulk", form); !strings.Contains(res.body, "30 of 60") {
		t.Errorf("the preview: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	state := func() string {
		var out string
		err := h.db.NewRaw("SELECT GROUP_CONCAT(CONCAT(id, status, role, COALESCE(deleted_at, '')) ORDER BY id) FROM users").
			Scan(context.Background(), &out)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := state()
	res := admin.post("/users/bulk/apply", form)
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusSeeOther || state() == before {
		t.Fatalf("applying: %d %s", res.StatusCode, res.body)
	}
	if page := admin.get(to.RequestURI()); !strings.Contains(page.body, `action="/users/bulk/undo"`) {
		t.Error("the next page does not offer to undo it")
	}
	if res := admin.post("/users/bulk/undo", url.Values{"handle": {to.Query().Get("undo")}}); res.StatusCode != http.StatusSeeOther ||
		state() != before {
		t.Errorf("undoing: %d, all as before: %v", res.StatusCode, state() == before)
	}
	if res := admin.post("/users/bulk/undo", url.Values{"handle": {to.Query().Get("undo")}}); res.StatusCode != http.StatusGone {
		t.Errorf("undoing twice: %d", res.StatusCode)
	}
	if res := admin.post("/users/bulk/apply", url.Values{
		"action": {"delete"},
		"id":     {strconv.FormatInt(ada.ID, 10)},
	}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("deleting only oneself: %d", res.StatusCode)
	}
	if u, err := h.world.Users.Get(context.Background(), ada.ID); err != nil || u.DeletedAt != nil {
		t.Errorf("a bulk action took the own account: %v", err)
	}
}
