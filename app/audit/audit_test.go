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

// erase removes person 3 and writes the entry that says so.
func erase(t *testing.T, db *bun.DB) {
	t.Helper()
	err := store.InTx(context.Background(), db, func(ctx context.Context, tx bun.Tx) error {
		if _, err := audit.Erase(ctx, tx, 3); err != nil {
			return err
		}
		return audit.Append(ctx, tx, audit.Actor{ID: 1, Name: "ada"}, audit.Event{Action: audit.ActionPurge, TargetID: 3})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestErasingAPersonLeavesTheChainWhole erases somebody, and then tries what an erasure must not be an excuse for.
func TestErasingAPersonLeavesTheChainWhole(t *testing.T) {
	ctx := context.Background()
	blank := "UPDATE audit_log SET target = '', changes = '[]', target_salt = NULL WHERE id = 5"
	for name, tc := range map[string]struct {
		sql  string
		want string
	}{
		"nothing else":                  {"DO 0", ""},
		"another person, never removed": {blank, "entry 5: a part was erased, but user 4 was never removed"},
		"another actor, never removed": {
			"UPDATE audit_log SET actor = '', ip = '', actor_salt = NULL WHERE id = 2",
			"entry 2: a part was erased, but user 1 was never removed",
		},
		"a name put back":               {"UPDATE audit_log SET target = 'eve' WHERE id = 4", "entry 4: was changed"},
		"a change put in":               {"UPDATE audit_log SET changes = '[{}]' WHERE id = 4", "entry 4: was changed"},
		"a seal taken":                  {"UPDATE audit_log SET target_seal = NULL, actor_seal = NULL WHERE id = 4", "entry 4: was changed"},
		"one seal taken":                {"UPDATE audit_log SET target_seal = NULL WHERE id = 5", "entry 5: was changed"},
		"another salt":                  {"UPDATE audit_log SET actor_salt = REPEAT('x', 16) WHERE id = 5", "entry 5: was changed"},
		"the address of another actor":  {"UPDATE audit_log SET ip = '::2' WHERE id = 5", "entry 5: was changed"},
		"a removal made of another act": {"UPDATE audit_log SET action = 'user.purge', target_id = 4 WHERE id = 6", "entry 6: was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			db := apptest.DB(t)
			write(t, db, 6) // entry n is of person n-1
			erase(t, db)
			if _, err := db.ExecContext(ctx, tc.sql); err != nil {
				t.Fatal(err)
			}
			n, err := audit.Verify(ctx, db)
			if tc.want == "" && (err != nil || n != 7) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%d entries, error %v, want %q", n, err, tc.want)
			}
		})
	}
}

// TestEntriesOfBeforeTheSealsStillHold has entries as earlier releases wrote them: hashed as they stand, and not erased.
func TestEntriesOfBeforeTheSealsStillHold(t *testing.T) {
	db, ctx := apptest.DB(t), context.Background()
	// Two entries of release 0, taken from its database.
	for _, statement := range []string{
		oldEntries,
		"UPDATE audit_head SET last_id = 2, hash = (SELECT hash FROM audit_log WHERE id = 2)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	write(t, db, 3)
	if n, err := audit.Verify(ctx, db); n != 5 || err != nil {
		t.Fatalf("%d entries, error %v", n, err)
	}
	err := store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
		kept, err := audit.Erase(ctx, tx, 2)
		if err == nil && kept != 1 {
			t.Errorf("%d entries are said to be kept, want 1", kept)
		}
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, audit.Actor{ID: 1, Name: "ada"}, audit.Event{Action: audit.ActionPurge, TargetID: 2})
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := audit.Verify(ctx, db); n != 6 || err != nil {
		t.Errorf("after an erasure: %d entries, error %v", n, err)
	}
	if _, err := db.ExecContext(ctx, "UPDATE audit_log SET actor = 'eve' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(ctx, db); err == nil || !strings.Contains(err.Error(), "entry 1: was changed") {
		t.Errorf("an old entry that was changed: %v", err)
	}
}

const oldEntries = `INSERT INTO audit_log
(id, at, actor_id, actor, action, target_id, target, changes, request_id, ip, prev_hash, hash) VALUES
(1, '2026-11-27 20:57:02.679710', 1, 'ada', 'user.create', 1, 'ada', '[]', 'r1', '192.0.2.1',
 X'0000000000000000000000000000000000000000000000000000000000000000',
 X'16327b8eb35e24eed0e62cfd3b50c2695a7c8e6d0b92dbe8f8328964c0f7c1db'),
(2, '2026-11-27 20:57:02.679710', 1, 'ada', 'user.update', 2, 'grace',
 '[{"field":"email","before":"g@example.org","after":"grace@example.org"}]', 'r1', '192.0.2.1',
 X'16327b8eb35e24eed0e62cfd3b50c2695a7c8e6d0b92dbe8f8328964c0f7c1db',
 X'a1292f6ddf66a7271871c32d63d03f66856b73a33c8824dd2080e63352092f5b')`
