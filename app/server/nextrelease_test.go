package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// TestTheAppBearsWhatTheNextReleaseAdds gives every table the columns that a migration of the next release may add, and goes on.
// Hosts of this release serve on such a schema while the next one is rolled out, and after it was withdrawn.
func TestTheAppBearsWhatTheNextReleaseAdds(t *testing.T) {
	ctx, h := context.Background(), newHost(t)
	admin, ada := h.as("ada", users.RoleAdmin)
	bob := h.world.Person(t, "bob", users.RoleUser)
	secret := h.token(ada, auth.ScopeRead)
	link, err := h.world.Auth.IssueLink(ctx, apptest.Tester, bob.ID, auth.LinkReset)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.world.Users.SaveView(ctx, audit.Actor{ID: ada.ID, Name: ada.Username}, "mine", users.Query{}, true); err != nil {
		t.Fatal(err)
	}
	h.widenEveryTable()
	opens := func(b *browser, path string) {
		t.Helper()
		if res := b.get(path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, res.StatusCode, between(res.body, "<main", "</main>"))
		}
	}
	for _, route := range h.srv.Routes() {
		path := strings.ReplaceAll(route.Path, ":id<int>", fmtID(bob.ID))
		if route.Method == fiber.MethodGet && (route.Access == server.SignedIn || route.Access == server.Admin) && !strings.Contains(path, ":") {
			opens(admin, path)
		}
	}
	opens(h.browser(), "/link/"+link)
	program := h.browser()
	program.headers["Authorization"] = "Bearer " + secret
	opens(program, "/api/users")
	h.as("carol", users.RoleUser)
	if _, err := audit.Verify(ctx, h.db); err != nil {
		t.Error(err)
	}
}

// widenEveryTable adds to each table what an expanding migration may add.
func (h *host) widenEveryTable() {
	h.t.Helper()
	ctx := context.Background()
	var tables []string
	err := h.db.NewRaw("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name NOT LIKE 'bun%'").
		Scan(ctx, &tables)
	if err != nil || len(tables) == 0 {
		h.t.Fatalf("tables %v, error %v", tables, err)
	}
	for _, table := range tables {
		statement := fmt.Sprintf("ALTER TABLE %s ADD COLUMN next_note VARCHAR(20) NULL, ADD COLUMN next_count INT NOT NULL DEFAULT 0", table)
		if _, err := h.db.ExecContext(ctx, statement); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestAPageOfAnotherReleaseHasALook asks for a style by the name that another release gave to its own.
func TestAPageOfAnotherReleaseHasALook(t *testing.T) {
	b := newHost(t).browser()
	own := "/assets/" + between(b.get("/login").body, `<link rel="stylesheet" href="/assets/`, `"`)
	parts := strings.Split(own, ".")
	if len(parts) != 3 {
		t.Fatalf("the page's style is %q", own)
	}
	res := b.get(parts[0] + ".0123456789ab." + parts[2])
	if res.StatusCode != http.StatusOK || res.body != b.get(own).body {
		t.Errorf("another release's style: %d", res.StatusCode)
	}
	if kept := res.Header.Get("Cache-Control"); kept != "no-store" {
		t.Errorf("browsers keep it under a name that is not its own: %q", kept)
	}
	for _, path := range []string{"/assets/nothing.0123456789ab.css", "/assets/licences.0123456789ab.txt", "/assets/app.css.map"} {
		if res := b.get(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
