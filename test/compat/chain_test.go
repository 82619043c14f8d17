package compat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver that the app uses
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"usermanagement.dev/stack/app/migrations"
)

// verify runs `app audit verify` and returns what it says, and whether it accepts the log.
func (s *stage) verify(t *testing.T, binary string) (string, bool) {
	t.Helper()
	out, err := s.command(context.Background(), binary, "127.0.0.1:1", "audit", "verify").CombinedOutput()
	var refused *exec.ExitError
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), err == nil
}

// holds wants a release to accept the whole log.
func (s *stage) holds(t *testing.T, binary, when string) {
	t.Helper()
	if said, ok := s.verify(t, binary); !ok {
		t.Errorf("%s, the audit log is refused: %s", when, said)
	}
}

// previousVouches is what the release before may say of a log that the new one has written into. It may accept it. If it
// does not know the form of the new entries, it may stop at one of them, and only there: what was written before the new
// release came, it has to find whole.
func (s *stage) previousVouches(t *testing.T, written int64) {
	t.Helper()
	said, ok := s.verify(t, s.previous)
	if ok {
		return
	}
	var good, stopped int64
	if _, err := fmt.Sscanf(said, "app: after %d good entries: audit entry %d:", &good, &stopped); err != nil || good < written ||
		stopped != good+1 {
		t.Errorf("the release before says of a log whose first %d entries are its own: %s", written, said)
	}
	t.Logf("the release before, of a log that the new one has written into: %s", said)
}

// entries is how many entries the log has.
func (s *stage) entries(t *testing.T) int64 {
	t.Helper()
	var n int64
	s.ask(t, "SELECT COUNT(*) FROM audit_log", &n)
	return n
}

// ask puts a question to the database itself.
func (s *stage) ask(t *testing.T, query string, into any) {
	t.Helper()
	db := s.open(t)
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(context.Background(), query).Scan(into); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// readsForLong begins to read the people and does not end before it is told to.
func (s *stage) readsForLong(t *testing.T) (end func()) {
	t.Helper()
	db := s.open(t)
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM users").Scan(&n); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = tx.Rollback()
		_ = db.Close()
	})
	t.Cleanup(end)
	return end
}

func (s *stage) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", s.db.DSN("ums"))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// pending are the migrations that this release has and the database has not.
func (s *stage) pending(t *testing.T) []string {
	t.Helper()
	db := bun.NewDB(s.open(t), mysqldialect.New())
	defer func() { _ = db.Close() }()
	steps, err := migrations.Pending(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}
