package users

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

// expiryForms are how the end of an account is written: as programs do, as forms do (in UTC), and as a day.
var expiryForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly}

// ExpiryText is the end of an account as a form shows it, in UTC to the second; "" if it has none.
func ExpiryText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return strings.TrimSuffix(t.UTC().Format("2006-01-02T15:04:05"), ":00")
}

// parseExpiry reads the end of an account. A day alone counts to its end.
func parseExpiry(text string) (*time.Time, Problem) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, ""
	}
	for _, form := range expiryForms {
		t, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		if form == time.DateOnly {
			t = t.AddDate(0, 0, 1)
		}
		if t = t.UTC().Truncate(time.Second); t.Year() < 1970 || t.Year() > 9000 {
			break
		}
		return &t, ""
	}
	return nil, ProblemTime
}

// sameTime says whether two times that may be missing are the same.
func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

const (
	expirySetting = "expiry_recorded_until"
	// expiryBatch is about how many ends of accounts one transaction records.
	expiryBatch = 500
)

// RecordExpiries writes into the audit log whose access has ended since the last time, and ends what sessions they have
// left. It returns how many there were; more may wait as long as there
// were any. The end itself needs no job: it
// is looked at with every request.
func (s *Service) RecordExpiries(ctx context.Context, actor audit.Actor) (int, error) {
	count := 0
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		var since string
		err := tx.NewRaw("SELECT value FROM settings WHERE name = ? FOR UPDATE", expirySetting).Scan(ctx, &since)
		if err != nil {
			return fmt.Errorf("read up to when the end of accounts is recorded: %w", err)
		}
		from, err := time.Parse(cursorTime, since)
		if err != nil {
			return fmt.Errorf("read up to when the end of accounts is recorded: %w", err)
		}
		until, err := s.expiryUntil(ctx, tx, from)
		if err != nil {
			return err
		}
		people, err := expiredBetween(ctx, tx, from, until)
		if err != nil {
			return err
		}
		count = len(people)
		_, err = tx.NewRaw("UPDATE settings SET value = ? WHERE name = ?", until.UTC().Format(cursorTime), expirySetting).Exec(ctx)
		if err != nil {
			return fmt.Errorf("note up to when the end of accounts is recorded: %w", err)
		}
		return s.recordExpired(ctx, tx, actor, people)
	})
	return count, err
}

// expiryUntil is now, or, where too many accounts have ended for one transaction, an earlier time: people who end in the
// same moment are never parted.
func (*Service) expiryUntil(ctx context.Context, tx bun.Tx, from time.Time) (time.Time, error) {
	now, err := store.Now(ctx, tx)
	if err != nil {
		return now, err
	}
	var ends []time.Time
	err = tx.NewRaw("SELECT expires_at FROM users WHERE expires_at > ? AND expires_at <= ? ORDER BY expires_at LIMIT 1 OFFSET ?",
		from, now, expiryBatch-1).Scan(ctx, &ends)
	if err != nil {
		return now, fmt.Errorf("look for accounts that have ended: %w", err)
	}
	if len(ends) > 0 {
		return ends[0], nil
	}
	return now, nil
}

func expiredBetween(ctx context.Context, tx bun.Tx, from, until time.Time) ([]User, error) {
	var people []User
	err := tx.NewSelect().Model(&people).Column("id", FieldUsername, FieldExpires).Where("expires_at > ?", from).
		Where("expires_at <= ?", until).Where("deleted_at IS NULL").Where("status = ?", StatusActive).Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the accounts that have ended: %w", err)
	}
	return people, nil
}

func (s *Service) recordExpired(ctx context.Context, tx bun.Tx, actor audit.Actor, people []User) error {
	ids, events := make([]int64, len(people)), make([]audit.Event, len(people))
	for i := range people {
		u := &people[i]
		ids[i] = u.ID
		events[i] = audit.Event{
			Action: "user.expire", TargetID: u.ID, Target: u.Username,
			Changes: []audit.Change{{Field: FieldExpires, After: ExpiryText(u.ExpiresAt)}},
		}
	}
	if err := s.access.EndAll(ctx, tx, ids...); err != nil {
		return err
	}
	return audit.Append(ctx, tx, actor, events...)
}
