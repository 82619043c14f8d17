package auth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// Scopes of API tokens. A token never allows more than its owner may do.
const (
	ScopeRead  = "users:read"
	ScopeWrite = "users:write"
)

// Scopes lists all scopes.
var Scopes = []string{ScopeRead, ScopeWrite}

// TokenPrefix begins every API token, so that scanners for leaked secrets recognise it.
const TokenPrefix = "ums_"

// MaxTokenDays is the longest life of a token.
const MaxTokenDays = 366

// APIToken lets a program act for a person.
type APIToken struct {
	bun.BaseModel `bun:"table:api_tokens,alias:t"`

	ID         int64       `bun:"id,pk,autoincrement"`
	UserID     int64       `bun:"user_id"`
	Name       string      `bun:"name"`
	Hash       []byte      `bun:"hash"`
	Scopes     string      `bun:"scopes"`
	CreatedAt  time.Time   `bun:"created_at"`
	ExpiresAt  time.Time   `bun:"expires_at"`
	LastUsedAt *time.Time  `bun:"last_used_at"`
	RevokedAt  *time.Time  `bun:"revoked_at"`
	User       *users.User `bun:"rel:belongs-to,join:user_id=id"`
	Now        time.Time   `bun:"now,scanonly"`
}

// Allows says whether the token has the scope.
func (t *APIToken) Allows(scope string) bool { return slices.Contains(strings.Fields(t.Scopes), scope) }

// State is "active", "expired" or "revoked".
func (t *APIToken) State() string {
	switch {
	case t.RevokedAt != nil:
		return "revoked"
	case !t.ExpiresAt.After(t.Now):
		return "expired"
	}
	return "active"
}

// CreateToken makes a token and returns its secret, which is shown once.
func (a *Authenticator) CreateToken(
	ctx context.Context,
	actor audit.Actor,
	u *users.User,
	name string,
	scopes []string,
	days int,
) (string, error) {
	problems := map[string]users.Problem{}
	if name = strings.TrimSpace(name); name == "" {
		problems["name"] = users.ProblemRequired
	} else if len(name) > 100 {
		problems["name"] = users.ProblemTooLong
	}
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(Scopes, s) }) {
		problems["scopes"] = users.ProblemChoice
	}
	if days < 1 || days > MaxTokenDays {
		problems["days"] = users.ProblemChoice
	}
	if len(problems) > 0 {
		return "", &users.ValidationError{Fields: problems}
	}
	secret := TokenPrefix + NewToken()
	err := store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		t := &APIToken{
			UserID:    u.ID,
			Name:      name,
			Hash:      hash(secret),
			Scopes:    strings.Join(scopes, " "),
			CreatedAt: now,
			ExpiresAt: now.AddDate(0, 0, days),
		}
		if _, err := tx.NewInsert().Model(t).Exec(ctx); err != nil {
			return fmt.Errorf("make an API token: %w", err)
		}
		return audit.Append(
			ctx,
			tx,
			actor,
			audit.Event{Action: "token.create", TargetID: u.ID, Target: u.Username, Changes: []audit.Change{
				{Field: "name", After: name}, {Field: "scopes", After: t.Scopes},
			}},
		)
	})
	return secret, err
}

// LookupToken finds the token of a request, with what is known of its owner now, but for the secrets.
func (a *Authenticator) LookupToken(ctx context.Context, secret string) (*APIToken, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return nil, ErrExpired
	}
	t, err := a.readToken(ctx, hash(secret))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, fmt.Errorf("look the API token up: %w", err)
	}
	if !t.User.CanSignIn(t.Now) || t.User.MustChangePassword {
		return nil, ErrExpired
	}
	if t.LastUsedAt == nil || t.Now.Sub(*t.LastUsedAt) > touchEvery {
		if _, err := a.db.NewRaw("UPDATE api_tokens SET last_used_at = UTC_TIMESTAMP(6) WHERE id = ?", t.ID).Exec(ctx); err != nil {
			return nil, fmt.Errorf("note that the API token is in use: %w", err)
		}
	}
	return t, nil
}

// readToken reads the live token that has this hash. It is asked for with every request of a program, so the row goes
// straight into its fields (see users.Service.ListPublic).
func (a *Authenticator) readToken(ctx context.Context, hash []byte) (*APIToken, error) {
	rows, err := a.db.NewSelect().Model((*APIToken)(nil)).
		ColumnExpr("t.id, t.user_id, t.scopes, t.last_used_at, UTC_TIMESTAMP(6), u.deleted_at").
		ColumnExpr(users.PublicColumns("u")).Join("JOIN users AS u ON u.id = t.user_id").
		Where("t.hash = ?", hash).Where("t.revoked_at IS NULL").Where("t.expires_at > UTC_TIMESTAMP(6)").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	if !rows.Next() {
		return nil, cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	t := &APIToken{User: new(users.User)}
	fields := []any{&t.ID, &t.UserID, &t.Scopes, &t.LastUsedAt, &t.Now, &t.User.DeletedAt}
	if err := rows.Scan(append(fields, t.User.PublicFields()...)...); err != nil {
		return nil, err
	}
	return t, nil
}

// Tokens lists a person's tokens, newest first.
func (a *Authenticator) Tokens(ctx context.Context, userID int64) ([]APIToken, error) {
	var list []APIToken
	err := a.db.NewSelect().Model(&list).ColumnExpr("?TableColumns").ColumnExpr("UTC_TIMESTAMP(6) AS now").Where("t.user_id = ?", userID).
		Order("t.id DESC").Limit(100).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return list, nil
}

// RevokeToken ends one of a person's tokens.
func (a *Authenticator) RevokeToken(ctx context.Context, actor audit.Actor, u *users.User, id int64) error {
	return store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewRaw("UPDATE api_tokens SET revoked_at = UTC_TIMESTAMP(6) WHERE id = ? AND user_id = ? AND revoked_at IS NULL", id,
			u.ID).
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("revoke an API token: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(users.ErrNotFound, err)
		}
		return audit.Append(ctx, tx, actor, audit.Event{Action: "token.revoke", TargetID: u.ID, Target: u.Username})
	})
}
