package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// Stages of a session.
const (
	// StageFull is a session of somebody who has signed in.
	StageFull = "full"
	// StageSecondFactor waits for a code, and is good for nothing else.
	StageSecondFactor = "second_factor"
)

// Lifetimes of sessions: administrators' are shorter.
const (
	adminIdle, adminAbsolute = 30 * time.Minute, 12 * time.Hour
	userIdle, userAbsolute   = 8 * time.Hour, 7 * 24 * time.Hour
	secondFactorWait         = 5 * time.Minute
	// Elevation is for how long a confirmed password opens sensitive acts.
	Elevation = 10 * time.Minute
	// MaxSessions is how many a person may have; the oldest goes.
	MaxSessions = 10
)

// Session is a signed-in browser. The token in its cookie is known to the browser only: ID is its hash.
type Session struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`

	ID            []byte      `bun:"id,pk"`
	Handle        string      `bun:"handle"`
	UserID        int64       `bun:"user_id"`
	Stage         string      `bun:"stage"`
	Method        string      `bun:"method"`
	CreatedAt     time.Time   `bun:"created_at"`
	LastSeenAt    time.Time   `bun:"last_seen_at"`
	IdleSeconds   int64       `bun:"idle_seconds"`
	AbsoluteUntil time.Time   `bun:"absolute_until"`
	ElevatedUntil *time.Time  `bun:"elevated_until"`
	IP            string      `bun:"ip"`
	UserAgent     string      `bun:"user_agent"`
	User          *users.User `bun:"rel:belongs-to,join:user_id=id"`
	Now           time.Time   `bun:"now,scanonly"`
	// Noticed says that there are notices for the person; which of them this browser may see, Notices says.
	Noticed bool `bun:"noticed,scanonly"`
}

// Elevated says whether the password was confirmed lately.
func (s *Session) Elevated() bool { return s.ElevatedUntil != nil && s.ElevatedUntil.After(s.Now) }

// ExpiresAt is when the session ends if nothing is done.
func (s *Session) ExpiresAt() time.Time {
	idle := s.LastSeenAt.Add(time.Duration(s.IdleSeconds) * time.Second)
	if idle.After(s.AbsoluteUntil) {
		return s.AbsoluteUntil
	}
	return idle
}

// Sessions is the table of sessions.
type Sessions struct{ db *bun.DB }

// NewSessions makes a Sessions.
func NewSessions(db *bun.DB) *Sessions { return &Sessions{db: db} }

const sessionAlive = "s.absolute_until > UTC_TIMESTAMP(6) AND s.last_seen_at + INTERVAL s.idle_seconds SECOND > UTC_TIMESTAMP(6)"

// touchEvery is how stale last_seen_at may be: it saves a write on nearly every request.
const touchEvery = time.Minute

// Lookup finds the session of a cookie, with the person as is now: a role or status changed a moment ago, on any host,
// counts at once.
func (s *Sessions) Lookup(ctx context.Context, token string) (*Session, error) {
	if token == "" {
		return nil, ErrExpired
	}
	sess := new(Session)
	err := s.db.NewSelect().Model(sess).ColumnExpr("?TableColumns").ColumnExpr("UTC_TIMESTAMP(6) AS now").
		ColumnExpr("EXISTS (SELECT 1 FROM device_notices AS n WHERE n.user_id = s.user_id AND n.dismissed_at IS NULL) AS noticed").
		Relation("User").
		Where("s.id = ?", hash(token)).Where(sessionAlive).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, fmt.Errorf("look the session up: %w", err)
	}
	if sess.User == nil || !sess.User.CanSignIn(sess.Now) {
		return nil, ErrExpired
	}
	if sess.Now.Sub(sess.LastSeenAt) > touchEvery {
		_, err := s.db.NewUpdate().Model((*Session)(nil)).Set("last_seen_at = UTC_TIMESTAMP(6)").Where("id = ?", sess.ID).Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("note that the session is in use: %w", err)
		}
	}
	return sess, nil
}

// start adds a session and returns its token. The oldest sessions beyond MaxSessions go.
func (s *Sessions) start(ctx context.Context, tx bun.IDB, u *users.User, stage, method string, client Client) (string, error) {
	now, err := store.Now(ctx, tx)
	if err != nil {
		return "", err
	}
	idle, absolute := userIdle, userAbsolute
	if u.IsAdmin() {
		idle, absolute = adminIdle, adminAbsolute
	}
	if stage == StageSecondFactor {
		idle, absolute = secondFactorWait, secondFactorWait
	}
	token := NewToken()
	sess := &Session{
		ID: hash(token), Handle: newHandle(), UserID: u.ID, Stage: stage, Method: method, CreatedAt: now, LastSeenAt: now,
		IdleSeconds: int64(idle.Seconds()), AbsoluteUntil: now.Add(absolute), IP: client.IP, UserAgent: clip(client.UserAgent, 255),
	}
	if stage == StageFull {
		until := now.Add(Elevation)
		sess.ElevatedUntil = &until
	}
	if _, err := tx.NewInsert().Model(sess).Exec(ctx); err != nil {
		return "", fmt.Errorf("start a session: %w", err)
	}
	_, err = tx.NewRaw("DELETE FROM sessions WHERE user_id = ? AND id NOT IN (SELECT id FROM (SELECT id FROM sessions WHERE user_id = ? "+
		"ORDER BY created_at DESC, id LIMIT ?) AS kept)", u.ID, u.ID, MaxSessions).
		Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("end the oldest sessions: %w", err)
	}
	return token, nil
}

// End ends the session of a cookie.
func (s *Sessions) End(ctx context.Context, token string) error {
	if _, err := s.db.NewDelete().Model((*Session)(nil)).Where("id = ?", hash(token)).Exec(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// EndAll implements users.Revoker.
func (s *Sessions) EndAll(ctx context.Context, tx bun.IDB, userIDs ...int64) error {
	if len(userIDs) == 0 {
		return nil
	}
	if _, err := tx.NewDelete().Model((*Session)(nil)).Where("user_id IN (?)", bun.List(userIDs)).Exec(ctx); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// RevokeLinks implements users.Revoker.
func (*Sessions) RevokeLinks(ctx context.Context, tx bun.IDB, userID int64) error {
	return revokeLinks(ctx, tx, userID)
}

// EndOne ends one of a person's sessions by its handle, and says whether there was one.
func (s *Sessions) EndOne(ctx context.Context, userID int64, handle string) (bool, error) {
	res, err := s.db.NewDelete().Model((*Session)(nil)).Where("user_id = ?", userID).Where("handle = ?", handle).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("end a session: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// EndOthers ends all of a person's sessions but one, and returns how many.
func (s *Sessions) EndOthers(ctx context.Context, userID int64, keep []byte) (int64, error) {
	res, err := s.db.NewDelete().Model((*Session)(nil)).Where("user_id = ?", userID).Where("id <> ?", keep).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("end the other sessions: %w", err)
	}
	return res.RowsAffected()
}

// List returns a person's live sessions, the latest used first.
func (s *Sessions) List(ctx context.Context, userID int64) ([]Session, error) {
	var list []Session
	err := s.db.NewSelect().Model(&list).ColumnExpr("?TableColumns").ColumnExpr("UTC_TIMESTAMP(6) AS now").Where("s.user_id = ?", userID).
		Where(sessionAlive).Where("s.stage = ?", StageFull).Order("s.last_seen_at DESC").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// rotate gives a session a new token, as is due whenever its rights grow.
func (s *Sessions) rotate(ctx context.Context, tx bun.IDB, sess *Session) (string, error) {
	token := NewToken()
	_, err := tx.NewUpdate().Model((*Session)(nil)).Set("id = ?", hash(token)).
		Set("elevated_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND", int64(Elevation.Seconds())).Where("id = ?", sess.ID).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("renew the session: %w", err)
	}
	until := sess.Now.Add(Elevation)
	sess.ID, sess.ElevatedUntil = hash(token), &until
	return token, nil
}
