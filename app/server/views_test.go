package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usermanagement.dev/stack/app/users"
)

// TestSavedViewsByForms saves a view, comes back by the menu, meets another's, and sends what is not accepted.
func TestSavedViewsByForms(t *testing.T) {
	h := newHost(t)
	ada, _ := h.as("ada", users.RoleAdmin)
	eve, _ := h.as("eve", users.RoleAdmin)
	page := ada.get("/users?role=admin&sort=-email&cols=email.role")
	query := between(page.body, `name="query" value="cols`, `"`)
	query = "cols" + strings.ReplaceAll(query, "&amp;", "&")
	res := ada.post("/users/views", url.Values{"name": {`<b>"A"</b>`}, "query": {query}, "shared": {"yes"}})
	saved := "/users?cols=email.role&role=admin&sort=-email&done=done.view_saved"
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != saved {
		t.Fatalf("saving: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	menu := between(eve.get("/users").body, `class="menu-list"`, "</ul>")
	for _, want := range []string{
		`href="/users?cols=email.role&amp;role=admin&amp;sort=-email"`, "&lt;b&gt;&#34;A&#34;&lt;/b&gt;", "shared by ada",
	} {
		if !strings.Contains(menu, want) {
			t.Errorf("another administrator's menu lacks %s: %s", want, menu)
		}
	}
	page = eve.get("/users?cols=email.role&role=admin&sort=-email")
	if !strings.Contains(page.body, "View: &lt;b&gt;") || strings.Contains(page.body, `<td data-label="Created">`) ||
		!strings.Contains(page.body, `<td data-label="E-mail">`) {
		t.Error("the view is not shown as it was saved")
	}
	if plain := eve.get("/users"); !strings.Contains(plain.body, `<td data-label="Created">`) {
		t.Error("looking at a view changed the columns of the list without one")
	}
	manage := ada.get("/users/views")
	if !strings.Contains(manage.body, "Role: Administrator · ordered by E-mail, downwards") {
		t.Errorf("the view in words: %s", between(manage.body, "<main", "</main>"))
	}
	path := "/users/views/" + between(manage.body, `action="/users/views/`, `"`)
	if res := eve.post(path, url.Values{"name": {"Mine"}}); res.StatusCode != http.StatusNotFound {
		t.Errorf("renaming another's: %d", res.StatusCode)
	}
	if res := eve.post(path+"/delete", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("deleting another's: %d", res.StatusCode)
	}
	viewFormErrors(t, ada, path)
	if res := ada.post(path+"/delete", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("deleting: %d", res.StatusCode)
	}
	if body := ada.get("/audit").body; !strings.Contains(body, "View shared") || !strings.Contains(body, "Shared view deleted") {
		t.Error("the log does not tell of the shared view")
	}
}

// viewFormErrors keeps what was typed.
func viewFormErrors(t *testing.T, ada *browser, path string) {
	t.Helper()
	long := strings.Repeat("long ", 20)
	res := ada.post(path, url.Values{"name": {long}, "shared": {"yes"}})
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "is too long") ||
		!strings.Contains(res.body, `value="`+long) {
		t.Errorf("a long name: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
	res = ada.post("/users/views", url.Values{"name": {""}, "query": {"role=user&evil=%3Cscript%3E&page=abc"}})
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, `value="role=user"`) ||
		!strings.Contains(res.body, "Role: User") {
		t.Errorf("no name: %d %s", res.StatusCode, between(res.body, "<main", "</main>"))
	}
}

// TestTheListsFormsKeepWhatTheyDoNotShow looks for the order and the columns in the form of the filters.
func TestTheListsFormsKeepWhatTheyDoNotShow(t *testing.T) {
	h := newHost(t)
	ada, _ := h.as("ada", users.RoleAdmin)
	form := between(ada.get("/users?sort=-email&cols=role").body, `class="card filters"`, "</form>")
	for _, want := range []string{`name="sort" value="-email"`, `name="cols" value="role"`} {
		if !strings.Contains(form, want) {
			t.Errorf("the form of the filters lacks %s", want)
		}
	}
}
