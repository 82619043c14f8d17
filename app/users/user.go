// Package users is people: what is known of them, who may change it, and every way to find, change and remove them. Each
// change is one transaction that checks the version it started from, keeps at least one administrator, ends sessions
// where rights shrink, and writes the audit log.
package users

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
)

// Role is what a person may do.
type Role string

// The roles.
const (
	RoleAdmin Role = "admin"
	RoleUser  Role = "user"
)

// Roles lists the roles in the order that forms show them.
var Roles = []Role{RoleUser, RoleAdmin}

// Status says whether a person may sign in.
type Status string

// The statuses. A deleted person keeps the status had before, for Restore.
const (
	StatusActive   Status = "active"
	StatusDisabled Status = "disabled"
)

// Statuses lists the statuses in the order that forms show them.
var Statuses = []Status{StatusActive, StatusDisabled}

// User is a row of the table users.
type User struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID                 int64      `bun:"id,pk,autoincrement"`
	Username           string     `bun:"username"`
	UsernameKey        []byte     `bun:"username_key"`
	Email              string     `bun:"email"`
	EmailKey           []byte     `bun:"email_key"`
	DisplayName        string     `bun:"display_name"`
	PasswordHash       string     `bun:"password_hash"`
	PasswordChangedAt  *time.Time `bun:"password_changed_at"`
	MustChangePassword bool       `bun:"must_change_password"`
	Role               Role       `bun:"role"`
	Status             Status     `bun:"status"`
	TOTPSecret         []byte     `bun:"totp_secret"`
	TOTPEnabledAt      *time.Time `bun:"totp_enabled_at"`
	TOTPLastStep       int64      `bun:"totp_last_step"`
	LastLoginAt        *time.Time `bun:"last_login_at"`
	LockedUntil        *time.Time `bun:"locked_until"`
	// ExpiresAt is when temporary access ends; nil is never.
	ExpiresAt *time.Time `bun:"expires_at"`
	// EnabledAt is when access was last given back; nil is never.
	EnabledAt *time.Time `bun:"enabled_at"`
	Version   int64      `bun:"version"`
	CreatedAt time.Time  `bun:"created_at"`
	CreatedBy string     `bun:"created_by"`
	UpdatedAt time.Time  `bun:"updated_at"`
	DeletedAt *time.Time `bun:"deleted_at"`
}

// IsAdmin says whether the person administers others.
func (u *User) IsAdmin() bool { return u.Role == RoleAdmin }

// Expired says whether the access was temporary and has ended, at the given time, which is to be the database's.
func (u *User) Expired(now time.Time) bool { return u.ExpiresAt != nil && !u.ExpiresAt.After(now) }

// CanSignIn says whether the account is live, switched on and not expired at the given time, which is to be the database's.
func (u *User) CanSignIn(now time.Time) bool { return u.isOn() && !u.Expired(now) }

func (u *User) isOn() bool { return u.Status == StatusActive && u.DeletedAt == nil }

// HasMFA says whether a second factor is in use.
func (u *User) HasMFA() bool { return u.TOTPEnabledAt != nil }

// HasPassword says whether a password was ever set; people who were invited have none at first.
func (u *User) HasPassword() bool { return u.PasswordHash != "" }

// Locked says whether sign-in was locked after too many failures, at the given time.
func (u *User) Locked(now time.Time) bool { return u.LockedUntil != nil && u.LockedUntil.After(now) }

// keepsTheKeys says whether this person counts as one who can administer: the last such may not go. Whose access ends
// some day does not count: nothing would stop the clock.
func (u *User) keepsTheKeys() bool {
	return u.IsAdmin() && u.isOn() && u.HasPassword() && u.ExpiresAt == nil
}

// Name is what to call the person.
func (u *User) Name() string {
	if u.DisplayName != "" {
		return u.DisplayName
	}
	return u.Username
}

// Initials are for a picture that is not there.
func (u *User) Initials() string {
	var b strings.Builder
	for i, word := range strings.Fields(u.Name()) {
		if i < 2 {
			initial, _ := utf8.DecodeRuneInString(word)
			b.WriteRune(initial)
		}
	}
	return strings.ToUpper(b.String())
}

// changes lists what differs between two states of a person, with secrets left out.
func changes(before, after *User) []audit.Change {
	var list []audit.Change
	add := func(field, a, b string) {
		if a != b {
			list = append(list, audit.Change{Field: field, Before: a, After: b})
		}
	}
	add("username", before.Username, after.Username)
	add("email", before.Email, after.Email)
	add("display_name", before.DisplayName, after.DisplayName)
	add("role", string(before.Role), string(after.Role))
	add("status", string(before.Status), string(after.Status))
	add(FieldExpires, ExpiryText(before.ExpiresAt), ExpiryText(after.ExpiresAt))
	add("must_change_password", yesNo(before.MustChangePassword), yesNo(after.MustChangePassword))
	add("second_factor", yesNo(before.HasMFA()), yesNo(after.HasMFA()))
	add("deleted", yesNo(before.DeletedAt != nil), yesNo(after.DeletedAt != nil))
	add("locked", yesNo(before.LockedUntil != nil), yesNo(after.LockedUntil != nil))
	if before.PasswordHash != after.PasswordHash {
		list = append(list, audit.Change{Field: "password", Before: audit.Secret, After: audit.Secret})
	}
	return list
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
