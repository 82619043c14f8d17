package users

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

// SavedView is the list as somebody likes to see it: filters, order and columns under a name.
type SavedView struct {
	bun.BaseModel `bun:"table:saved_views,alias:v"`

	ID      int64  `bun:"id,pk,autoincrement"`
	UserID  int64  `bun:"user_id"`
	Name    string `bun:"name"`
	NameKey []byte `bun:"name_key"`
	// Query is the part of the list's URL behind the question mark, as Query.ViewValues writes it.
	Query     string    `bun:"query"`
	Shared    bool      `bun:"shared"`
	UpdatedAt time.Time `bun:"updated_at"`
	// Owner is the username of who saved it, where a list of views is read.
	Owner string `bun:"owner,scanonly"`
}

// FieldName is a form's field with the name of a saved view.
const FieldName = "name"

const (
	// MaxViews is how many views one person can save.
	MaxViews = 50
	// maxViewsListed bounds what a list of views shows when many administrators share theirs.
	maxViewsListed = 300
	// maxViewName is counted in characters, maxViewQuery in bytes; the table takes no more.
	maxViewName  = 60
	maxViewQuery = 1024
)

// ProblemTooMany is a view beyond MaxViews.
const ProblemTooMany Problem = "views.too_many"

// Views lists a person's own views and those that administrators share, by name.
func (s *Service) Views(ctx context.Context, userID int64) ([]SavedView, error) {
	var views []SavedView
	err := s.db.NewSelect().Model(&views).ColumnExpr("?TableColumns").ColumnExpr("u.username AS owner").
		Join("JOIN users AS u ON u.id = v.user_id").
		Where("v.user_id = ? OR (v.shared AND u.role = ? AND u.deleted_at IS NULL)", userID, RoleAdmin).
		OrderExpr("v.user_id = ? DESC, v.name_key, v.id", userID).Limit(maxViewsListed).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the saved views of user %d: %w", userID, err)
	}
	return views, nil
}

// SaveView keeps a view of the actor's own; one of the same name is replaced. A name that is not accepted comes back as a
// *ValidationError.
func (s *Service) SaveView(ctx context.Context, actor audit.Actor, name string, q Query, shared bool) error {
	view := SavedView{UserID: actor.ID, Query: q.ViewValues().Encode(), Shared: shared}
	if err := view.setName(name); err != nil {
		return err
	}
	if len(view.Query) > maxViewQuery {
		return &ValidationError{Fields: map[string]Problem{FieldName: ProblemTooLong}}
	}
	return store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		before, err := lockViews(ctx, tx, view)
		if err != nil {
			return err
		}
		after := view
		after.ID = before.ID
		return putView(ctx, tx, actor, before, after)
	})
}

// lockViews makes a person's changes of views wait for each other, so that the bound holds. It returns the view of the
// same name, or an empty one.
func lockViews(ctx context.Context, tx bun.Tx, view SavedView) (SavedView, error) {
	var owner int64
	if err := tx.NewRaw("SELECT id FROM users WHERE id = ? FOR UPDATE", view.UserID).Scan(ctx, &owner); err != nil {
		return SavedView{}, notFoundAs(err, ErrNotFound)
	}
	var views []SavedView
	if err := tx.NewSelect().Model(&views).Where("user_id = ?", view.UserID).For("UPDATE").Scan(ctx); err != nil {
		return SavedView{}, fmt.Errorf("lock the saved views of user %d: %w", view.UserID, err)
	}
	for _, v := range views {
		if bytes.Equal(v.NameKey, view.NameKey) {
			return v, nil
		}
	}
	if len(views) >= MaxViews {
		return SavedView{}, &ValidationError{Fields: map[string]Problem{FieldName: ProblemTooMany}}
	}
	return SavedView{}, nil
}

// ChangeView renames one of the actor's own views, and shares it or not. Whoever changes last wins.
func (s *Service) ChangeView(ctx context.Context, actor audit.Actor, id int64, name string, shared bool) error {
	var wanted SavedView
	if err := wanted.setName(name); err != nil {
		return err
	}
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		before, err := ownView(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		after := before
		after.Name, after.NameKey, after.Shared = wanted.Name, wanted.NameKey, shared
		return putView(ctx, tx, actor, before, after)
	})
	if _, dup := store.IsDuplicate(err); dup {
		return &ValidationError{Fields: map[string]Problem{FieldName: ProblemTaken}}
	}
	return err
}

// DeleteView removes one of the actor's own views.
func (s *Service) DeleteView(ctx context.Context, actor audit.Actor, id int64) error {
	return store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		view, err := ownView(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&view).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("delete the saved view %d: %w", id, err)
		}
		return recordView(ctx, tx, actor, view, SavedView{})
	})
}

func ownView(ctx context.Context, tx bun.Tx, actor audit.Actor, id int64) (SavedView, error) {
	var view SavedView
	err := tx.NewSelect().Model(&view).Where("id = ?", id).Where("user_id = ?", actor.ID).For("UPDATE").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return view, ErrNotFound
	}
	if err != nil {
		return view, fmt.Errorf("lock the saved view %d: %w", id, err)
	}
	return view, nil
}

// putView writes a view, new or not.
func putView(ctx context.Context, tx bun.Tx, actor audit.Actor, before, after SavedView) error {
	now, err := store.Now(ctx, tx)
	if err != nil {
		return err
	}
	after.UpdatedAt = now
	if after.ID == 0 {
		_, err = tx.NewInsert().Model(&after).Exec(ctx)
	} else {
		_, err = tx.NewUpdate().Model(&after).WherePK().Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("save the view %q: %w", after.Name, err)
	}
	return recordView(ctx, tx, actor, before, after)
}

// recordView writes into the audit log what became of a view that others see, or saw. What people keep to themselves is
// nobody's business.
func recordView(ctx context.Context, tx bun.Tx, actor audit.Actor, before, after SavedView) error {
	event := audit.Event{Action: "view.change", Target: after.Name}
	switch {
	case !before.Shared && !after.Shared:
		return nil
	case !before.Shared:
		event.Action = "view.share"
		before = SavedView{}
	case after.Name == "":
		return audit.Append(ctx, tx, actor, audit.Event{Action: "view.delete", Target: before.Name})
	case !after.Shared:
		event.Action = "view.unshare"
	}
	for _, c := range []audit.Change{
		{Field: FieldName, Before: before.Name, After: after.Name}, {Field: "filter", Before: before.Query, After: after.Query},
	} {
		if c.Before != c.After {
			event.Changes = append(event.Changes, c)
		}
	}
	if event.Action == "view.change" && len(event.Changes) == 0 {
		return nil
	}
	return audit.Append(ctx, tx, actor, event)
}

// setName accepts a name or says what is wrong with it.
func (v *SavedView) setName(name string) error {
	name, problem := checkDisplayName(name)
	switch {
	case problem == "" && name == "":
		problem = ProblemRequired
	case utf8.RuneCountInString(name) > maxViewName:
		problem = ProblemTooLong
	}
	if problem != "" {
		return &ValidationError{Fields: map[string]Problem{FieldName: problem}}
	}
	v.Name, v.NameKey = name, []byte(strings.ToLower(norm.NFC.String(name)))
	return nil
}

// ViewValues is the query without the page that somebody happens to be on.
func (q Query) ViewValues() url.Values {
	q.Cursor = ""
	return q.Values()
}
