// Package migrations brings the database's schema up to what this binary needs. The statements stand in sql/, one file a
// step, each safe to run twice: MySQL commits every DDL statement by itself, so a step can be cut off half way. Steps only
// ever add while hosts of the release before are still serving (expand first, contract a release later).
package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/store"
)

//go:embed sql/*.sql
var files embed.FS

// LockWait is how long a host waits for another to finish migrating.
const LockWait = 5 * time.Minute

// Run applies the missing steps and returns their names. Of several hosts that start at once one does the work and the
// others wait for it. Bun's own lock is not used: it fails instead of waiting, and outlives a host that dies. A step whose
// table somebody else holds for long fails, so that nobody waits behind it; Run may be called again.
func Run(ctx context.Context, cfg *config.Config, credentials store.CredentialSource) ([]string, error) {
	db, err := store.OpenForMigrations(cfg, credentials)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	return run(ctx, db)
}

func run(ctx context.Context, db *bun.DB) ([]string, error) {
	var applied []string
	err := store.WithLock(ctx, db, "migrate", LockWait, func(ctx context.Context) error {
		migrator, err := newMigrator(db)
		if err != nil {
			return err
		}
		if err := migrator.Init(ctx); err != nil {
			return fmt.Errorf("prepare the table of migrations: %w", err)
		}
		group, err := migrator.Migrate(ctx)
		if err != nil {
			return fmt.Errorf("apply migrations: %w", err)
		}
		for _, step := range group.Migrations {
			applied = append(applied, step.Name)
		}
		return nil
	})
	return applied, err
}

// Pending lists the steps that this binary has and the database has not.
func Pending(ctx context.Context, db *bun.DB) ([]string, error) {
	migrator, err := newMigrator(db)
	if err != nil {
		return nil, err
	}
	steps, err := migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the table of migrations: %w", err)
	}
	var names []string
	for _, step := range steps.Unapplied() {
		names = append(names, step.Name)
	}
	return names, nil
}

func newMigrator(db *bun.DB) (*migrate.Migrator, error) {
	sub, err := fs.Sub(files, "sql")
	if err != nil {
		return nil, fmt.Errorf("open the embedded migrations: %w", err)
	}
	steps := migrate.NewMigrations()
	if err := steps.Discover(sub); err != nil {
		return nil, fmt.Errorf("read the embedded migrations: %w", err)
	}
	return migrate.NewMigrator(db, steps, migrate.WithMarkAppliedOnSuccess(true)), nil
}
