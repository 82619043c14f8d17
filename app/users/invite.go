package users

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Uninvited is why somebody gets no invitation, as the key of its text ends.
type Uninvited string

// The reasons, in the order in which they are looked at and told.
const (
	UninvitedDeleted  Uninvited = "deleted"
	UninvitedPassword Uninvited = "password"
	UninvitedDisabled Uninvited = "disabled"
	UninvitedExpired  Uninvited = "expired"
	// UninvitedOpen is who holds an invitation that still works.
	UninvitedOpen Uninvited = "open"
)

// UninvitedReasons lists the reasons.
var UninvitedReasons = []Uninvited{UninvitedDeleted, UninvitedPassword, UninvitedDisabled, UninvitedExpired, UninvitedOpen}

// WhyUninvited says why the person cannot be invited at the given time, which is to be the database's; empty if they can.
// Links that are open already are not looked at.
func (u *User) WhyUninvited(now time.Time) Uninvited {
	switch {
	case u.DeletedAt != nil:
		return UninvitedDeleted
	case u.HasPassword():
		return UninvitedPassword
	case u.Status != StatusActive:
		return UninvitedDisabled
	case u.Expired(now):
		return UninvitedExpired
	}
	return ""
}

// Candidates reads whoever a selection for invitations is about, in order of id, whatever their state. With lock they stay
// as they are until the transaction ends.
func (s *Service) Candidates(ctx context.Context, db bun.IDB, sel Selection, lock bool) ([]User, error) {
	return s.selected(ctx, db, BulkInvite, sel, lock)
}
