package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"time"

	"github.com/uptrace/bun"
)

// Limiter counts attempts in windows of time, in the database: a limit holds over all hosts together.
type Limiter struct{ db bun.IDB }

// NewLimiter makes a limiter.
func NewLimiter(db bun.IDB) *Limiter { return &Limiter{db: db} }

// Limit is how many attempts a window takes.
type Limit struct {
	Name   string
	Max    int64
	Window time.Duration
}

// The limits of sign-in. Every attempt counts before the password is looked at, so a flood of parallel guesses gets no
// more tries than a slow one.
var (
	LimitAccount = Limit{"account", 10, 15 * time.Minute}
	LimitDevice  = Limit{"device", 10, 15 * time.Minute}
	LimitAddress = Limit{"address", 60, 15 * time.Minute}
	LimitCode    = Limit{"code", 8, 15 * time.Minute}
	LimitSetup   = Limit{"setup", 20, 15 * time.Minute}
	LimitLink    = Limit{"link", 60, 15 * time.Minute}
	LimitConfirm = Limit{"confirm", 10, 15 * time.Minute}
	LimitReset   = Limit{"reset", 5, 15 * time.Minute}
	LimitNotice  = Limit{"notice", 5, 15 * time.Minute}
	LimitReport  = Limit{"report", 30, time.Minute}
)

func (l Limit) key(subject string) []byte {
	sum := sha256.Sum256([]byte(l.Name + "\x00" + subject))
	return sum[:]
}

// hitQuery counts and reads in one statement: LAST_INSERT_ID(expression) makes the new count what the driver returns.
const hitQuery = `INSERT INTO rate_limits (k, window_no, hits, expires_at)
VALUES (?0, FLOOR(UNIX_TIMESTAMP(UTC_TIMESTAMP(6)) / ?1), LAST_INSERT_ID(1), UTC_TIMESTAMP(6) + INTERVAL ?2 SECOND)
ON DUPLICATE KEY UPDATE
  hits = LAST_INSERT_ID(IF(window_no = VALUES(window_no), hits + 1, 1)),
  window_no = VALUES(window_no), expires_at = VALUES(expires_at)`

// Hit counts an attempt and returns its number in the window, and a *ThrottledError beyond the limit.
func (l *Limiter) Hit(ctx context.Context, limit Limit, subject string) (int64, error) {
	seconds := int64(limit.Window.Seconds())
	res, err := l.db.NewRaw(hitQuery, limit.key(subject), seconds, 2*seconds).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("count an attempt: %w", err)
	}
	n, err := res.LastInsertId()
	if err != nil {
		return 0, fmt.Errorf("count an attempt: %w", err)
	}
	if n > limit.Max {
		return n, &ThrottledError{RetryAfter: limit.Window}
	}
	return n, nil
}

// Refund takes back an attempt that turned out to be a good one, so that the many people behind one address do not use
// up each other's attempts.
func (l *Limiter) Refund(ctx context.Context, limit Limit, subject string) error {
	if _, err := l.db.NewRaw("UPDATE rate_limits SET hits = hits - 1 WHERE k = ? AND hits > 0", limit.key(subject)).Exec(ctx); err != nil {
		return fmt.Errorf("take an attempt back: %w", err)
	}
	return nil
}

// Clear forgets the attempts of a subject.
func (l *Limiter) Clear(ctx context.Context, limit Limit, subject string) error {
	if _, err := l.db.NewRaw("DELETE FROM rate_limits WHERE k = ?", limit.key(subject)).Exec(ctx); err != nil {
		return fmt.Errorf("forget attempts: %w", err)
	}
	return nil
}

// network is what counts as one client: an address, or the /64 that a household or server gets on IPv6.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if addr = addr.Unmap(); addr.Is6() {
		if prefix, err := addr.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
