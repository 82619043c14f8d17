package auth

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// setupSetting is the row whose insertion spends the setup secret, once for all hosts.
const setupSetting = "setup_done"

// SetupDone says whether there is, or ever was, a first administrator.
func (a *Authenticator) SetupDone(ctx context.Context) (bool, error) {
	done, err := a.db.NewSelect().Table("settings").Where("name = ?", setupSetting).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look whether setup is done: %w", err)
	}
	return done, nil
}

// MarkSetupDone closes setup, for administrators that came another way.
func (a *Authenticator) MarkSetupDone(ctx context.Context) error {
	if _, err := a.db.NewRaw("INSERT IGNORE INTO settings (name, value) VALUES (?, 'yes')", setupSetting).Exec(ctx); err != nil {
		return fmt.Errorf("close setup: %w", err)
	}
	return nil
}

// Setup makes the first administrator for whoever has the secret. It works once, whatever happens to that
// administrator later.
func (a *Authenticator) Setup(ctx context.Context, given string, d users.Draft, client Client) (*users.User, error) {
	if done, err := a.SetupDone(ctx); err != nil {
		return nil, err
	} else if done {
		return nil, ErrDone
	}
	if _, err := a.limiter.Hit(ctx, LimitSetup, "all"); err != nil {
		return nil, err
	}
	if !a.keys.letsIn(ctx, given) {
		return nil, &users.ValidationError{Fields: map[string]users.Problem{"secret": users.ProblemWrong}}
	}
	if d.Password == "" {
		return nil, &users.ValidationError{Fields: map[string]users.Problem{users.FieldPassword: users.ProblemRequired}}
	}
	d.Role, d.Status = users.RoleAdmin, users.StatusActive
	var u *users.User
	err := store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO settings (name, value) VALUES (?, ?)", setupSetting, "yes").Exec(ctx)
		if _, dup := store.IsDuplicate(err); dup {
			return ErrDone
		}
		if err != nil {
			return fmt.Errorf("spend the setup secret: %w", err)
		}
		u, err = a.users.CreateIn(ctx, tx, client.actor(0, "setup"), d, "user.setup")
		return err
	})
	return u, err
}
