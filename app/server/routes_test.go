package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
)

// concrete fills a route's parameters in.
func concrete(route server.Route, id int64) string {
	path := strings.Replace(route.Path, ":id<int>", strconv.FormatInt(id, 10), 1)
	path = strings.Replace(path, ":token", "nonsense", 1)
	return strings.Replace(path, "*", "icon.svg", 1)
}

func request(method, path string) *http.Request {
	return httptest.NewRequestWithContext(context.Background(), method, path, nil)
}

// TestEveryRouteDeclaresWhoMayUseIt compares the table with what Fiber really serves: nothing is served beside it.
func TestEveryRouteDeclaresWhoMayUseIt(t *testing.T) {
	h := newHost(t)
	declared := map[string]bool{}
	for _, route := range h.srv.Routes() {
		if route.Access < server.Public || route.Access > server.Admin {
			t.Errorf("%s %s declares no access", route.Method, route.Path)
		}
		if route.Method != http.MethodGet && route.NoToken && route.Path != "/csp-report" {
			t.Errorf("%s %s changes something without a form token", route.Method, route.Path)
		}
		if route.API && route.Access != server.Public && route.Scope == "" {
			t.Errorf("%s %s is open to tokens of any scope", route.Method, route.Path)
		}
		declared[route.Method+" "+route.Path] = true
	}
	for _, route := range h.srv.App().GetRoutes(true) {
		method := route.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if !declared[method+" "+route.Path] {
			t.Errorf("%s %s is served but not declared", route.Method, route.Path)
		}
	}
}

// TestRoleRouteMatrix asks every route as a stranger, a user and an administrator, with a token that is right.
func TestRoleRouteMatrix(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	user, _ := h.as("bob", users.RoleUser)
	victim := h.world.Person(t, "victim", users.RoleUser)
	stranger := h.browser()
	stranger.get("/login")
	for _, route := range h.srv.Routes() {
		if route.Path == "/logout" && route.Method == http.MethodPost || strings.HasPrefix(route.Path, "/account/sessions/end") {
			continue // they end the sessions that this test needs; other tests cover them
		}
		for who, b := range map[string]*browser{"stranger": stranger, "user": user, "admin": admin} {
			req := request(route.Method, concrete(route, victim.ID))
			if route.Method != http.MethodGet {
				req.Header.Set("X-CSRF-Token", b.token())
			}
			if route.API {
				req.Header.Set("Content-Type", "application/json")
			}
			res := b.do(req)
			allowed := route.Access == server.Public || who != "stranger" && route.Access == server.SignedIn ||
				who == "admin" && route.Access == server.Admin
			if denied := isDenied(res, route); denied == allowed {
				t.Errorf(
					"%s %s as %s: %d %s, want allowed=%v",
					route.Method,
					route.Path,
					who,
					res.StatusCode,
					res.Header.Get("Location"),
					allowed,
				)
			}
			if res.StatusCode == http.StatusInternalServerError {
				t.Errorf("%s %s as %s: a fault of ours: %s", route.Method, route.Path, who, h.log.String())
			}
		}
	}
}

func isDenied(res answer, route server.Route) bool {
	wrongPassword := route.Path == "/login" || route.Path == "/confirm" && strings.Contains(res.body, "not your password")
	toLogin := res.StatusCode == http.StatusSeeOther && strings.HasPrefix(res.Header.Get("Location"), "/login?next=")
	return toLogin || res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized && !wrongPassword
}

// TestUnsafeRoutesRefuseForeignForms sends every unsafe route a form without a token, with another session's token, from
// another site and from another origin.
func TestUnsafeRoutesRefuseForeignForms(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	other, _ := h.as("eve", users.RoleAdmin)
	for _, route := range h.srv.Routes() {
		if !route.Unsafe() || route.NoToken {
			continue
		}
		for attack, headers := range map[string]map[string]string{
			"no token":       {},
			"another's":      {"X-CSRF-Token": other.csrf},
			"another site":   {"X-CSRF-Token": admin.csrf, "Sec-Fetch-Site": "cross-site"},
			"a sibling site": {"X-CSRF-Token": admin.csrf, "Sec-Fetch-Site": "same-site"},
			"another origin": {"X-CSRF-Token": admin.csrf, "Origin": "http://127.0.0.1:9999"},
			"no origin":      {"X-CSRF-Token": admin.csrf, "Origin": "null"},
		} {
			req := request(route.Method, concrete(route, 1))
			for name, value := range headers {
				req.Header.Set(name, value)
			}
			if res := admin.do(req); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s with %s: %d, want 403", route.Method, route.Path, attack, res.StatusCode)
			}
		}
	}
}

func TestOtherMethodsAre405WithAllow(t *testing.T) {
	h := newHost(t)
	for path, allow := range map[string]string{
		"/login": "GET, HEAD, POST", "/health": "GET, HEAD", "/api/users": "GET, HEAD, POST",
		"/logout": "GET, HEAD, POST",
	} {
		res := h.browser().do(request(http.MethodDelete, path))
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != allow {
			t.Errorf("DELETE %s: %d, Allow %q, want 405 and %q", path, res.StatusCode, res.Header.Get("Allow"), allow)
		}
	}
}

func TestTokensAreHeldToTheirScopes(t *testing.T) {
	h := newHost(t)
	ada, bob := h.world.Person(t, "ada", users.RoleAdmin), h.world.Person(t, "bob", users.RoleUser)
	for _, tc := range []struct {
		who    *users.User
		scopes []string
		method string
		path   string
		want   int
	}{
		{ada, []string{auth.ScopeRead}, "GET", "/api/users", 200},
		{ada, []string{auth.ScopeRead}, "POST", "/api/users", 403},
		{ada, []string{auth.ScopeWrite}, "GET", "/api/users", 403},
		{ada, []string{auth.ScopeWrite}, "DELETE", "/api/users/" + strconv.FormatInt(bob.ID, 10), 428},
		{bob, auth.Scopes, "POST", "/api/users", 403},
		{bob, auth.Scopes, "GET", "/api/users/" + strconv.FormatInt(ada.ID, 10), 404},
		{bob, auth.Scopes, "GET", "/api/users/" + strconv.FormatInt(bob.ID, 10), 200},
		{ada, auth.Scopes, "GET", "/users", 303}, // pages take no tokens
	} {
		b := h.browser()
		b.headers["Authorization"] = "Bearer " + h.token(tc.who, tc.scopes...)
		if res := b.do(request(tc.method, tc.path)); res.StatusCode != tc.want {
			t.Errorf("%s %s as %s with %v: %d, want %d", tc.method, tc.path, tc.who.Username, tc.scopes, res.StatusCode, tc.want)
		}
	}
	b := h.browser()
	b.headers["Authorization"] = "Bearer ums_nonsense"
	if res := b.get("/api/users"); res.StatusCode != http.StatusUnauthorized ||
		res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a bad token: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
}

func TestHeadersOnEveryKindOfAnswer(t *testing.T) {
	h := newHost(t, "UMS_PUBLIC_URL", "https://users.example.com")
	b := h.browser()
	for _, path := range []string{"/login", "/health", "/nothing", "/api/users", "/assets/icon.svg", "/users"} {
		res := b.get(path)
		csp := res.Header.Get("Content-Security-Policy")
		if csp == "" || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: content policy %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Server": "",
			"Cross-Origin-Opener-Policy": "same-origin", "Access-Control-Allow-Origin": "",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		for _, cookie := range res.Cookies() {
			if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" ||
				!strings.HasPrefix(cookie.Name, "__Host-") {
				t.Errorf("%s: cookie %v", path, cookie)
			}
		}
	}
	req := request("GET", "/login")
	req.Header.Set("X-Forwarded-Host", "evil.example")
	if res := b.do(req); strings.Contains(res.body, "evil.example") {
		t.Error("a forwarded host got into a page")
	}
	req = request("GET", "/login")
	req.Host = "evil.example"
	other, err := h.srv.App().Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Body.Close() }()
	if other.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another Host: %d", other.StatusCode)
	}
}

func TestHeadAnswersAsGet(t *testing.T) {
	h := newHost(t)
	for _, path := range []string{"/login", "/health"} {
		if res := h.browser().do(request(http.MethodHead, path)); res.StatusCode != http.StatusOK || res.body != "" {
			t.Errorf("HEAD %s: %d with %d bytes", path, res.StatusCode, len(res.body))
		}
	}
}
