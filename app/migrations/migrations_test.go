package migrations_test

import (
	"context"
	"sync"
	"testing"

	"usermanagement.dev/stack/app/migrations"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

func TestFiveHostsStartingAtOnceAllComeUp(t *testing.T) {
	cfg, ctx := apptest.Config(t), context.Background()
	var wg sync.WaitGroup
	applied := make([]int, 5)
	for host := range applied {
		wg.Go(func() {
			steps, err := migrations.Run(ctx, cfg, nil)
			if err != nil {
				t.Errorf("host %d: %v", host, err)
			}
			applied[host] = len(steps)
		})
	}
	wg.Wait()
	total := 0
	for _, n := range applied {
		if n > 0 {
			total++
		}
	}
	if total != 1 {
		t.Errorf("%d hosts applied steps, want exactly one: %v", total, applied)
	}
}

func TestMigrationsGoOnAfterOneWasCutOff(t *testing.T) {
	cfg, ctx := apptest.Config(t), context.Background()
	db := apptest.Open(t, cfg)
	// What a host leaves that dies after the statement and before the note that it ran.
	if _, err := db.ExecContext(ctx, "DELETE FROM bun_migrations"); err != nil {
		t.Fatal(err)
	}
	pending, err := migrations.Pending(ctx, db)
	if err != nil || len(pending) == 0 {
		t.Fatalf("pending %v, error %v: want every step", pending, err)
	}
	if _, err := migrations.Run(ctx, cfg, nil); err != nil {
		t.Fatalf("running again over existing tables: %v", err)
	}
	if pending, err = migrations.Pending(ctx, db); err != nil || len(pending) != 0 {
		t.Errorf("pending %v, error %v: want none", pending, err)
	}
}
