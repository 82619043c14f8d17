package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/users"
)

// contract checks every request and answer of a client against the document that the app serves.
type contract struct {
	*browser
	router routers.Router
	seen   map[string]bool
}

func newContract(t *testing.T, h *host, b *browser) *contract {
	t.Helper()
	res := h.browser().get("/api/openapi.json")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(res.body))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("the document: %v", err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{browser: b, router: router, seen: map[string]bool{}}
	t.Cleanup(func() { c.checkAllSeen(t, doc) })
	return c
}

// checkAllSeen fails if the document has an operation that the test never used, or if a route is not in the document.
func (c *contract) checkAllSeen(t *testing.T, doc *openapi3.T) {
	t.Helper()
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !c.seen[method+" "+path] {
				t.Errorf("%s %s is documented but was not tried", method, path)
			}
		}
	}
	for _, route := range c.host.srv.Routes() {
		path := strings.Replace(route.Path, ":id<int>", "{id}", 1)
		if item := doc.Paths.Value(path); route.API && path != "/api/openapi.json" &&
			(item == nil || item.GetOperation(route.Method) == nil) {
			t.Errorf("%s %s is served but not documented", route.Method, path)
		}
	}
}

// call sends a request; valid says whether the document allows the request itself.
func (c *contract) call(t *testing.T, method, path, body string, valid bool, headers ...string) answer {
	t.Helper()
	build := func() *http.Request {
		req := httptest.NewRequestWithContext(context.Background(), method, c.host.cfg.PublicURL+path, strings.NewReader(body))
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		return req
	}
	req := build()
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	c.seen[method+" "+route.Path] = true
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
	}}
	if err := openapi3filter.ValidateRequest(context.Background(), input); (err == nil) != valid {
		t.Errorf("%s %s %s: the document says %v, want valid=%v", method, path, body, err, valid)
	}
	res := c.do(build())
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 res.StatusCode,
		Header:                 res.Header,
		Options:                input.Options,
	}
	output.Body = io.NopCloser(bytes.NewReader([]byte(res.body)))
	if err := openapi3filter.ValidateResponse(context.Background(), output); err != nil {
		t.Errorf("%s %s: the answer %d breaks the document: %v\n%s", method, path, res.StatusCode, err, res.body)
	}
	return res
}

func TestAPIKeepsItsContract(t *testing.T) {
	h := newHost(t)
	ada := h.world.Person(t, "ada", users.RoleAdmin)
	b := h.browser()
	b.headers["Authorization"] = "Bearer " + h.token(ada, auth.Scopes...)
	c := newContract(t, h, b)
	want := func(res answer, status int) answer {
		t.Helper()
		if res.StatusCode != status {
			t.Errorf("%s %s: %d, want %d: %s", res.Request.Method, res.Request.URL, res.StatusCode, status, res.body)
		}
		return res
	}
	carol := `{"username":"carol","email":"carol@example.org","role":"user"}`
	made := want(c.call(t, "POST", "/api/users", carol, true, "Idempotency-Key", "k1"), 201)
	again := want(c.call(t, "POST", "/api/users", carol, true, "Idempotency-Key", "k1"), 201)
	if made.body != again.body || again.Header.Get("Location") != made.Header.Get("Location") ||
		again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeated: %s, then %s", made.body, again.body)
	}
	want(c.call(t, "POST", "/api/users", strings.Replace(carol, "carol", "dave", 2), true, "Idempotency-Key", "k1"), 422)
	want(c.call(t, "POST", "/api/users", carol, true), 422)
	want(c.call(t, "POST", "/api/users", `{"username":"x"}`, false), 422)
	want(c.call(t, "POST", "/api/users", `{"username":"eve","email":"e@example.org","password_hash":"x"}`, false), 400)
	want(c.call(t, "POST", "/api/users", `{"username":`, false), 400)
	path := made.Header.Get("Location")
	got := want(c.call(t, "GET", path, "", true), 200)
	tag := got.Header.Get("ETag")
	want(c.call(t, "GET", path, "", true, "If-None-Match", tag), 304)
	want(c.call(t, "GET", "/api/users/999999", "", true), 404)
	want(c.call(t, "PATCH", path, `{"display_name":"Carol"}`, true), 428)
	want(c.call(t, "PATCH", path, `{"display_name":"Carol"}`, true, "If-Match", `"77"`), 412)
	want(c.call(t, "PATCH", path, `{"display_name":"Carol"}`, true, "If-Match", "nonsense"), 412)
	want(c.call(t, "PATCH", path, `{"display_name":"Carol"}`, true, "If-Match", tag), 200)
	want(c.call(t, "PATCH", path, `{"display_name":"Late"}`, true, "If-Match", tag), 412)
	temporary := `{"expires_at":"2124-01-31T18:00:00Z"}`
	res := want(c.call(t, "PATCH", path, temporary, true, "If-Match", "*"), 200)
	if !strings.Contains(res.body, `"expires_at":"2124-01-31T18:00:00Z"`) {
		t.Errorf("the end of access: %s", res.body)
	}
	want(c.call(t, "PATCH", fmt.Sprintf("/api/users/%d", ada.ID), temporary, true, "If-Match", "*"), 409)
	want(c.call(t, "PATCH", path, `{"expires_at":"soon"}`, false, "If-Match", "*"), 422)
	changed := want(c.call(t, "PATCH", path, `{"expires_at":null}`, true, "If-Match", "*"), 200)
	if !strings.Contains(changed.body, `"expires_at":null`) {
		t.Errorf("the end of access removed: %s", changed.body)
	}
	made = want(c.call(t, "POST", "/api/users", `{"username":"frank","email":"f@example.org","expires_at":"2124-01-31T18:00:00Z"}`, true), 201)
	want(c.call(t, "DELETE", made.Header.Get("Location"), "", true, "If-Match", "*"), 204)
	want(c.call(t, "PATCH", path, `{"role":"boss"}`, false, "If-Match", "*"), 422)
	want(c.call(t, "PATCH", fmt.Sprintf("/api/users/%d", ada.ID), `{"role":"user"}`, true, "If-Match", "*"), 409)
	want(c.call(t, "DELETE", fmt.Sprintf("/api/users/%d", ada.ID), "", true, "If-Match", "*"), 409)
	want(c.call(t, "DELETE", path, "", true, "If-Match", changed.Header.Get("ETag")), 204)
	want(c.call(t, "GET", path, "", true), 404)
	res = want(c.call(t, "GET", "/api/users?count=true&size=1&sort=-created_at", "", true), 200)
	if res.Header.Get("X-Total-Count") != "1" || !strings.Contains(res.body, `"created_by"`) {
		t.Errorf("the list: %v %s", res.Header, res.body)
	}
	delete(b.headers, "Authorization")
	want(c.call(t, "GET", "/api/users", "", true), 401)
}

func TestOneCreationForAKeyUnderARace(t *testing.T) {
	h := newHost(t)
	ada := h.world.Person(t, "ada", users.RoleAdmin)
	token := h.token(ada, auth.Scopes...)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			b := h.browser()
			b.headers = map[string]string{
				"Authorization":   "Bearer " + token,
				"Idempotency-Key": "same",
				"Content-Type":    "application/json",
			}
			req := httptest.NewRequestWithContext(
				context.Background(),
				"POST",
				"/api/users",
				strings.NewReader(`{"username":"carol","email":"c@example.org"}`),
			)
			if res := b.do(req); res.StatusCode != http.StatusCreated && res.StatusCode != http.StatusConflict {
				t.Errorf("%d %s", res.StatusCode, res.body)
			}
		})
	}
	wg.Wait()
	if n, err := h.db.NewSelect().Table("users").Count(context.Background()); err != nil || n != 2 {
		t.Errorf("%d users, error %v: want Ada and one Carol", n, err)
	}
}

func TestLinksWalkTheWholeList(t *testing.T) {
	h := newHost(t)
	ada := h.world.Person(t, "ada", users.RoleAdmin)
	h.world.Crowd(t, 130)
	b := h.browser()
	b.headers["Authorization"] = "Bearer " + h.token(ada, auth.ScopeRead)
	next, total := "/api/users?size=50", 0
	for pages := 0; next != "" && pages < 5; pages++ {
		res := b.get(next)
		total += strings.Count(res.body, `"id"`)
		_, rest, found := strings.Cut(strings.Split(res.Header.Get("Link"), `>; rel="next"`)[0], h.cfg.PublicURL)
		if next = ""; found && strings.Contains(res.Header.Get("Link"), `rel="next"`) {
			next = rest
		}
	}
	if total != 131 {
		t.Errorf("%d people on all pages, want 131", total)
	}
}
