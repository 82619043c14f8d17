package users

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

// BulkAction is what can be done to many people at once.
type BulkAction string

// The bulk actions.
const (
	BulkEnable      BulkAction = "enable"
	BulkDisable     BulkAction = "disable"
	BulkMakeAdmin   BulkAction = "make_admin"
	BulkMakeUser    BulkAction = "make_user"
	BulkForceChange BulkAction = "force_change"
	BulkEndSessions BulkAction = "end_sessions"
	BulkDelete      BulkAction = "delete"
	BulkRestore     BulkAction = "restore"
	// BulkInvite makes invitation links. It changes no person and cannot be undone, so it is not for Bulk: package auth does
	// it.
	BulkInvite BulkAction = "invite"
)

// BulkActions lists those that Bulk does.
var BulkActions = []BulkAction{
	BulkEnable, BulkDisable, BulkMakeAdmin, BulkMakeUser, BulkForceChange, BulkEndSessions, BulkDelete, BulkRestore,
}

// BulkChoices lists all of them in the order that forms show them.
var BulkChoices = slices.Insert(slices.Clone(BulkActions), slices.Index(BulkActions, BulkDelete), BulkInvite)

const (
	// BulkLimit is how many people one bulk action takes.
	BulkLimit = 5000
	// UndoWindow is how long a bulk action can be undone.
	UndoWindow = 10 * time.Minute
)

// Selection is whom a bulk action is about: ids, or everybody that a query chooses.
type Selection struct {
	IDs   []int64
	Query *Query
	// Expect is how many people the actor was told would change; if it is another number by then, nothing is done. Zero
	// is whatever it comes to.
	Expect int
}

// BulkResult is what a bulk action did.
type BulkResult struct {
	Handle    string
	Action    BulkAction
	Changed   int
	Unchanged int
	// Skipped are those left alone: the own account, and on undo those changed since.
	Skipped int
}

// apply is what an action does to one person; it is idempotent.
func (a BulkAction) apply(u *User, now time.Time) {
	switch a {
	case BulkEnable:
		u.Status = StatusActive
	case BulkDisable:
		u.Status = StatusDisabled
	case BulkMakeAdmin:
		u.Role = RoleAdmin
	case BulkMakeUser:
		u.Role = RoleUser
	case BulkForceChange:
		u.MustChangePassword = true
	case BulkDelete:
		u.DeletedAt = &now
	case BulkRestore:
		u.DeletedAt = nil
	case BulkEndSessions, BulkInvite:
	}
}

// selected reads the people of a selection, in order of id. With lock they stay as they are until the transaction ends.
func (s *Service) selected(ctx context.Context, db bun.IDB, action BulkAction, sel Selection, lock bool) ([]User, error) {
	var people []User
	q := db.NewSelect().Model(&people).Order("id").Limit(BulkLimit + 1)
	if sel.Query != nil {
		filtered, err := s.filtered(ctx, *sel.Query)
		if err != nil {
			return nil, err
		}
		q.Where("id IN (?)", s.db.NewSelect().TableExpr("(?) AS chosen", filtered.Column("id")).Column("id"))
	} else {
		if len(sel.IDs) == 0 {
			return nil, nil
		}
		q.Where("id IN (?)", bun.List(sel.IDs))
	}
	switch {
	case action == BulkRestore:
		q.Where("deleted_at IS NOT NULL")
	case action != BulkInvite:
		q.Where("deleted_at IS NULL")
	}
	if lock {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the selected users: %w", err)
	}
	if len(people) > BulkLimit {
		return nil, ErrTooMany
	}
	return people, nil
}

// Preview is what a bulk action would do, with the first people it is about.
type Preview struct {
	Total, Change int
	Sample        []User
}

// previewSample is how many people a preview names.
const previewSample = 20

// PreviewBulk tells what Bulk would do, and does nothing.
func (s *Service) PreviewBulk(ctx context.Context, actor audit.Actor, action BulkAction, sel Selection) (Preview, error) {
	people, err := s.selected(ctx, s.db, action, sel, false)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Total: len(people)}
	for i := range people {
		after := people[i]
		action.apply(&after, time.Now())
		if people[i].ID == actor.ID || action != BulkEndSessions && len(changes(&people[i], &after)) == 0 {
			continue
		}
		p.Change++
		if len(p.Sample) < previewSample {
			p.Sample = append(p.Sample, people[i])
		}
	}
	return p, nil
}

// undoRow is what is kept to undo one person's part of a bulk action.
type undoRow struct {
	ID         int64      `json:"id"`
	Version    int64      `json:"version"` // after the action
	Role       Role       `json:"role"`
	Status     Status     `json:"status"`
	MustChange bool       `json:"must_change"`
	DeletedAt  *time.Time `json:"deleted_at"`
}

// Bulk does an action to everybody selected, in one transaction: all or none. The actor's own account is left alone.
func (s *Service) Bulk(ctx context.Context, actor audit.Actor, action BulkAction, sel Selection) (BulkResult, error) {
	if !slices.Contains(BulkActions, action) {
		return BulkResult{}, &ValidationError{Fields: map[string]Problem{"action": ProblemChoice}}
	}
	var res BulkResult
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		if err := lockAdministrators(ctx, tx); err != nil {
			return err
		}
		people, err := s.selected(ctx, tx, action, sel, true)
		if err != nil {
			return err
		}
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		plan := planBulk(actor, action, people, now)
		if sel.Expect != 0 && sel.Expect != plan.res.Changed {
			return ErrOtherPeople
		}
		if plan.res.Changed > 0 {
			err = s.carryOut(ctx, tx, actor, &plan, now)
		}
		res = plan.res
		return err
	})
	if _, dup := store.IsDuplicate(err); dup {
		return res, &ValidationError{Fields: map[string]Problem{FieldUsername: ProblemTaken}}
	}
	return res, err
}

// bulkPlan is what a bulk action comes to, before anything is written.
type bulkPlan struct {
	ids, ended []int64
	undo       []undoRow
	events     []audit.Event
	losesAdmin bool
	res        BulkResult
}

// planBulk decides for each person. The actor's own account is left alone.
func planBulk(actor audit.Actor, action BulkAction, people []User, now time.Time) bulkPlan {
	p := bulkPlan{res: BulkResult{Action: action}}
	for i := range people {
		u := &people[i]
		if u.ID == actor.ID {
			p.res.Skipped++
			continue
		}
		before := *u
		action.apply(u, now)
		list := changes(&before, u)
		if len(list) == 0 && action != BulkEndSessions {
			p.res.Unchanged++
			continue
		}
		p.ids = append(p.ids, u.ID)
		p.losesAdmin = p.losesAdmin || before.keepsTheKeys() && !u.keepsTheKeys()
		if action == BulkEndSessions || losesSessions(&before, u, now) {
			p.ended = append(p.ended, u.ID)
		}
		p.events = append(p.events, audit.Event{Action: "user." + string(action), TargetID: u.ID, Target: u.Username, Changes: list})
		p.undo = append(p.undo, undoRow{u.ID, u.Version + 1, before.Role, before.Status, before.MustChangePassword, before.DeletedAt})
	}
	p.res.Changed = len(p.ids)
	return p
}

// carryOut writes a plan, its undo and its audit entries.
func (s *Service) carryOut(ctx context.Context, tx bun.Tx, actor audit.Actor, p *bulkPlan, now time.Time) error {
	action := p.res.Action
	if err := s.bulkUpdate(ctx, tx, action, p.ids, now); err != nil {
		return err
	}
	if p.losesAdmin {
		if err := requireAdministrator(ctx, tx); err != nil {
			return err
		}
	}
	if err := s.access.EndAll(ctx, tx, p.ended...); err != nil {
		return err
	}
	if action != BulkEndSessions {
		var err error
		if p.res.Handle, err = keepUndo(ctx, tx, actor, action, p.undo, now); err != nil {
			return err
		}
	}
	return audit.Append(ctx, tx, actor, p.events...)
}

// bulkUpdate writes an action's uniform values in one statement.
func (s *Service) bulkUpdate(ctx context.Context, tx bun.Tx, action BulkAction, ids []int64, now time.Time) error {
	q := tx.NewUpdate().Model((*User)(nil)).Where("id IN (?)", bun.List(ids)).Set("version = version + 1").Set("updated_at = ?", now)
	switch action {
	case BulkEnable:
		q.Set("status = ?", StatusActive).Set("enabled_at = ?", now)
	case BulkDisable:
		q.Set("status = ?", StatusDisabled)
	case BulkMakeAdmin:
		q.Set("role = ?", RoleAdmin)
	case BulkMakeUser:
		q.Set("role = ?", RoleUser)
	case BulkForceChange:
		q.Set("must_change_password = TRUE")
	case BulkDelete:
		q.Set("deleted_at = ?", now)
	case BulkRestore:
		q.Set("deleted_at = NULL").Set("enabled_at = ?", now)
	case BulkEndSessions, BulkInvite:
		return nil
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("bulk %s: %w", action, err)
	}
	return nil
}

type bulkOperation struct {
	bun.BaseModel `bun:"table:bulk_operations,alias:b"`

	Handle      string     `bun:"handle,pk"`
	ActorID     int64      `bun:"actor_id"`
	Action      BulkAction `bun:"action"`
	RowsChanged int        `bun:"rows_changed"`
	BeforeRows  []byte     `bun:"before_rows"`
	CreatedAt   time.Time  `bun:"created_at"`
	UndoUntil   time.Time  `bun:"undo_until"`
	UndoneAt    *time.Time `bun:"undone_at"`
}

func keepUndo(
	ctx context.Context,
	tx bun.Tx,
	actor audit.Actor,
	action BulkAction,
	rows []undoRow,
	now time.Time,
) (string, error) {
	text, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("keep what undo needs: %w", err)
	}
	op := &bulkOperation{
		Handle: newHandle(), ActorID: actor.ID, Action: action, RowsChanged: len(rows), BeforeRows: text, CreatedAt: now,
		UndoUntil: now.Add(UndoWindow),
	}
	if _, err := tx.NewInsert().Model(op).Exec(ctx); err != nil {
		return "", fmt.Errorf("keep what undo needs: %w", err)
	}
	return op.Handle, nil
}

// Undo puts back what a bulk action of the actor changed, for everybody who was not changed again since.
func (s *Service) Undo(ctx context.Context, actor audit.Actor, handle string) (BulkResult, error) {
	var res BulkResult
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		res = BulkResult{}
		if err := lockAdministrators(ctx, tx); err != nil {
			return err
		}
		var op bulkOperation
		err := tx.NewSelect().Model(&op).Where("handle = ?", handle).Where("actor_id = ?", actor.ID).Where("undone_at IS NULL").
			Where("undo_until > UTC_TIMESTAMP(6)").For("UPDATE").Scan(ctx)
		if err != nil {
			return notFoundAs(err, ErrGone)
		}
		res.Action = op.Action
		var rows []undoRow
		if err := json.Unmarshal(op.BeforeRows, &rows); err != nil {
			return fmt.Errorf("read what undo needs: %w", err)
		}
		if err := s.undoRows(ctx, tx, actor, rows, &res); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(&op).Set("undone_at = UTC_TIMESTAMP(6)").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("note that it is undone: %w", err)
		}
		return nil
	})
	if _, dup := store.IsDuplicate(err); dup {
		return res, &ValidationError{Fields: map[string]Problem{FieldUsername: ProblemTaken}}
	}
	return res, err
}

func (s *Service) undoRows(ctx context.Context, tx bun.Tx, actor audit.Actor, rows []undoRow, res *BulkResult) error {
	now, err := store.Now(ctx, tx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		u, err := lockUser(ctx, tx, change{id: row.ID, version: row.Version, deleted: true})
		if err != nil {
			if isLeftAlone(err) {
				res.Skipped++
				continue
			}
			return err
		}
		before := *u
		u.Role, u.Status, u.MustChangePassword, u.DeletedAt = row.Role, row.Status, row.MustChange, row.DeletedAt
		if err := s.save(ctx, tx, actor, "user.undo", &before, u, now); err != nil {
			return err
		}
		res.Changed++
	}
	return nil
}
