package audit_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

func write(t *testing.T, db *bun.DB, n int) {
	t.Helper()
	for i := range n {
		err := store.InTx(context.Background(), db, func(ctx context.Context, tx bun.Tx) error {
			return audit.Append(ctx, tx, audit.Actor{ID: 1, Name: "ada", IP: "::1"}, audit.Event{
				Action: "user.update", TargetID: int64(i), Target: "bob",
				Changes: []audit.Change{{Field: "role", Before: "user", After: "admin"}, {Field: "display_name", After: "Ünï \"x\""}},
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestTamperingIsFoundAndNamed(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		sql  string
		want string
	}{
		"a value changed":      {"UPDATE audit_log SET changes = REPLACE(changes, 'admin', 'xdmin') WHERE id = 3", "entry 3: was changed"},
		"an actor changed":     {"UPDATE audit_log SET actor = 'eve' WHERE id = 2", "entry 2: was changed"},
		"an entry removed":     {"DELETE FROM audit_log WHERE id = 4", "entry 4: missing"},
		"the end cut off":      {"DELETE FROM audit_log WHERE id >= 5", "entry 5: missing"},
		"a time moved":         {"UPDATE audit_log SET at = at + INTERVAL 1 SECOND WHERE id = 1", "entry 1: was changed"},
		"everything cut off":   {"DELETE FROM audit_log", "entry 1: missing"},
		"re-linked to nowhere": {"UPDATE audit_log SET prev_hash = REPEAT('x', 32) WHERE id = 2", "entry 2: does not follow"},
	} {
		t.Run(name, func(t *testing.T) {
			db := apptest.DB(t)
			write(t, db, 6)
			if n, err := audit.Verify(ctx, db); n != 6 || err != nil {
				t.Fatalf("untouched log: %d entries, error %v", n, err)
			}
			if _, err := db.ExecContext(ctx, tc.sql); err != nil {
				t.Fatal(err)
			}
			_, err := audit.Verify(ctx, db)
			var broken *audit.BrokenError
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestChainHoldsWithManyWritersAndAcrossBatches(t *testing.T) {
	db := apptest.DB(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { write(t, db, 90) })
	}
	wg.Wait()
	if n, err := audit.Verify(context.Background(), db); n != 540 || err != nil {
		t.Errorf("%d entries, error %v: want 540 that hold", n, err)
	}
}
