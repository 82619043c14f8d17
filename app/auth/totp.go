package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

const (
	totpPeriod    = 30
	recoveryCodes = 10
)

// codeStep returns the time step that a code fits, one step of clock skew either way, or 0.
func codeStep(secret, code string, now time.Time) int64 {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	current := now.Unix() / totpPeriod
	for _, step := range []int64{current, current - 1, current + 1} {
		options := hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
		ok, err := hotp.ValidateCustom(code, uint64(step), secret, options) //nolint:gosec // no time before 1970 gets here
		if err == nil && ok {
			return step
		}
	}
	return 0
}

// BeginTOTP makes a secret that waits to be confirmed, and returns it in base32.
func (a *Authenticator) BeginTOTP(ctx context.Context, sess *Session) (string, error) {
	if sess.User.HasMFA() {
		return "", ErrNotPossible
	}
	if len(sess.User.TOTPSecret) > 0 {
		return a.keys.open(ctx, sess.UserID, sess.User.TOTPSecret) // the same as before, if the page is loaded again
	}
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	_, err := a.db.NewRaw("UPDATE users SET totp_secret = ? WHERE id = ? AND totp_enabled_at IS NULL", a.keys.seal(sess.UserID, secret),
		sess.UserID).
		Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("keep the second factor's secret: %w", err)
	}
	return secret, nil
}

// EnableTOTP turns the second factor on once a code proves that the person's device has it. It returns recovery codes
// and, as all sessions end, the token of a new one.
func (a *Authenticator) EnableTOTP(
	ctx context.Context,
	sess *Session,
	code string,
	client Client,
) (codes []string, token string, err error) {
	if _, err := a.limiter.Hit(ctx, LimitCode, accountSubject(sess.UserID)); err != nil {
		return nil, "", err
	}
	u, err := a.users.Change(
		ctx,
		client.actor(sess.UserID, sess.User.Username),
		sess.UserID,
		"user.second_factor.enable",
		func(u *users.User, now time.Time) error {
			if u.HasMFA() || len(u.TOTPSecret) == 0 {
				return ErrNotPossible
			}
			secret, err := a.keys.open(ctx, u.ID, u.TOTPSecret)
			if err != nil {
				return err
			}
			step := codeStep(secret, code, now)
			if step == 0 {
				return ErrWrong
			}
			u.TOTPEnabledAt, u.TOTPLastStep = &now, step
			return nil
		},
	)
	if err != nil {
		return nil, "", err
	}
	if codes, err = a.NewRecoveryCodes(ctx, u, client); err != nil {
		return nil, "", err
	}
	token, err = a.sessions.start(ctx, a.db, u, StageFull, "password+totp", client)
	return codes, token, err
}

// DisableTOTP takes a second factor away: the person's own, or a lost one by an administrator.
func (a *Authenticator) DisableTOTP(ctx context.Context, by *users.User, id int64, client Client) (*users.User, error) {
	u, err := a.users.Change(
		ctx,
		client.actor(by.ID, by.Username),
		id,
		"user.second_factor.remove",
		func(u *users.User, _ time.Time) error {
			u.TOTPSecret, u.TOTPEnabledAt, u.TOTPLastStep = nil, nil, 0
			return nil
		},
	)
	if err != nil {
		return nil, err
	}
	if _, err := a.db.NewRaw("DELETE FROM recovery_codes WHERE user_id = ?", id).Exec(ctx); err != nil {
		return nil, fmt.Errorf("remove recovery codes: %w", err)
	}
	return u, nil
}

// Restart signs this browser in again after a change that ended all sessions.
func (a *Authenticator) Restart(ctx context.Context, u *users.User, method string, client Client) (string, error) {
	return a.sessions.start(ctx, a.db, u, StageFull, method, client)
}

// NewRecoveryCodes replaces a person's codes. They are shown once and kept as hashes.
func (a *Authenticator) NewRecoveryCodes(ctx context.Context, u *users.User, client Client) ([]string, error) {
	codes := make([]string, recoveryCodes)
	err := store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM recovery_codes WHERE user_id = ?", u.ID).Exec(ctx); err != nil {
			return err
		}
		for i := range codes {
			raw := make([]byte, 15) // 120 bits
			_, _ = rand.Read(raw)
			text := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
			codes[i] = text[:6] + "-" + text[6:12] + "-" + text[12:18] + "-" + text[18:]
			if _, err := tx.NewRaw("INSERT INTO recovery_codes (user_id, hash) VALUES (?, ?)", u.ID,
				hash(canonicalCode(codes[i]))).Exec(ctx); err != nil {
				return err
			}
		}
		return audit.Append(ctx, tx, client.actor(u.ID, u.Username),
			audit.Event{Action: "user.recovery_codes", TargetID: u.ID, Target: u.Username})
	})
	if err != nil {
		return nil, fmt.Errorf("make recovery codes: %w", err)
	}
	return codes, nil
}

func canonicalCode(code string) string {
	return strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(strings.TrimSpace(code)))
}

// SecondFactor completes a sign-in with a code of the device or a recovery code. A code counts once, on all hosts.
func (a *Authenticator) SecondFactor(ctx context.Context, sess *Session, code string, client Client) (*Result, error) {
	if sess.Stage != StageSecondFactor {
		return nil, ErrNotPossible
	}
	if _, err := a.limiter.Hit(ctx, LimitCode, accountSubject(sess.UserID)); err != nil {
		return nil, a.failed(ctx, sess.User, OutcomeThrottled, client, err)
	}
	method, err := a.useCode(ctx, sess, code)
	if err != nil {
		return nil, a.failed(ctx, sess.User, OutcomeCode, client, err)
	}
	res := &Result{User: sess.User}
	err = store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM sessions WHERE id = ?", sess.ID).Exec(ctx); err != nil {
			return fmt.Errorf("end the waiting session: %w", err)
		}
		var err error
		if res.Token, err = a.sessions.start(ctx, tx, sess.User, StageFull, method, client); err != nil {
			return err
		}
		return a.finish(ctx, tx, res, method, client)
	})
	if err != nil {
		return nil, err
	}
	return res, a.limiter.Clear(ctx, LimitCode, accountSubject(sess.UserID))
}

// useCode spends a code by one conditional statement, so that of two requests with the same code one succeeds.
func (a *Authenticator) useCode(ctx context.Context, sess *Session, code string) (method string, err error) {
	secret, err := a.keys.open(ctx, sess.UserID, sess.User.TOTPSecret)
	if err != nil {
		return "", err
	}
	query, arg := "UPDATE recovery_codes SET used_at = UTC_TIMESTAMP(6) WHERE user_id = ? AND hash = ? AND used_at IS NULL", any(
		hash(canonicalCode(code)),
	)
	method = "password+recovery"
	if step := codeStep(secret, code, sess.Now); step != 0 {
		query, arg, method = "UPDATE users SET totp_last_step = ?1 WHERE id = ?0 AND totp_last_step < ?1", step, "password+totp"
	}
	res, err := a.db.NewRaw(query, sess.UserID, arg).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("use a code: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return "", errors.Join(ErrWrong, err)
	}
	return method, nil
}

// RecoveryCodesLeft counts the codes that are not used.
func (a *Authenticator) RecoveryCodesLeft(ctx context.Context, userID int64) (int, error) {
	n, err := a.db.NewSelect().Table("recovery_codes").Where("user_id = ?", userID).Where("used_at IS NULL").Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return int(n), nil
}
