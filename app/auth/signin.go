package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// Outcomes of sign-ins, as the dashboard counts them.
const (
	OutcomeOK        = "ok"
	OutcomeWrong     = "wrong"
	OutcomeThrottled = "throttled"
	OutcomeDisabled  = "disabled"
	OutcomeExpired   = "expired"
	OutcomeCode      = "wrong_code"
)

// SignIn is a line of the record of sign-ins.
type SignIn struct {
	bun.BaseModel `bun:"table:sign_ins,alias:si"`

	ID        int64     `bun:"id,pk,autoincrement"`
	At        time.Time `bun:"at"`
	UserID    *int64    `bun:"user_id"`
	Outcome   string    `bun:"outcome"`
	Method    string    `bun:"method"`
	IP        string    `bun:"ip"`
	UserAgent string    `bun:"user_agent"`
	RequestID string    `bun:"request_id"`
	// NewDevice says that the account did not know the browser.
	NewDevice bool `bun:"new_device,scanonly"`
}

// Authenticator signs people in.
type Authenticator struct {
	db       *bun.DB
	users    *users.Service
	sessions *Sessions
	limiter  *Limiter
	keys     *Keys
}

// NewAuthenticator makes an Authenticator.
func NewAuthenticator(db *bun.DB, people *users.Service, sessions *Sessions, keys *Keys) *Authenticator {
	return &Authenticator{db: db, users: people, sessions: sessions, limiter: NewLimiter(db), keys: keys}
}

// Limiter is the limiter that sign-ins use.
func (a *Authenticator) Limiter() *Limiter { return a.limiter }

// Result is what a sign-in gives.
type Result struct {
	User *users.User
	// Token is for the session cookie, Device for the cookie of a known browser (empty if it has one).
	Token, Device string
	// NewDevice says that the owner has to be told of a browser that the account did not know; At is when that was.
	NewDevice bool
	At        time.Time
	// NeedsCode says that the session waits for the second factor.
	NeedsCode bool
}

// SignIn checks a name or address and a password. Wrong names and wrong passwords take the same time and get the same
// answer; attempts are counted before anything is hashed. If the counters cannot be reached, nobody signs in.
func (a *Authenticator) SignIn(ctx context.Context, login, password string, client Client) (*Result, error) {
	u, err := a.users.ByLogin(ctx, login)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return nil, err
	}
	limit, subject, err := a.bucket(ctx, u, login, client)
	if err != nil {
		return nil, err
	}
	if _, err := a.limiter.Hit(ctx, LimitAddress, network(client.IP)); err != nil {
		return nil, a.failed(ctx, u, OutcomeThrottled, client, err)
	}
	n, err := a.limiter.Hit(ctx, limit, subject)
	if err != nil {
		return nil, a.failed(ctx, u, OutcomeThrottled, client, err)
	}
	stored := ""
	if u != nil {
		stored = u.PasswordHash
	}
	ok, upgrade, err := a.users.Hasher().Verify(ctx, stored, password)
	if err != nil {
		return nil, err
	}
	if u == nil || !ok {
		if u != nil && n >= limit.Max {
			a.showLocked(ctx, u.ID)
		}
		return nil, a.failed(ctx, u, OutcomeWrong, client, ErrWrong)
	}
	outcome, err := a.closed(ctx, u)
	if err != nil {
		return nil, err
	}
	if outcome != "" {
		return nil, a.failed(ctx, u, outcome, client, ErrWrong)
	}
	if upgrade {
		a.upgrade(ctx, u, password)
	}
	return a.accept(ctx, u, limit, subject, client)
}

// bucket chooses what an attempt counts against. A browser that this person has signed in with before has a bucket of
// its own, so that strangers who guess cannot lock the owner out.
func (a *Authenticator) bucket(ctx context.Context, u *users.User, login string, client Client) (Limit, string, error) {
	if u == nil {
		return LimitAccount, string(users.UsernameKey(login)), nil
	}
	known, err := knows(ctx, a.db, u.ID, client.Device)
	if err != nil {
		return Limit{}, "", err
	}
	if known {
		return LimitDevice, client.Device + accountSubject(u.ID), nil
	}
	return LimitAccount, accountSubject(u.ID), nil
}

// closed is why somebody with the right password may not sign in, or "".
func (a *Authenticator) closed(ctx context.Context, u *users.User) (outcome string, err error) {
	now, err := store.Now(ctx, a.db)
	switch {
	case err != nil:
		return "", err
	case u.CanSignIn(now):
		return "", nil
	case u.Expired(now):
		return OutcomeExpired, nil
	}
	return OutcomeDisabled, nil
}

func accountSubject(id int64) string { return "#" + strconv.FormatInt(id, 10) }

func (a *Authenticator) accept(ctx context.Context, u *users.User, limit Limit, subject string, client Client) (*Result, error) {
	res := &Result{User: u, NeedsCode: u.HasMFA()}
	stage, method := StageFull, "password"
	if res.NeedsCode {
		stage = StageSecondFactor
	}
	err := store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if res.Token, err = a.sessions.start(ctx, tx, u, stage, method, client); err != nil || res.NeedsCode {
			return err
		}
		return a.finish(ctx, tx, res, method, client)
	})
	if err != nil {
		return nil, err
	}
	if err := a.limiter.Refund(ctx, LimitAddress, network(client.IP)); err != nil {
		return nil, err
	}
	if err := a.limiter.Clear(ctx, limit, subject); err != nil {
		return nil, err
	}
	return res, nil
}

// finish notes a sign-in that is complete.
func (a *Authenticator) finish(ctx context.Context, tx bun.Tx, res *Result, method string, client Client) error {
	u := res.User
	_, err := tx.NewRaw("UPDATE users SET last_login_at = UTC_TIMESTAMP(6), locked_until = NULL WHERE id = ?", u.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note the sign-in: %w", err)
	}
	signIn, err := a.record(ctx, tx, u, OutcomeOK, method, client)
	if err != nil {
		return err
	}
	return a.meetDevice(ctx, tx, res, signIn, client)
}

// record adds a line to the record of sign-ins and returns its id.
func (a *Authenticator) record(
	ctx context.Context,
	db bun.IDB,
	u *users.User,
	outcome, method string,
	client Client,
) (int64, error) {
	var id *int64
	if u != nil {
		id = &u.ID
	}
	res, err := db.NewRaw("INSERT INTO sign_ins (at, user_id, outcome, method, ip, user_agent, request_id) VALUES "+
		"(UTC_TIMESTAMP(6), ?, ?, ?, ?, ?, ?)",
		id, outcome, method, client.IP, clip(client.UserAgent, 255), client.RequestID).
		Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("record a sign-in: %w", err)
	}
	return res.LastInsertId()
}

// failed records a failure and returns its cause.
func (a *Authenticator) failed(ctx context.Context, u *users.User, outcome string, client Client, cause error) error {
	var throttled *ThrottledError
	if !errors.Is(cause, ErrWrong) && !errors.As(cause, &throttled) {
		return cause
	}
	if _, err := a.record(ctx, a.db, u, outcome, "password", client); err != nil {
		return errors.Join(err, cause)
	}
	return cause
}

// showLocked lets administrators see that the limit is reached; the limiter is what enforces it.
func (a *Authenticator) showLocked(ctx context.Context, id int64) {
	_, _ = a.db.NewRaw("UPDATE users SET locked_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND WHERE id = ?",
		int64(LimitAccount.Window.Seconds()), id).Exec(ctx)
}

// upgrade replaces a hash of the old system. A failure only means that the next sign-in tries again.
func (a *Authenticator) upgrade(ctx context.Context, u *users.User, password string) {
	fresh, err := a.users.Hasher().Hash(ctx, password)
	if err != nil {
		return
	}
	_, _ = a.db.NewRaw("UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?", fresh, u.ID, u.PasswordHash).
		Exec(ctx)
	u.PasswordHash = fresh
}

// Unlock lets a person try again at once.
func (a *Authenticator) Unlock(ctx context.Context, client Client, by *users.User, id int64) error {
	if err := a.limiter.Clear(ctx, LimitAccount, accountSubject(id)); err != nil {
		return err
	}
	_, err := a.users.Change(ctx, client.actor(by.ID, by.Username), id, "user.unlock", func(u *users.User, _ time.Time) error {
		u.LockedUntil = nil
		return nil
	})
	return err
}

// Confirm checks the password of somebody who is signed in, before a sensitive act. It gives a new token.
func (a *Authenticator) Confirm(ctx context.Context, sess *Session, password string) (string, error) {
	if _, err := a.limiter.Hit(ctx, LimitConfirm, accountSubject(sess.UserID)); err != nil {
		return "", err
	}
	ok, _, err := a.users.Hasher().Verify(ctx, sess.User.PasswordHash, password)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrWrong
	}
	return a.sessions.rotate(ctx, a.db, sess)
}

// ChangePassword replaces the person's own password, ends every session and starts a new one for this browser.
func (a *Authenticator) ChangePassword(ctx context.Context, sess *Session, current, next string, client Client) (string, error) {
	if _, err := a.limiter.Hit(ctx, LimitConfirm, accountSubject(sess.UserID)); err != nil {
		return "", err
	}
	ok, _, err := a.users.Hasher().Verify(ctx, sess.User.PasswordHash, current)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", &users.ValidationError{Fields: map[string]users.Problem{"current": users.ProblemWrong}}
	}
	if current == next {
		return "", &users.ValidationError{Fields: map[string]users.Problem{users.FieldPassword: "password.same"}}
	}
	u, err := a.users.SetPassword(ctx, client.actor(sess.UserID, sess.User.Username), sess.UserID, next)
	if err != nil {
		return "", err
	}
	return a.sessions.start(ctx, a.db, u, StageFull, sess.Method, client)
}

// SignIns lists a person's latest sign-ins.
func (a *Authenticator) SignIns(ctx context.Context, userID int64, limit int) ([]SignIn, error) {
	var list []SignIn
	err := a.db.NewSelect().Model(&list).ColumnExpr("?TableColumns").
		ColumnExpr("EXISTS (SELECT 1 FROM device_notices AS n WHERE n.sign_in_id = si.id) AS new_device").
		Where("user_id = ?", userID).Order("at DESC", "id DESC").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sign-ins: %w", err)
	}
	return list, nil
}
