// Package legacy takes over the accounts of the system that this one replaces: the table user of Flask-SQLAlchemy, with
// Werkzeug's password hashes. Nobody has to choose a new password, except where the old one is known to everybody.
package legacy

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// row is an account as the old system kept it.
type row struct {
	ID           int64  `bun:"id"`
	Username     string `bun:"username"`
	Email        string `bun:"email"`
	PasswordHash string `bun:"password_hash"`
	Role         string `bun:"role"`
	CreatedBy    string `bun:"created_by"`
}

// Report is what was or would be done. Notes are sentences for the person who runs it.
type Report struct {
	Imported, Existing, Skipped, Admins int
	Notes                               []string
}

// defaultPassword is what every installation of the old system began with.
const defaultPassword = "admin123"

// Import copies the accounts, with their ids where those are free. It may be run again: accounts that are there are left
// alone. A hash column that holds no hash, as the old admin form could leave it, is not taken over.
func Import(ctx context.Context, people *users.Service, actor audit.Actor, dryRun bool) (*Report, error) {
	var rows []row
	err := people.DB().
		NewRaw("SELECT id, COALESCE(username, '') AS username, COALESCE(email, '') AS email, COALESCE(password_hash, '') AS password_hash, "+
			"COALESCE(role, 'user') AS role, COALESCE(CAST(created_by AS CHAR), '') AS created_by FROM `user` ORDER BY id").
		Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read the old table user: %w", err)
	}
	report := &Report{}
	for _, r := range rows {
		u, notes, ok := convert(ctx, people.Hasher(), r)
		report.Notes = append(report.Notes, notes...)
		if !ok {
			report.Skipped++
			continue
		}
		added, err := add(ctx, people, actor, u, dryRun)
		if err != nil {
			return report, err
		}
		if !added {
			report.Existing++
			continue
		}
		report.Imported++
		if u.IsAdmin() && u.HasPassword() {
			report.Admins++
		}
	}
	return report, nil
}

func convert(ctx context.Context, hasher *password.Hasher, r row) (u *users.User, notes []string, ok bool) {
	note := func(text string) { notes = append(notes, fmt.Sprintf("%s (id %d): %s", r.Username, r.ID, text)) }
	if len(r.Username) == 0 || len(r.Username) > 64 || len(r.Email) > 254 {
		note("left out: the name is empty, or name or address is too long")
		return nil, notes, false
	}
	u = &users.User{
		ID: r.ID, Username: r.Username, UsernameKey: users.UsernameKey(r.Username), Email: r.Email, EmailKey: users.EmailKey(r.Email),
		PasswordHash: r.PasswordHash, Role: users.RoleUser, Status: users.StatusActive, Version: 1, CreatedBy: truncate(r.CreatedBy, 64),
	}
	if r.Role == string(users.RoleAdmin) {
		u.Role = users.RoleAdmin
	}
	if !password.Known(r.PasswordHash) {
		u.PasswordHash = ""
		note("the password column holds no hash; make a link with `app user link`")
		return u, notes, true
	}
	for _, guess := range []string{defaultPassword, r.Username} {
		if fits, _, err := hasher.Verify(ctx, r.PasswordHash, guess); err == nil && fits {
			u.MustChangePassword = true
			note("has a password that everybody knows, and must change it at the next sign-in")
			break
		}
	}
	return u, notes, true
}

func truncate(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// add inserts the account unless name or address is taken. A taken id is replaced by a new one.
func add(ctx context.Context, people *users.Service, actor audit.Actor, u *users.User, dryRun bool) (bool, error) {
	added := false
	err := store.InTx(ctx, people.DB(), func(ctx context.Context, tx bun.Tx) error {
		added = false
		exists, err := tx.NewSelect().Model((*users.User)(nil)).Where("deleted_at IS NULL").
			Where("username_key = ? OR email_key = ?", u.UsernameKey, u.EmailKey).Exists(ctx)
		if err != nil || exists {
			return err
		}
		added = true
		if dryRun {
			return nil
		}
		taken, err := tx.NewSelect().Model((*users.User)(nil)).Where("id = ?", u.ID).Exists(ctx)
		if err != nil {
			return err
		}
		if taken {
			u.ID = 0
		}
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		u.CreatedAt, u.UpdatedAt = now, now
		if _, err := tx.NewInsert().Model(u).Exec(ctx); err != nil {
			return err
		}
		return audit.Append(
			ctx,
			tx,
			actor,
			audit.Event{Action: "user.import_legacy", TargetID: u.ID, Target: u.Username, Changes: []audit.Change{
				{Field: "role", After: string(u.Role)}, {Field: "at", After: now.Format(time.RFC3339)},
			}},
		)
	})
	if err != nil {
		return false, fmt.Errorf("take over the account %s: %w", u.Username, err)
	}
	return added, nil
}
