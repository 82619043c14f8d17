package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	administrator = "root1"
	password      = "seventeen violet kettles hum"
)

// direct opens a connection for each request and keeps none in store: the first release waits for those when it ends, and then
// ends with a failure.
var direct = &http.Transport{DisableKeepAlives: true}

// visitor is a person's browser, or a program with a token. Which host answers is the load balancer's choice: onto puts the
// same cookies before the other release.
type visitor struct {
	t     *testing.T
	host  *host
	jar   map[string]string
	csrf  *string
	token string
}

func (h *host) visitor() *visitor {
	return &visitor{t: h.t, host: h, jar: map[string]string{}, csrf: new(string)}
}

// onto is the same visitor at another host.
func (v *visitor) onto(h *host) *visitor {
	other := *v
	other.host = h
	return &other
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

// send fails the test if the host fails: whatever a client asks, no answer may be 500 or above.
func (v *visitor) send(method, path, contentType, body string, headers ...string) answer {
	v.t.Helper()
	res, err := v.try(method, path, contentType, body, headers...)
	if err != nil {
		v.t.Errorf("%s %s of the %s release: %v", method, path, v.host.name, err)
	}
	return res
}

func (v *visitor) try(method, path, contentType, body string, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), waitBound)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+v.host.listen+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Host = strings.TrimPrefix(site, "https://")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range v.jar {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := direct.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	return v.read(res)
}

func (v *visitor) read(res *http.Response) (answer, error) {
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	for _, cookie := range res.Cookies() {
		if cookie.Value == "" || !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now()) {
			delete(v.jar, cookie.Name)
		} else {
			v.jar[cookie.Name] = cookie.Value
		}
	}
	if m := csrfField.FindSubmatch(text); m != nil {
		*v.csrf = string(m[1])
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(text)}
	if a.status >= http.StatusInternalServerError {
		return a, fmt.Errorf("%d %s", a.status, a.body[:min(len(a.body), 600)])
	}
	return a, nil
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	return v.send(http.MethodGet, path, "", "")
}

// opens gets a page that has to be there, and returns it.
func (v *visitor) opens(path string) string {
	v.t.Helper()
	res := v.get(path)
	if res.status != http.StatusOK {
		v.t.Errorf("%s of the %s release: %d, leads to %q", path, v.host.name, res.status, res.header.Get("Location"))
	}
	return res.body
}

// post sends a form with the token of the last page.
func (v *visitor) post(path string, form url.Values) answer {
	v.t.Helper()
	form.Set("_csrf", *v.csrf)
	return v.send(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

// does sends a form that has to be accepted: the answer leads on, to a path that begins so.
func (v *visitor) does(to, path string, form url.Values) answer {
	v.t.Helper()
	res := v.post(path, form)
	if res.status != http.StatusSeeOther || !strings.HasPrefix(res.header.Get("Location"), to) {
		v.t.Errorf("POST %s %v of the %s release: %d to %q, want to %q\n%s", path, form, v.host.name, res.status,
			res.header.Get("Location"), to, mainOf(res.body))
	}
	return res
}

// upload sends a CSV file to the import's dry run and returns the handle under which it is kept.
func (v *visitor) upload(csv string) string {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("_csrf", *v.csrf)
	file, err := form.CreateFormFile("file", "people.csv")
	if err != nil {
		v.t.Fatal(err)
	}
	_, _ = io.WriteString(file, csv)
	_ = form.Close()
	res := v.send(http.MethodPost, "/users/import", form.FormDataContentType(), body.String())
	return between(res.body, `name="handle" value="`, `"`)
}

// signIn signs in with the password that everybody has here, and returns where that leads.
func (v *visitor) signIn(name string) string {
	v.t.Helper()
	v.opens("/login")
	res := v.post("/login", url.Values{"login": {name}, "password": {password}})
	return res.header.Get("Location")
}

// person is somebody as the API tells.
type person struct {
	ID        int64   `json:"id"`
	Username  string  `json:"username"`
	Name      string  `json:"display_name"`
	Role      string  `json:"role"`
	Status    string  `json:"status"`
	ExpiresAt *string `json:"expires_at"`
	Version   int64   `json:"version"`
}

// api asks the API and wants a status.
func (v *visitor) api(want int, method, path, body string, headers ...string) person {
	v.t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	res := v.send(method, path, contentType, body, headers...)
	var p person
	if res.status != want {
		v.t.Errorf("%s %s %s of the %s release: %d %s, want %d", method, path, body, v.host.name, res.status, res.body, want)
	} else if want < http.StatusBadRequest && strings.HasPrefix(res.body, "{") {
		if err := json.Unmarshal([]byte(res.body), &p); err != nil {
			v.t.Errorf("%s %s of the %s release: %v", method, path, v.host.name, err)
		}
	}
	return p
}

func between(s, from, to string) string {
	_, rest, _ := strings.Cut(s, from)
	out, _, _ := strings.Cut(rest, to)
	return out
}

// mainOf is what a page says, without what stands around every page.
func mainOf(page string) string {
	if inner := between(page, "<main", "</main>"); inner != "" {
		return inner
	}
	return page
}
