package users

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

// change is one edit of one person.
type change struct {
	id      int64
	version int64 // zero: whatever it is now
	action  string
	deleted bool // the person may be a deleted one
	fn      func(u *User, now time.Time) error
}

// mutate is the one way a person's row changes: lock, check the version, apply, keep an administrator, end sessions,
// record. All of it in one transaction, which may run more than once.
func (s *Service) mutate(ctx context.Context, actor audit.Actor, c change) (*User, error) {
	var u *User
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		if err := lockAdministrators(ctx, tx); err != nil {
			return err
		}
		var err error
		if u, err = lockUser(ctx, tx, c); err != nil {
			return err
		}
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		before := *u
		if err := c.fn(u, now); err != nil {
			return err
		}
		return s.save(ctx, tx, actor, c.action, &before, u, now)
	})
	if err != nil {
		if u == nil {
			return nil, err
		}
		return nil, s.explainDuplicate(ctx, err, u)
	}
	return u, nil
}

// lockAdministrators makes every change that could take the last administrator away wait for the one before it, on all
// hosts. A plain count would see the world before the other's change: two administrators demoting each other would
// leave none.
func lockAdministrators(ctx context.Context, tx bun.Tx) error {
	var name string
	if err := tx.NewRaw("SELECT name FROM row_locks WHERE name = 'administrators' FOR UPDATE").Scan(ctx, &name); err != nil {
		return fmt.Errorf("lock the administrators: %w", err)
	}
	return nil
}

func lockUser(ctx context.Context, tx bun.Tx, c change) (*User, error) {
	u := new(User)
	q := tx.NewSelect().Model(u).Where("id = ?", c.id).For("UPDATE")
	if !c.deleted {
		q.Where("deleted_at IS NULL")
	}
	if err := q.Scan(ctx); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return nil, ErrNotFound
		}
		return nil, fmt.Errorf("lock user %d: %w", c.id, err)
	}
	if c.version != 0 && c.version != u.Version {
		return nil, &ConflictError{Current: *u}
	}
	return u, nil
}

func (s *Service) save(ctx context.Context, tx bun.Tx, actor audit.Actor, action string, before, u *User, now time.Time) error {
	list := changes(before, u)
	if len(list) == 0 && bytes.Equal(before.TOTPSecret, u.TOTPSecret) {
		return nil
	}
	u.Version, u.UpdatedAt = before.Version+1, now
	if !before.CanSignIn(now) && u.CanSignIn(now) {
		u.EnabledAt = &now
	}
	if _, err := tx.NewUpdate().Model(u).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("change user %d: %w", u.ID, err)
	}
	if before.keepsTheKeys() && !u.keepsTheKeys() {
		if err := requireAdministrator(ctx, tx); err != nil {
			return err
		}
	}
	if losesSessions(before, u, now) {
		if err := s.access.EndAll(ctx, tx, u.ID); err != nil {
			return err
		}
	}
	if outdatesLinks(before, u) {
		if err := s.access.RevokeLinks(ctx, tx, u.ID); err != nil {
			return err
		}
	}
	return audit.Append(ctx, tx, actor, audit.Event{Action: action, TargetID: u.ID, Target: u.Username, Changes: list})
}

// losesSessions says whether a change makes the sessions that exist unsafe to go on with. Who gets access back begins anew.
func losesSessions(before, after *User, now time.Time) bool {
	return before.PasswordHash != after.PasswordHash || before.HasMFA() != after.HasMFA() ||
		before.CanSignIn(now) != after.CanSignIn(now) || before.Role != after.Role
}

// outdatesLinks says whether one-time links made before the change should no longer open the account: another password
// was chosen since, or they went to an address that is no longer the person's.
func outdatesLinks(before, after *User) bool {
	return before.PasswordHash != after.PasswordHash || before.Email != after.Email || before.DeletedAt == nil && after.DeletedAt != nil
}

// requireAdministrator looks with a locking read, which sees what others have committed.
func requireAdministrator(ctx context.Context, tx bun.Tx) error {
	var ids []int64
	err := tx.NewSelect().Model((*User)(nil)).Column("id").Where("role = ?", RoleAdmin).Where("status = ?", StatusActive).
		Where("deleted_at IS NULL").Where("password_hash <> ''").Where("expires_at IS NULL").Limit(1).For("UPDATE").Scan(ctx, &ids)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("count the administrators: %w", err)
	}
	if len(ids) == 0 {
		return ErrLastAdmin
	}
	return nil
}

// Delete hides a person and frees the names; Restore brings the person back.
func (s *Service) Delete(ctx context.Context, actor audit.Actor, id, version int64) (*User, error) {
	return s.mutate(ctx, actor, change{id: id, version: version, action: "user.delete", fn: func(u *User, now time.Time) error {
		if actor.ID == id {
			return ErrSelf
		}
		u.DeletedAt = &now
		return nil
	}})
}

// Restore brings a deleted person back, unless the names were taken meanwhile.
func (s *Service) Restore(ctx context.Context, actor audit.Actor, id, version int64) (*User, error) {
	return s.mutate(
		ctx,
		actor,
		change{id: id, version: version, action: "user.restore", deleted: true, fn: func(u *User, _ time.Time) error {
			u.DeletedAt = nil
			return nil
		}},
	)
}
