package server_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/privacy"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

const (
	gracesAddress = "198.51.100.7"
	gracesBrowser = "GraceBrowser/1"
)

// graceLives makes somebody who leaves traces wherever the app keeps any, and returns her and her last browser.
func graceLives(t *testing.T, h *host, ada *users.User) (*users.User, *browser) {
	t.Helper()
	ctx := context.Background()
	must := func(res answer, status int) {
		t.Helper()
		if res.StatusCode != status {
			t.Fatalf("%s %s: %d %s", res.Request.Method, res.Request.URL, res.StatusCode, between(res.body, "<main", "</main>"))
		}
	}
	program := h.browser()
	program.headers["Authorization"], program.headers["Idempotency-Key"] = "Bearer "+h.token(ada, auth.Scopes...), "k1"
	must(program.send("POST", "/api/users",
		`{"username":"grace.h","email":"grace@navy.example","display_name":"Grace Hopper","role":"admin"}`), http.StatusCreated)
	grace, err := h.world.Users.ByLogin(ctx, "grace.h")
	if err != nil {
		t.Fatal(err)
	}
	link, err := h.world.Auth.IssueLink(ctx, audit.Actor{ID: ada.ID, Name: "ada"}, grace.ID, auth.LinkInvite)
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser()
	b.headers["X-Forwarded-For"], b.headers["User-Agent"] = gracesAddress, gracesBrowser
	b.get("/link/" + link)
	must(b.post("/link/"+link, url.Values{"password": {apptest.Password}}), http.StatusSeeOther)
	must(b.signIn("grace.h", "not this one"), http.StatusUnauthorized)
	for range 2 {
		b.cookies = map[string]string{} // each time a new device
		must(b.signIn("grace.h", apptest.Password), http.StatusSeeOther)
	}
	b.get("/account/tokens")
	must(b.post("/account/tokens", url.Values{"name": {"graces laptop"}, "scopes": {auth.ScopeRead}, "days": {"7"}}), http.StatusOK)
	must(b.post("/account", url.Values{"version": {"2"}, "email": {"amazing@navy.example"}, "display_name": {"Amazing"}}), http.StatusSeeOther)
	must(b.post("/users", url.Values{"username": {"bobby"}, "email": {"bobby@example.org"}, "role": {"user"}, "status": {"active"}}),
		http.StatusOK)
	must(b.post("/users/bulk/apply", url.Values{"action": {"force_change"}, "id": {fmtID(grace.ID + 1)}}), http.StatusSeeOther)
	self := audit.Actor{Name: "self-service", IP: gracesAddress}
	if _, err := h.world.Auth.IssueLink(ctx, self, grace.ID, auth.LinkReset); err != nil {
		t.Fatal(err)
	}
	b.get("/users/import")
	must(b.upload("username,email\ngracesfriend,friend@navy.example\n"), http.StatusOK)
	return grace, b
}

func TestPeopleGetWhatIsKnownOfThemAndNoSecret(t *testing.T) {
	h := newHost(t, "UMS_TRUSTED_PROXIES", "0.0.0.0/32")
	admin, ada := h.as("ada", users.RoleAdmin)
	grace, b := graceLives(t, h, ada)
	for who, res := range map[string]answer{
		"herself": b.get("/account/data"), "an administrator": admin.get("/users/" + fmtID(grace.ID) + "/data"),
	} {
		var d privacy.Document
		if err := json.Unmarshal([]byte(res.body), &d); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", who, res.StatusCode, err)
		}
		if !strings.HasPrefix(res.Header.Get("Content-Disposition"), `attachment; filename="personal-data-`+fmtID(grace.ID)) {
			t.Errorf("%s gets it as %s", who, res.Header.Get("Content-Disposition"))
		}
		if d.Profile.Email != "amazing@navy.example" || len(d.Sessions) != 2 || d.Sessions[0].IP != gracesAddress || len(d.Devices) != 2 ||
			len(d.SignIns) != 3 || d.SignIns[0].UserAgent != gracesBrowser || len(d.Tokens) != 1 || d.Tokens[0].Name != "graces laptop" ||
			len(d.Links) != 2 || d.Links[1].UsedAt == nil || len(d.Shortened) != 0 {
			t.Errorf("%s gets %s", who, res.body)
		}
		activityOf(t, d, grace)
		for _, secret := range []string{
			"$argon2", "password_hash", "totp", "seal", "salt", b.cookies["__Host-sid"], b.cookies["__Host-device"], auth.TokenPrefix,
			"bobby@example.org",
		} {
			if strings.Contains(res.body, secret) {
				t.Errorf("what %s gets holds %q", who, secret)
			}
		}
		for _, stored := range hashesOf(t, h, grace.ID) {
			if strings.Contains(res.body, stored) {
				t.Errorf("what %s gets holds a hash", who)
			}
		}
	}
	if page := b.get("/account/activity"); !strings.Contains(page.body, "Personal data downloaded") {
		t.Error("the activity does not tell of the download")
	}
	h.tire()
	for path, who := range map[string]*browser{"/account/data": b, "/users/" + fmtID(grace.ID) + "/data": admin} {
		if res := who.get(path); !strings.HasPrefix(res.Header.Get("Location"), "/confirm?next=") {
			t.Errorf("%s without the password: %d", path, res.StatusCode)
		}
	}
}

// activityOf looks for what others did to her with values, and what she did to others without.
func activityOf(t *testing.T, d privacy.Document, grace *users.User) {
	t.Helper()
	seen := map[string]privacy.Activity{}
	for _, a := range d.Activity {
		seen[a.Action+strconv.FormatBool(a.OnUser > 0)] = a
	}
	made, others := seen["user.createfalse"], seen["user.createtrue"]
	if made.By != "ada" || made.IP != "" || !strings.Contains(fmt.Sprint(made.Changes), "Grace Hopper") {
		t.Errorf("her creation: %+v", made)
	}
	if others.By != "grace.h" || others.IP != gracesAddress || others.OnUser != grace.ID+1 || others.Changes != nil {
		t.Errorf("what she did to others: %+v", others)
	}
}

// hashesOf are the hashes that the database keeps of a person, as they would show in a text.
func hashesOf(t *testing.T, h *host, id int64) []string {
	t.Helper()
	var list []string
	err := h.db.NewRaw("SELECT TO_BASE64(id) FROM sessions WHERE user_id = ?0 UNION SELECT HEX(id) FROM sessions WHERE user_id = ?0 "+
		"UNION SELECT TO_BASE64(hash) FROM api_tokens WHERE user_id = ?0 UNION SELECT TO_BASE64(hash) FROM known_devices WHERE user_id = ?0 "+
		"UNION SELECT handle FROM sessions WHERE user_id = ?0", id).Scan(context.Background(), &list)
	if err != nil || len(list) < 6 {
		t.Fatalf("%d hashes, error %v", len(list), err)
	}
	return list
}

// TestNothingIsLeftOfWhoeverIsRemovedForGood looks through every table of the database, those of times to come included.
func TestNothingIsLeftOfWhoeverIsRemovedForGood(t *testing.T) {
	h := newHost(t, "UMS_TRUSTED_PROXIES", "0.0.0.0/32")
	admin, ada := h.as("ada", users.RoleAdmin)
	grace, _ := graceLives(t, h, ada)
	traces := []string{"grace", "hopper", "amazing", "navy.example", gracesAddress, strings.ToLower(gracesBrowser)}
	before := tablesWith(t, h, traces)
	for _, table := range []string{"audit_log", "users", "sign_ins", "sessions", "api_tokens", "links", "imports", "idempotency_keys"} {
		if before[table] == "" {
			t.Errorf("before: she has left no trace in %s, so this test proves nothing there", table)
		}
	}
	path := "/users/" + fmtID(grace.ID)
	admin.post(path+"/delete", nil)
	if res := admin.post(path+"/purge", url.Values{"sure": {"yes"}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("removing for good: %d %s", res.StatusCode, res.body)
	}
	for table, trace := range tablesWith(t, h, traces) {
		t.Errorf("%s still holds %q", table, trace)
	}
	if _, err := audit.Verify(context.Background(), h.db); err != nil {
		t.Errorf("the audit log afterwards: %v", err)
	}
	page := admin.get("/audit")
	if !strings.Contains(page.body, "User removed for good") || !strings.Contains(page.body, "removed user #"+fmtID(grace.ID)) ||
		!strings.Contains(page.body, "User created") {
		t.Error("the log no longer tells what happened")
	}
	if bobby, err := h.world.Users.ByLogin(context.Background(), "bobby"); err != nil || bobby.CreatedBy != "#"+fmtID(grace.ID) {
		t.Errorf("bobby was made by %+v, error %v", bobby, err)
	}
}

// tablesWith are the tables that hold one of the texts, in any column and any case.
func tablesWith(t *testing.T, h *host, texts []string) map[string]string {
	t.Helper()
	ctx := context.Background()
	var tables []string
	if err := h.db.NewRaw("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(ctx, &tables); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, table := range tables {
		rows, err := h.db.QueryContext(ctx, "SELECT * FROM `"+table+"`")
		if err != nil {
			t.Fatal(err)
		}
		all := strings.ToLower(dump(t, rows))
		for _, text := range texts {
			if strings.Contains(all, text) {
				found[table] = text
			}
		}
	}
	return found
}

func dump(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for rows.Next() {
		cells, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, cell := range cells {
			all.Write(cell)
			all.WriteByte('\n')
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}
