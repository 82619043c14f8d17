package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/apptest"
	"usermanagement.dev/stack/lab/database"
)

func health(t *testing.T, b *browser) (int, hostcontract.Health) {
	t.Helper()
	res := b.get("/health")
	var doc hostcontract.Health
	if err := json.Unmarshal([]byte(res.body), &doc); err != nil {
		t.Fatalf("%q: %v", res.body, err)
	}
	return res.StatusCode, doc
}

// TestDatabaseAwayIs503AndRecoversByItself pauses the database, kills its connections and lets it go on.
func TestDatabaseAwayIs503AndRecoversByItself(t *testing.T) {
	own, err := database.Start(context.Background(), database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Stop() })
	name, err := own.NewDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	cfg := apptest.Config(t)
	cfg.DatabaseURL = config.Secret(own.URL(name))
	h := hostOn(t, cfg)
	b, _ := h.as("ada", users.RoleAdmin)
	if status, doc := health(t, b); status != 200 || doc.Status != hostcontract.StatusOK || doc.Host != "host-a" ||
		doc.Zone != "zone-a" ||
		doc.Version != "test" {
		t.Fatalf("%d %+v", status, doc)
	}
	if err := own.KillConnections(context.Background()); err != nil {
		t.Fatal(err)
	}
	if res := b.get("/users"); res.StatusCode != http.StatusOK {
		t.Errorf("after a failover that cut all connections: %d", res.StatusCode)
	}
	answersWhileItHangs(t, own, b)
	answersWithoutDatabase(t, own, b)
}

// answersWhileItHangs holds the database for a while.
func answersWhileItHangs(t *testing.T, own *database.Server, b *browser) {
	t.Helper()
	if err := own.Pause(); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	status, doc := health(t, b)
	if status != 503 || doc.Checks[hostcontract.CheckDatabase].Status != hostcontract.StatusFailing ||
		time.Since(started) > 10*time.Second {
		t.Errorf("with a database that hangs: %d %+v after %s", status, doc, time.Since(started))
	}
	if res := b.get("/livez"); res.StatusCode != http.StatusOK {
		t.Errorf("/livez: %d", res.StatusCode)
	}
	if err := own.Resume(); err != nil {
		t.Fatal(err)
	}
	if status, doc := health(t, b); status != 200 {
		t.Errorf("after it came back: %d %+v", status, doc)
	}
}

// answersWithoutDatabase stops the database and asks for pages and the API.
func answersWithoutDatabase(t *testing.T, own *database.Server, b *browser) {
	t.Helper()
	if err := own.Stop(); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{
		"/users": "text/html; charset=utf-8", "/api/users": "application/problem+json",
		"/login": "text/html; charset=utf-8",
	} {
		res := b.get(path)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Content-Type") != kind || res.Header.Get("Retry-After") == "" ||
			!strings.Contains(res.body, res.Header.Get("X-Request-Id")) {
			t.Errorf("%s without a database: %d %s %s", path, res.StatusCode, res.Header.Get("Content-Type"), res.body)
		}
	}
}

func TestDrainingHostSaysSoAndStillServes(t *testing.T) {
	h := newHost(t)
	b := h.browser()
	h.srv.Drain()
	if status, doc := health(t, b); status != 503 || doc.Status != hostcontract.StatusDraining {
		t.Errorf("%d %+v", status, doc)
	}
	if res := b.get("/login"); res.StatusCode != http.StatusOK || !res.Close {
		t.Errorf("a request while draining: %d, connection closed %v", res.StatusCode, res.Close)
	}
}

func TestOversizeAndMalformedRequestsAreAnswered(t *testing.T) {
	h := newHost(t)
	b, _ := h.as("ada", users.RoleAdmin)
	long := strings.Repeat("x", 100_000)
	for name, tc := range map[string]struct {
		method, path, kind, body string
		want                     int
	}{
		"a huge form field": {"POST", "/login", "application/x-www-form-urlencoded", "login=" + long + "&password=x&_csrf=" + b.token(), 401},
		"a huge API body":   {"POST", "/api/users", "application/json", `{"username":"` + long + `"}`, 413},
		"not JSON":          {"POST", "/api/users", "text/plain", "x", 415},
		"an array":          {"POST", "/api/users", "application/json", "[]", 400},
		"two objects":       {"POST", "/api/users", "application/json", `{"username":"a"}{}`, 400},
		"bad multipart":     {"POST", "/users/import", "multipart/form-data; boundary=x", "--x\r\nnonsense", 422},
		"a huge id":         {"GET", "/users/99999999999999999999", "", "", 404},
		"a negative id":     {"GET", "/users/-1", "", "", 404},
		"nonsense page":     {"GET", "/users?page=!!!&size=-1&sort=password_hash", "", "", 200},
		"NUL in a path":     {"GET", "/users%00", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequestWithContext(context.Background(), tc.method, tc.path, strings.NewReader(tc.body))
			req.Header.Set("Content-Type", tc.kind)
			req.Header.Set("X-CSRF-Token", b.token())
			res := b.do(req)
			if res.StatusCode != tc.want || res.Header.Get("X-Request-Id") == "" || strings.Contains(res.body, "goroutine") {
				t.Errorf("%d, want %d: %.200s", res.StatusCode, tc.want, res.body)
			}
		})
	}
}
