package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

// other is the same browser on the other host behind the load balancer.
func (b *browser) other(h *host) *browser {
	return &browser{host: h, cookies: b.cookies, csrf: b.csrf, headers: b.headers}
}

// TestTwoHostsAreOneApp signs in on one host and goes on at the other.
func TestTwoHostsAreOneApp(t *testing.T) {
	cfg := apptest.Config(t)
	a, b := hostOn(t, cfg), hostOn(t, cfg)
	onA, _ := a.as("ada", users.RoleAdmin)
	onB := onA.other(b)
	if res := onB.get("/users"); res.StatusCode != http.StatusOK {
		t.Fatalf("the other host does not know the session: %d", res.StatusCode)
	}
	user, bob := a.as("bob", users.RoleUser)
	if res := onB.post("/users/bulk/apply", url.Values{
		"action": {"end_sessions"},
		"id":     {fmtID(bob.ID)},
	}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("ending sessions: %d %s", res.StatusCode, res.body)
	}
	if res := user.get("/account"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a session that was ended on one host lives on at the other: %d", res.StatusCode)
	}
	if res := onA.post("/logout", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("signing out: %d", res.StatusCode)
	}
	onB.cookies = map[string]string{"__Host-sid": onB.cookies["__Host-sid"]}
	if res := onB.get("/users"); res.StatusCode == http.StatusOK {
		t.Error("a session that signed out on one host lives on at the other")
	}
}

func TestGuessesOverBothHostsShareOneLimit(t *testing.T) {
	cfg := apptest.Config(t)
	a, b := hostOn(t, cfg), hostOn(t, cfg)
	a.world.Person(t, "ada", users.RoleAdmin)
	var looked, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 24 {
		h := []*host{a, b}[i%2]
		wg.Go(func() {
			switch status := h.browser().signIn("ada", "wrong").StatusCode; status {
			case http.StatusUnauthorized:
				looked.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			default:
				t.Errorf("%d", status)
			}
		})
	}
	wg.Wait()
	if looked.Load() != 10 || refused.Load() != 14 {
		t.Errorf("%d guesses were looked at and %d refused, want 10 and 14", looked.Load(), refused.Load())
	}
}

func TestMultipartFormsNeedTheTokenToo(t *testing.T) {
	h := newHost(t)
	admin, _ := h.as("ada", users.RoleAdmin)
	admin.csrf = "wrong"
	if res := admin.upload("username,email\n"); res.StatusCode != http.StatusForbidden {
		t.Errorf("an upload with a wrong token: %d", res.StatusCode)
	}
	if n, err := h.db.NewSelect().Table("imports").Count(context.Background()); err != nil || n != 0 {
		t.Errorf("%d imports are kept, error %v", n, err)
	}
}

func fmtID(id int64) string { return strconv.FormatInt(id, 10) }
