package users

import (
	"context"
	"fmt"
	"time"
)

// Day is a day's sign-ins.
type Day struct {
	Date       time.Time `bun:"day"`
	OK, Failed int
}

// Overview is what the first page of an administrator shows.
type Overview struct {
	Total, Active, Disabled, Expired, Deleted, Admins, Locked, Dormant, Never, WithMFA int
	// Days are the last fourteen, oldest first, without gaps.
	Days []Day
}

// overviewDays is how far back the overview's charts look.
const overviewDays = 14

// Overview counts people and sign-ins.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	var o Overview
	err := s.db.NewRaw(`SELECT COALESCE(SUM(deleted_at IS NULL), 0) AS total,
 COALESCE(SUM(deleted_at IS NULL AND status = 'active' AND (expires_at IS NULL OR expires_at > UTC_TIMESTAMP(6))), 0) AS active,
 COALESCE(SUM(deleted_at IS NULL AND expires_at <= UTC_TIMESTAMP(6)), 0) AS expired,
 COALESCE(SUM(deleted_at IS NULL AND status = 'disabled'), 0) AS disabled,
 COALESCE(SUM(deleted_at IS NOT NULL), 0) AS deleted, COALESCE(SUM(deleted_at IS NULL AND role = 'admin'), 0) AS admins,
 COALESCE(SUM(deleted_at IS NULL AND locked_until > UTC_TIMESTAMP(6)), 0) AS locked,
 COALESCE(SUM(deleted_at IS NULL AND last_login_at < UTC_TIMESTAMP(6) - INTERVAL 90 DAY), 0) AS dormant,
 COALESCE(SUM(deleted_at IS NULL AND last_login_at IS NULL), 0) AS never,
 	COALESCE(SUM(deleted_at IS NULL AND totp_enabled_at IS NOT NULL), 0) AS mfa
 FROM users`).Scan(ctx, &o.Total, &o.Active, &o.Expired, &o.Disabled, &o.Deleted, &o.Admins, &o.Locked, &o.Dormant, &o.Never, &o.WithMFA)
	if err != nil {
		return o, fmt.Errorf("count users for the overview: %w", err)
	}
	var rows []struct {
		Day    string `bun:"day"`
		OK     int    `bun:"ok"`
		Failed int    `bun:"failed"`
	}
	err = s.db.NewRaw(`SELECT DATE_FORMAT(at, '%Y-%m-%d') AS day, SUM(outcome = 'ok') AS ok, SUM(outcome <> 'ok') AS failed FROM sign_ins
 WHERE at >= UTC_DATE() - INTERVAL ? DAY GROUP BY day ORDER BY day`, overviewDays-1).
		Scan(ctx, &rows)
	if err != nil {
		return o, fmt.Errorf("count sign-ins for the overview: %w", err)
	}
	var today string
	if err := s.db.NewRaw("SELECT DATE_FORMAT(UTC_DATE(), '%Y-%m-%d')").Scan(ctx, &today); err != nil {
		return o, fmt.Errorf("ask the database for the day: %w", err)
	}
	last, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return o, fmt.Errorf("read the database's day: %w", err)
	}
	for i := range overviewDays {
		d := Day{Date: last.AddDate(0, 0, i-overviewDays+1)}
		for _, row := range rows {
			if row.Day == d.Date.Format(time.DateOnly) {
				d.OK, d.Failed = row.OK, row.Failed
			}
		}
		o.Days = append(o.Days, d)
	}
	return o, nil
}
