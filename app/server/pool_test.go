package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/server"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/apptest"
)

func newServerError(t *testing.T, cfg *config.Config) error {
	t.Helper()
	_, err := server.New(cfg, "test", apptest.Open(t, cfg), slog.New(slog.DiscardHandler))
	return err
}

// TestAFullPoolIs503AndRecovers takes every connection that the host may have.
func TestAFullPoolIs503AndRecovers(t *testing.T) {
	h := newHost(t, "UMS_DATABASE_CONNECTIONS", "2")
	b, _ := h.as("ada", users.RoleAdmin)
	h.srv.RequestTimeout(300 * time.Millisecond)
	ctx := context.Background()
	var taken []io.Closer
	for range 2 {
		conn, err := h.db.DB.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	for _, path := range []string{"/users", "/api/users"} {
		res := b.get(path)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || res.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s with a full pool: %d %s", path, res.StatusCode, res.body)
		}
	}
	if status, doc := health(t, b); status != http.StatusServiceUnavailable || doc.Checks[hostcontract.CheckDatabase].Reason != "timeout" {
		t.Errorf("/health with a full pool: %d %+v", status, doc)
	}
	for _, conn := range taken {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.srv.RequestTimeout(20 * time.Second) // a busy machine is slow
	if res := b.get("/users"); res.StatusCode != http.StatusOK {
		t.Errorf("with connections again: %d", res.StatusCode)
	}
}

// TestAFaultOfOursIsAPageWithARequestIdAndNoStack makes a handler panic.
func TestAFaultOfOursIsAPageWithARequestIdAndNoStack(t *testing.T) {
	h := newHost(t)
	h.srv.AddFaultyRoute("/faulty")
	res := h.browser().get("/faulty")
	id := res.Header.Get("X-Request-Id")
	if res.StatusCode != http.StatusInternalServerError || id == "" || !strings.Contains(res.body, id) {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	if strings.Contains(res.body, "canary") || strings.Contains(res.body, "goroutine") {
		t.Errorf("the page tells what is inside: %s", res.body)
	}
	if log := h.log.String(); !strings.Contains(log, "canary") || !strings.Contains(log, "goroutine") || !strings.Contains(log, id) {
		t.Errorf("the log does not help to find the fault: %s", log)
	}
	if res := h.browser().get("/login"); res.StatusCode != http.StatusOK {
		t.Errorf("the next request: %d", res.StatusCode)
	}
}

// TestAnAbandonedCreationCanBeRepeated finds the note of a creation whose host died under it.
func TestAnAbandonedCreationCanBeRepeated(t *testing.T) {
	h := newHost(t)
	ada := h.world.Person(t, "ada", users.RoleAdmin)
	b := h.browser()
	b.headers = map[string]string{
		"Authorization": "Bearer " + h.token(ada, "users:write"), "Idempotency-Key": "k",
		"Content-Type": "application/json",
	}
	create := func() answer {
		return b.do(httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/users",
			strings.NewReader(`{"username":"carol","email":"c@example.org"}`)))
	}
	if res := create(); res.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	for _, tc := range []struct {
		age  string
		want int
	}{{"1 SECOND", http.StatusConflict}, {"1 HOUR", http.StatusUnprocessableEntity}} {
		// The note as it is before the answer is known; Carol exists already, which is what the second try then finds.
		_, err := h.db.ExecContext(context.Background(), "REPLACE INTO idempotency_keys SELECT user_id, k, fingerprint, 0, '', '', "+
			"UTC_TIMESTAMP(6) - INTERVAL "+tc.age+" FROM idempotency_keys")
		if err != nil {
			t.Fatal(err)
		}
		if res := create(); res.StatusCode != tc.want {
			t.Errorf("abandoned %s ago: %d %s, want %d", tc.age, res.StatusCode, res.body, tc.want)
		}
	}
}
