package users

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

const (
	// MinDormantDays is after how many days, at the earliest, a policy may call an account dormant.
	MinDormantDays = 30
	// MaxDormantDays is after how many days, at the latest.
	MaxDormantDays = 3650
	// DormantAhead is how many days a preview looks ahead.
	DormantAhead = 30
	// dormantSample is how many accounts a preview names.
	dormantSample = 200
	// dormantBatch is how many accounts one run of the policy deactivates, so that a wrong setting is noticed before it has
	// gone far.
	dormantBatch = 200
)

// lastSeen is the last sign of life of an account: a sign-in, a program that used one of its tokens, or an administrator
// who made it or let it in again.
const lastSeen = "GREATEST(u.created_at, COALESCE(u.last_login_at, u.created_at), COALESCE(u.enabled_at, u.created_at), " +
	"COALESCE((SELECT MAX(t.last_used_at) FROM api_tokens AS t WHERE t.user_id = u.id), u.created_at))"

// Dormant is an account that a policy is about.
type Dormant struct {
	ID          int64      `bun:"id"`
	Username    string     `bun:"username"`
	Email       string     `bun:"email"`
	LastLoginAt *time.Time `bun:"last_login_at"`
	// Seen is its last sign of life, Due when the policy deactivates it.
	Seen time.Time `bun:"seen"`
	Due  time.Time `bun:"due"`
	// Kept says that it is left alone: it is the administrator who was here last.
	Kept bool `bun:"kept"`
}

// DormantPreview is what a policy would do.
type DormantPreview struct {
	// Now is how many accounts it would deactivate at once, Ahead how many more within DormantAhead days.
	Now, Ahead int
	// Accounts are the first of them, in the order of their time, and the one that is kept.
	Accounts []Dormant
	At       time.Time
}

// dormant chooses the accounts whose last sign of life is older than some days. What an index knows is asked first.
func dormant(q *bun.SelectQuery, days int) *bun.SelectQuery {
	return q.Where("u.status = ?", StatusActive).Where("u.deleted_at IS NULL").
		Where("u.expires_at IS NULL OR u.expires_at > UTC_TIMESTAMP(6)").
		Where("u.last_login_at IS NULL OR u.last_login_at < UTC_TIMESTAMP(6) - INTERVAL ? DAY", days).
		Where("u.created_at < UTC_TIMESTAMP(6) - INTERVAL ? DAY", days).
		Where(lastSeen+" < UTC_TIMESTAMP(6) - INTERVAL ? DAY", days)
}

// lastAdministrator is the one of those who can administer who was here last, whom no policy deactivates; zero if there is
// none.
func lastAdministrator(ctx context.Context, db bun.IDB) (int64, error) {
	var ids []int64
	err := db.NewSelect().TableExpr("users AS u").Column("u.id").Where("u.role = ?", RoleAdmin).Where("u.status = ?", StatusActive).
		Where("u.deleted_at IS NULL").Where("u.password_hash <> ''").Where("u.expires_at IS NULL").
		OrderExpr(lastSeen+" DESC, u.id DESC").Limit(1).Scan(ctx, &ids)
	if err != nil {
		return 0, fmt.Errorf("look for the administrator who was here last: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	return ids[0], nil
}

// PreviewDormant tells what a policy of so many days would do, now and in the days ahead, and does nothing.
func (s *Service) PreviewDormant(ctx context.Context, days int) (DormantPreview, error) {
	var p DormantPreview
	kept, err := lastAdministrator(ctx, s.db)
	if err != nil {
		return p, err
	}
	if p.At, err = store.Now(ctx, s.db); err != nil {
		return p, err
	}
	for within, n := range map[int]*int{days: &p.Now, days - DormantAhead: &p.Ahead} {
		err := dormant(s.db.NewSelect().TableExpr("users AS u"), within).Where("u.id <> ?", kept).ColumnExpr("COUNT(*)").Scan(ctx, n)
		if err != nil {
			return p, fmt.Errorf("count dormant accounts: %w", err)
		}
	}
	p.Ahead -= p.Now
	err = dormant(s.db.NewSelect().TableExpr("users AS u"), days-DormantAhead).Column("u.id", "u.username", "u.email", "u.last_login_at").
		ColumnExpr(lastSeen+" AS seen").ColumnExpr(lastSeen+" + INTERVAL ? DAY AS due", days).ColumnExpr("u.id = ? AS kept", kept).
		OrderExpr("seen, u.id").Limit(dormantSample).Scan(ctx, &p.Accounts)
	if err != nil {
		return p, fmt.Errorf("list dormant accounts: %w", err)
	}
	return p, nil
}

// DeactivateDormant deactivates the accounts that are dormant after so many days, at most dormantBatch, the longest dormant
// first, and returns their names. The administrator who was here last is left alone.
func (s *Service) DeactivateDormant(ctx context.Context, actor audit.Actor, days int) ([]string, error) {
	if days < MinDormantDays || days > MaxDormantDays {
		return nil, fmt.Errorf("%d days: choose %d to %d", days, MinDormantDays, MaxDormantDays)
	}
	var names []string
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		names = nil
		if err := lockAdministrators(ctx, tx); err != nil {
			return err
		}
		people, err := lockDormant(ctx, tx, days)
		if err != nil {
			return err
		}
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		for i := range people {
			before, u := people[i], &people[i]
			u.Status = StatusDisabled
			if err := s.save(ctx, tx, actor, "user.dormant", &before, u, now); err != nil {
				return err
			}
			names = append(names, u.Username)
		}
		return nil
	})
	return names, err
}

// lockDormant finds first and locks then, by id: a locking read of all that is looked through would hold sign-ins up. What
// has signed in meanwhile is no longer among them.
func lockDormant(ctx context.Context, tx bun.Tx, days int) ([]User, error) {
	kept, err := lastAdministrator(ctx, tx)
	if err != nil {
		return nil, err
	}
	var ids []int64
	err = dormant(tx.NewSelect().TableExpr("users AS u"), days).Column("u.id").Where("u.id <> ?", kept).
		OrderExpr(lastSeen+", u.id").Limit(dormantBatch).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("look for dormant accounts: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var people []User
	q := dormant(tx.NewSelect().Model(&people), days).Where("u.id IN (?)", bun.List(ids)).Order("u.id").For("UPDATE")
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("lock dormant accounts: %w", err)
	}
	return people, nil
}
