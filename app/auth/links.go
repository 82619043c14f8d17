package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// Kinds of links. Both let their owner choose a password, once.
const (
	LinkInvite = "invite"
	LinkReset  = "reset"
)

var linkLifetime = map[string]time.Duration{LinkInvite: 72 * time.Hour, LinkReset: time.Hour}

// Link is a one-time link. Only the hash of its secret is kept.
type Link struct {
	bun.BaseModel `bun:"table:links,alias:l"`

	ID        int64       `bun:"id,pk,autoincrement"`
	Kind      string      `bun:"kind"`
	Hash      []byte      `bun:"hash"`
	UserID    int64       `bun:"user_id"`
	CreatedBy string      `bun:"created_by"`
	CreatedAt time.Time   `bun:"created_at"`
	ExpiresAt time.Time   `bun:"expires_at"`
	OpenedAt  *time.Time  `bun:"opened_at"`
	UsedAt    *time.Time  `bun:"used_at"`
	RevokedAt *time.Time  `bun:"revoked_at"`
	User      *users.User `bun:"rel:belongs-to,join:user_id=id"`
	Now       time.Time   `bun:"now,scanonly"`
}

// State is what became of the link.
func (l *Link) State() string {
	switch {
	case l.UsedAt != nil:
		return "used"
	case l.RevokedAt != nil:
		return "revoked"
	case !l.ExpiresAt.After(l.Now):
		return "expired"
	case l.OpenedAt != nil:
		return "opened"
	}
	return "issued"
}

// Open says whether the link can still be used.
func (l *Link) Open() bool {
	state := l.State()
	return state == "issued" || state == "opened"
}

// IssueLink makes a link for a person and takes back the ones before it. It returns the secret that goes into the URL.
func (a *Authenticator) IssueLink(ctx context.Context, actor audit.Actor, userID int64, kind string) (string, error) {
	lifetime, ok := linkLifetime[kind]
	if !ok {
		return "", fmt.Errorf("%w: unknown kind of link %q", ErrNotPossible, kind)
	}
	token := NewToken()
	err := store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		u := new(users.User)
		if err := tx.NewSelect().Model(u).Where("id = ?", userID).Where("deleted_at IS NULL").For("UPDATE").Scan(ctx); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return users.ErrNotFound
			}
			return fmt.Errorf("read user %d: %w", userID, err)
		}
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		link := Link{Kind: kind, Hash: hash(token), UserID: userID, CreatedBy: actor.Name, CreatedAt: now, ExpiresAt: now.Add(lifetime)}
		if err := replaceLinks(ctx, tx, link); err != nil {
			return err
		}
		return audit.Append(ctx, tx, actor, audit.Event{Action: "link." + kind, TargetID: userID, Target: u.Username})
	})
	return token, err
}

// replaceLinks writes new links, one a person, and takes back the ones before them.
func replaceLinks(ctx context.Context, tx bun.Tx, links ...Link) error {
	var people []int64
	for i := range links {
		people = append(people, links[i].UserID)
	}
	if err := revokeLinks(ctx, tx, people...); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(&links).Exec(ctx); err != nil {
		return fmt.Errorf("make links: %w", err)
	}
	return nil
}

func revokeLinks(ctx context.Context, tx bun.IDB, people ...int64) error {
	_, err := tx.NewRaw("UPDATE links SET revoked_at = UTC_TIMESTAMP(6) WHERE user_id IN (?) AND used_at IS NULL AND revoked_at IS NULL",
		bun.List(people)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("take back older links: %w", err)
	}
	return nil
}

// RevokeLinks takes back a person's open links.
func (a *Authenticator) RevokeLinks(ctx context.Context, actor audit.Actor, u *users.User) error {
	return store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		if err := revokeLinks(ctx, tx, u.ID); err != nil {
			return err
		}
		return audit.Append(ctx, tx, actor, audit.Event{Action: "link.revoke", TargetID: u.ID, Target: u.Username})
	})
}

// OpenLink finds a link that can be used, and notes that it was looked at.
func (a *Authenticator) OpenLink(ctx context.Context, token string, client Client) (*Link, error) {
	if _, err := a.limiter.Hit(ctx, LimitLink, network(client.IP)); err != nil {
		return nil, err
	}
	link := new(Link)
	err := a.db.NewSelect().Model(link).ColumnExpr("?TableColumns").ColumnExpr("UTC_TIMESTAMP(6) AS now").Relation("User").
		Where("l.hash = ?", hash(token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, fmt.Errorf("look the link up: %w", err)
	}
	if !link.Open() || link.User == nil || !link.User.CanSignIn(link.Now) {
		return nil, ErrExpired
	}
	if link.OpenedAt == nil {
		if _, err := a.db.NewRaw("UPDATE links SET opened_at = UTC_TIMESTAMP(6) WHERE id = ?", link.ID).Exec(ctx); err != nil {
			return nil, fmt.Errorf("note that the link was opened: %w", err)
		}
	}
	return link, nil
}

// UseLink sets the password that the link's owner chose. Of two requests with the same link one succeeds. The password
// is judged first, so that a bad one does not spend the link. A second factor stays on.
func (a *Authenticator) UseLink(ctx context.Context, token, password string, client Client) (*users.User, error) {
	link, err := a.OpenLink(ctx, token, client)
	if err != nil {
		return nil, err
	}
	if p := a.users.Judge(ctx, password, link.User); p != "" {
		return nil, &users.ValidationError{Fields: map[string]users.Problem{users.FieldPassword: p}}
	}
	res, err := a.db.NewRaw("UPDATE links SET used_at = UTC_TIMESTAMP(6) WHERE id = ? AND used_at IS NULL AND revoked_at IS NULL AND "+
		"expires_at > UTC_TIMESTAMP(6)",
		link.ID).
		Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("use the link: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return nil, errors.Join(ErrExpired, err)
	}
	u, err := a.users.SetPassword(ctx, client.actor(link.UserID, link.User.Username), link.UserID, password)
	if err != nil {
		return nil, err
	}
	return u, a.limiter.Clear(ctx, LimitAccount, accountSubject(u.ID))
}

// Links lists a person's links, newest first.
func (a *Authenticator) Links(ctx context.Context, userID int64) ([]Link, error) {
	var list []Link
	err := a.db.NewSelect().Model(&list).ColumnExpr("?TableColumns").ColumnExpr("UTC_TIMESTAMP(6) AS now").Where("l.user_id = ?", userID).
		Order("l.id DESC").Limit(20).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return list, nil
}
