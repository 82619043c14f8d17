// Package privacy gives people what the app knows of them, as one document for people and programs. It names every column
// that it reads, so that no hash and no secret can get in by being added to a table.
package privacy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// Document is what the app knows of a person. Times are in UTC.
type Document struct {
	GeneratedAt time.Time  `json:"generated_at"`
	Profile     Profile    `json:"profile"`
	Sessions    []Session  `json:"sessions"`
	Tokens      []Token    `json:"api_tokens"`
	Links       []Link     `json:"one_time_links"`
	Devices     []Device   `json:"known_devices"`
	SignIns     []SignIn   `json:"sign_ins"`
	Views       []View     `json:"saved_views"`
	Activity    []Activity `json:"activity"`
	// Shortened names the lists that were too long to be given whole; they hold the newest entries.
	Shortened []string `json:"shortened"`
}

// Profile is the account itself.
type Profile struct {
	ID                 int64      `json:"id"`
	Username           string     `json:"username"`
	Email              string     `json:"email"`
	DisplayName        string     `json:"display_name"`
	Role               string     `json:"role"`
	Status             string     `json:"status"`
	CreatedAt          time.Time  `json:"created_at"`
	CreatedBy          string     `json:"created_by"`
	UpdatedAt          time.Time  `json:"updated_at"`
	DeletedAt          *time.Time `json:"deleted_at"`
	ExpiresAt          *time.Time `json:"expires_at"`
	LastLoginAt        *time.Time `json:"last_login_at"`
	LockedUntil        *time.Time `json:"locked_until"`
	PasswordChangedAt  *time.Time `json:"password_changed_at"`
	MustChangePassword bool       `json:"must_change_password"`
	SecondFactorSince  *time.Time `json:"second_factor_since"`
}

// Session is a signed-in browser.
type Session struct {
	CreatedAt  time.Time `bun:"created_at" json:"created_at"`
	LastSeenAt time.Time `bun:"last_seen_at" json:"last_seen_at"`
	Until      time.Time `bun:"absolute_until" json:"ends_at_latest"`
	Method     string    `bun:"method" json:"method"`
	IP         string    `bun:"ip" json:"address"`
	UserAgent  string    `bun:"user_agent" json:"browser"`
}

// Token is an API token, without what it opens anything with.
type Token struct {
	Name       string     `bun:"name" json:"name"`
	Scopes     string     `bun:"scopes" json:"scopes"`
	CreatedAt  time.Time  `bun:"created_at" json:"created_at"`
	ExpiresAt  time.Time  `bun:"expires_at" json:"expires_at"`
	LastUsedAt *time.Time `bun:"last_used_at" json:"last_used_at"`
	RevokedAt  *time.Time `bun:"revoked_at" json:"revoked_at"`
}

// Link is a one-time link, without what it opens anything with.
type Link struct {
	Kind      string     `bun:"kind" json:"kind"`
	CreatedBy string     `bun:"created_by" json:"created_by"`
	CreatedAt time.Time  `bun:"created_at" json:"created_at"`
	ExpiresAt time.Time  `bun:"expires_at" json:"expires_at"`
	OpenedAt  *time.Time `bun:"opened_at" json:"opened_at"`
	UsedAt    *time.Time `bun:"used_at" json:"used_at"`
	RevokedAt *time.Time `bun:"revoked_at" json:"revoked_at"`
}

// Device is a browser that the account knows.
type Device struct {
	CreatedAt time.Time `bun:"created_at" json:"known_since"`
}

// SignIn is a sign-in or an attempt at one.
type SignIn struct {
	At        time.Time `bun:"at" json:"at"`
	Outcome   string    `bun:"outcome" json:"outcome"`
	Method    string    `bun:"method" json:"method"`
	IP        string    `bun:"ip" json:"address"`
	UserAgent string    `bun:"user_agent" json:"browser"`
}

// View is a view of the user list that the person saved.
type View struct {
	Name      string    `bun:"name" json:"name"`
	Query     string    `bun:"query" json:"query"`
	Shared    bool      `bun:"shared" json:"shared"`
	UpdatedAt time.Time `bun:"updated_at" json:"updated_at"`
}

// Activity is an entry of the audit log of or by the person. What the person did to others tells of them by their number
// alone: their names and values are theirs. So is the address of whoever else acted.
type Activity struct {
	At      time.Time      `json:"at"`
	Action  string         `json:"action"`
	By      string         `json:"by,omitempty"`
	IP      string         `json:"address,omitempty"`
	OnUser  int64          `json:"on_user_id,omitempty"`
	Changes []audit.Change `json:"changes,omitempty"`
}

// limit is how many rows of one kind a document gives.
const limit = 20_000

// Collect reads what is known of a person.
func Collect(ctx context.Context, db *bun.DB, u *users.User) (*Document, error) {
	now, err := store.Now(ctx, db)
	if err != nil {
		return nil, err
	}
	d := &Document{GeneratedAt: now, Profile: profile(u), Shortened: []string{}}
	if d.Sessions, err = rows[Session](ctx, db, d, "sessions", "created_at", u.ID); err != nil {
		return nil, err
	}
	if d.Tokens, err = rows[Token](ctx, db, d, "api_tokens", "id", u.ID); err != nil {
		return nil, err
	}
	if d.Links, err = rows[Link](ctx, db, d, "links", "id", u.ID); err != nil {
		return nil, err
	}
	if d.Devices, err = rows[Device](ctx, db, d, "known_devices", "created_at", u.ID); err != nil {
		return nil, err
	}
	if d.SignIns, err = rows[SignIn](ctx, db, d, "sign_ins", "id", u.ID); err != nil {
		return nil, err
	}
	if d.Views, err = rows[View](ctx, db, d, "saved_views", "id", u.ID); err != nil {
		return nil, err
	}
	if err := d.addActivity(ctx, db, u.ID); err != nil {
		return nil, err
	}
	return d, nil
}

func profile(u *users.User) Profile {
	return Profile{
		ID: u.ID, Username: u.Username, Email: u.Email, DisplayName: u.DisplayName, Role: string(u.Role), Status: string(u.Status),
		CreatedAt: u.CreatedAt, CreatedBy: u.CreatedBy, UpdatedAt: u.UpdatedAt, DeletedAt: u.DeletedAt, ExpiresAt: u.ExpiresAt,
		LastLoginAt: u.LastLoginAt, LockedUntil: u.LockedUntil, PasswordChangedAt: u.PasswordChangedAt,
		MustChangePassword: u.MustChangePassword, SecondFactorSince: u.TOTPEnabledAt,
	}
}

// columns are those that each part of a document reads.
var columns = map[string]string{ //nolint:gosec // names of columns
	"sessions":      "created_at last_seen_at absolute_until method ip user_agent",
	"api_tokens":    "name scopes created_at expires_at last_used_at revoked_at",
	"links":         "kind created_by created_at expires_at opened_at used_at revoked_at",
	"known_devices": "created_at",
	"sign_ins":      "at outcome method ip user_agent",
	"saved_views":   "name query shared updated_at",
}

// rows reads the rows of a table that belong to a person, the newest first.
func rows[T any](ctx context.Context, db *bun.DB, d *Document, table, order string, userID int64) ([]T, error) {
	list := []T{}
	err := db.NewSelect().Table(table).Column(strings.Fields(columns[table])...).Where("user_id = ?", userID).
		OrderExpr("? DESC", bun.Ident(order)).Limit(limit+1).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("read %s of user %d: %w", table, userID, err)
	}
	if len(list) > limit {
		list, d.Shortened = list[:limit], append(d.Shortened, table)
	}
	return list, nil
}

func (d *Document) addActivity(ctx context.Context, db *bun.DB, userID int64) error {
	d.Activity = []Activity{}
	q := audit.Query{PersonID: userID, Limit: 200}
	for {
		entries, more, err := audit.List(ctx, db, q)
		if err != nil {
			return err
		}
		for i := range entries {
			d.Activity = append(d.Activity, activity(&entries[i], userID))
		}
		if !more {
			return nil
		}
		if len(d.Activity) >= limit {
			d.Shortened = append(d.Shortened, "activity")
			return nil
		}
		q.Before = entries[len(entries)-1].ID
	}
}

func activity(e *audit.Entry, userID int64) Activity {
	a := Activity{At: e.At, Action: e.Action, By: e.Actor}
	if e.ActorID == userID {
		a.IP = e.IP
	}
	if e.TargetID == userID {
		a.Changes = e.ChangeList()
	} else {
		a.OnUser = e.TargetID
	}
	return a
}
