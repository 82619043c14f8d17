package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// Invitees is whom an invitation of many is about.
type Invitees struct {
	users.Selection
	// Again also invites those whose link is still open, which then stops working.
	Again bool
	// Most is how many are invited at once; the others are for the next time.
	Most int
}

// InvitePlan is what an invitation of many comes to, before anything is written.
type InvitePlan struct {
	// Total is how many people are selected.
	Total int
	// Invite are those who get a link: who has none before, then whose is the oldest.
	Invite []users.User
	// Replaced is how many of them hold a link that stops working, Later how many more there are than are invited at once.
	Replaced, Later int
	// LeftOut are those who get none, by the reason.
	LeftOut map[users.Uninvited][]users.User
}

// planInvites decides for each person. open is when the open link was made, of those who hold one.
func planInvites(people []users.User, open map[int64]time.Time, again bool, most int, now time.Time) InvitePlan {
	p := InvitePlan{Total: len(people), LeftOut: map[users.Uninvited][]users.User{}}
	for i := range people {
		why := people[i].WhyUninvited(now)
		if _, held := open[people[i].ID]; why == "" && held && !again {
			why = users.UninvitedOpen
		}
		if why == "" {
			p.Invite = append(p.Invite, people[i])
		} else {
			p.LeftOut[why] = append(p.LeftOut[why], people[i])
		}
	}
	slices.SortStableFunc(p.Invite, func(a, b users.User) int { return open[a.ID].Compare(open[b.ID]) })
	if p.Later = max(0, len(p.Invite)-most); p.Later > 0 {
		p.Invite = p.Invite[:most]
	}
	for i := range p.Invite {
		if _, held := open[p.Invite[i].ID]; held {
			p.Replaced++
		}
	}
	return p
}

// PlanInvites tells whom InviteMany would invite, and does nothing.
func (a *Authenticator) PlanInvites(ctx context.Context, whom Invitees) (InvitePlan, error) {
	now, err := store.Now(ctx, a.db)
	if err != nil {
		return InvitePlan{}, err
	}
	return a.invitePlan(ctx, a.db, whom, now, false)
}

func (a *Authenticator) invitePlan(ctx context.Context, db bun.IDB, whom Invitees, now time.Time, lock bool) (InvitePlan, error) {
	people, err := a.users.Candidates(ctx, db, whom.Selection, lock)
	if err != nil {
		return InvitePlan{}, err
	}
	open, err := openLinks(ctx, db, people)
	if err != nil {
		return InvitePlan{}, err
	}
	return planInvites(people, open, whom.Again, whom.Most, now), nil
}

// openLinks is when the links were made that people can still use.
func openLinks(ctx context.Context, db bun.IDB, people []users.User) (map[int64]time.Time, error) {
	open := map[int64]time.Time{}
	for part := range slices.Chunk(people, 1000) {
		var ids []int64
		for i := range part {
			ids = append(ids, part[i].ID)
		}
		var links []Link
		err := db.NewSelect().Model(&links).Column("user_id", "created_at").Where("user_id IN (?)", bun.List(ids)).
			Where("used_at IS NULL").Where("revoked_at IS NULL").Where("expires_at > UTC_TIMESTAMP(6)").Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("look for open links: %w", err)
		}
		for _, link := range links {
			open[link.UserID] = link.CreatedAt
		}
	}
	return open, nil
}

// Invitation is a person and the secret of the link that was made for them.
type Invitation struct {
	User  users.User
	Token string
}

// InviteMany makes a link for everybody that the plan invites, in one transaction: all or none. The secrets are returned
// and kept nowhere.
func (a *Authenticator) InviteMany(ctx context.Context, actor audit.Actor, whom Invitees) ([]Invitation, error) {
	var made []Invitation
	err := store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		made = nil
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		plan, err := a.invitePlan(ctx, tx, whom, now, true)
		if err != nil {
			return err
		}
		if whom.Expect != 0 && whom.Expect != len(plan.Invite) {
			return users.ErrOtherPeople
		}
		if len(plan.Invite) == 0 {
			return nil
		}
		made, err = invite(ctx, tx, actor, plan.Invite, now)
		return err
	})
	return made, err
}

func invite(ctx context.Context, tx bun.Tx, actor audit.Actor, people []users.User, now time.Time) ([]Invitation, error) {
	var made []Invitation
	var links []Link
	var events []audit.Event
	for i := range people {
		token := NewToken()
		made = append(made, Invitation{User: people[i], Token: token})
		links = append(links, Link{
			Kind: LinkInvite, Hash: hash(token), UserID: people[i].ID, CreatedBy: actor.Name, CreatedAt: now,
			ExpiresAt: now.Add(linkLifetime[LinkInvite]),
		})
		events = append(events, audit.Event{Action: "link." + LinkInvite, TargetID: people[i].ID, Target: people[i].Username})
	}
	if err := replaceLinks(ctx, tx, links...); err != nil {
		return nil, err
	}
	return made, audit.Append(ctx, tx, actor, events...)
}
