package users

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/store"
)

// Revoker takes back what lets a person in, in the transaction of the change that makes it unsafe.
type Revoker interface {
	// EndAll ends sessions.
	EndAll(ctx context.Context, tx bun.IDB, userIDs ...int64) error
	// RevokeLinks takes back the one-time links that are still open.
	RevokeLinks(ctx context.Context, tx bun.IDB, userID int64) error
}

// Service finds and changes people.
type Service struct {
	db     *bun.DB
	access Revoker
	hasher *password.Hasher
	policy password.Policy
	cache  countCache
}

// New makes a service.
func New(db *bun.DB, access Revoker, hasher *password.Hasher, policy password.Policy) *Service {
	return &Service{db: db, access: access, hasher: hasher, policy: policy}
}

// DB is the database, for what other packages read beside.
func (s *Service) DB() *bun.DB { return s.db }

// Hasher is what passwords are hashed with.
func (s *Service) Hasher() *password.Hasher { return s.hasher }

// Draft is a person to be.
type Draft struct {
	Username    string
	Email       string
	DisplayName string
	Role        Role
	Status      Status
	// Password may be empty: the person then gets an invitation to choose one.
	Password   string
	MustChange bool
	// ExpiresAt is when temporary access ends, as RFC 3339 or as a form writes it; empty is never.
	ExpiresAt string
}

// Patch is what to change; nil leaves a field alone.
type Patch struct {
	Username    *string
	Email       *string
	DisplayName *string
	Role        *Role
	Status      *Status
	MustChange  *bool
	// ExpiresAt is as in Draft.
	ExpiresAt *string
}

// draftUser checks a draft and makes the row it would become.
func (s *Service) draftUser(ctx context.Context, d Draft) (*User, *ValidationError) {
	u := &User{MustChangePassword: d.MustChange, Version: 1}
	role, status := d.Role, d.Status
	problems := Patch{
		Username: &d.Username, Email: &d.Email, DisplayName: &d.DisplayName, Role: &role, Status: &status, ExpiresAt: &d.ExpiresAt,
	}.apply(u)
	if d.Password != "" {
		if p := s.policy.Judge(ctx, d.Password, d.Username, d.Email, d.DisplayName); p != "" {
			problems[FieldPassword] = Problem(p)
		}
	}
	if len(problems) > 0 {
		return u, &ValidationError{Fields: problems}
	}
	return u, nil
}

// apply puts the patch into the person and returns what is not accepted.
func (p Patch) apply(u *User) map[string]Problem {
	problems := map[string]Problem{}
	note := func(field string, problem Problem) {
		if problem != "" {
			problems[field] = problem
		}
	}
	if p.Username != nil && (*p.Username != u.Username || u.Username == "") {
		name, problem := checkUsername(*p.Username)
		u.Username, u.UsernameKey = name, UsernameKey(name)
		note(FieldUsername, problem)
	}
	if p.Email != nil && (*p.Email != u.Email || u.Email == "") {
		address, problem := checkEmail(*p.Email)
		u.Email, u.EmailKey = address, EmailKey(address)
		note(FieldEmail, problem)
	}
	if p.DisplayName != nil {
		name, problem := checkDisplayName(*p.DisplayName)
		u.DisplayName = name
		note(FieldDisplayName, problem)
	}
	p.applyRights(u, note)
	return problems
}

func (p Patch) applyRights(u *User, note func(field string, problem Problem)) {
	if p.Role != nil {
		if u.Role = *p.Role; !slices.Contains(Roles, u.Role) {
			note(FieldRole, ProblemChoice)
		}
	}
	if p.Status != nil {
		if u.Status = *p.Status; !slices.Contains(Statuses, u.Status) {
			note(FieldStatus, ProblemChoice)
		}
	}
	if p.MustChange != nil {
		u.MustChangePassword = *p.MustChange
	}
	if p.ExpiresAt != nil && *p.ExpiresAt != ExpiryText(u.ExpiresAt) {
		end, problem := parseExpiry(*p.ExpiresAt)
		u.ExpiresAt = end
		note(FieldExpires, problem)
	}
}

// Create adds a person. Wrong and taken values come back as a *ValidationError.
func (s *Service) Create(ctx context.Context, actor audit.Actor, d Draft) (*User, error) {
	u, err := s.prepare(ctx, d)
	if err != nil {
		return nil, err
	}
	err = store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		return s.insert(ctx, tx, actor, u, "user.create")
	})
	if err != nil {
		return nil, s.explainDuplicate(ctx, err, u)
	}
	return u, nil
}

// CreateIn adds a person within a transaction of the caller's.
func (s *Service) CreateIn(ctx context.Context, tx bun.Tx, actor audit.Actor, d Draft, action string) (*User, error) {
	u, err := s.prepare(ctx, d)
	if err != nil {
		return nil, err
	}
	return u, s.insert(ctx, tx, actor, u, action)
}

// prepare checks a draft and hashes its password, which takes long and so is done before any transaction of ours.
func (s *Service) prepare(ctx context.Context, d Draft) (*User, error) {
	u, invalid := s.draftUser(ctx, d)
	if invalid != nil {
		return nil, invalid
	}
	if d.Password != "" {
		hash, err := s.hasher.Hash(ctx, d.Password)
		if err != nil {
			return nil, fmt.Errorf("hash the password: %w", err)
		}
		u.PasswordHash = hash
	}
	return u, nil
}

func (s *Service) insert(ctx context.Context, tx bun.Tx, actor audit.Actor, u *User, action string) error {
	now, err := store.Now(ctx, tx)
	if err != nil {
		return err
	}
	u.ID, u.CreatedAt, u.UpdatedAt, u.CreatedBy = 0, now, now, actor.Name
	if u.PasswordHash != "" {
		u.PasswordChangedAt = &now
	}
	if _, err := tx.NewInsert().Model(u).Exec(ctx); err != nil {
		return fmt.Errorf("add the user %s: %w", u.Username, err)
	}
	return audit.Append(
		ctx,
		tx,
		actor,
		audit.Event{Action: action, TargetID: u.ID, Target: u.Username, Changes: changes(&User{}, u)},
	)
}

// explainDuplicate turns the database's refusal into the fields that are taken: both, if both are.
func (s *Service) explainDuplicate(ctx context.Context, err error, u *User) error {
	if _, dup := store.IsDuplicate(err); !dup {
		return err
	}
	fields := map[string]Problem{}
	for field, key := range map[string][]byte{FieldUsername: u.UsernameKey, FieldEmail: u.EmailKey} {
		taken, qerr := s.db.NewSelect().Model((*User)(nil)).Where("? = ?", bun.Ident(field+"_key"), key).
			Where("deleted_at IS NULL").Where("id <> ?", u.ID).Exists(ctx)
		if qerr != nil {
			return fmt.Errorf("look for the same %s: %w", field, qerr)
		}
		if taken {
			fields[field] = ProblemTaken
		}
	}
	if len(fields) == 0 {
		return fmt.Errorf("%w: %w", store.ErrBusy, err) // it was freed between the two looks
	}
	return &ValidationError{Fields: fields}
}

// Get returns a person, a deleted one too.
func (s *Service) Get(ctx context.Context, id int64) (*User, error) {
	return s.one(ctx, s.db.NewSelect().Where("id = ?", id))
}

// ByLogin finds a live person by username or address.
func (s *Service) ByLogin(ctx context.Context, login string) (*User, error) {
	return s.one(ctx, s.db.NewSelect().Where("deleted_at IS NULL").
		Where("username_key = ? OR email_key = ?", UsernameKey(login), EmailKey(login)).
		OrderExpr("username_key = ? DESC", UsernameKey(login)).Limit(1))
}

func (s *Service) one(ctx context.Context, q *bun.SelectQuery) (*User, error) {
	u := new(User)
	if err := q.Model(u).Scan(ctx); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return nil, ErrNotFound
		}
		return nil, fmt.Errorf("read a user: %w", err)
	}
	return u, nil
}

// Edit changes what the patch names. version is the one the caller saw; zero means "whatever it is now". Taking rights
// away ends the person's sessions in the same transaction.
func (s *Service) Edit(ctx context.Context, actor audit.Actor, id, version int64, p Patch) (*User, error) {
	return s.mutate(ctx, actor, change{id: id, version: version, action: "user.update", fn: func(u *User, _ time.Time) error {
		if actor.ID == id && p.Status != nil && *p.Status == StatusDisabled {
			return ErrSelf
		}
		end := u.ExpiresAt
		if problems := p.apply(u); len(problems) > 0 {
			return &ValidationError{Fields: problems}
		}
		if actor.ID == id && !sameTime(end, u.ExpiresAt) {
			return ErrSelf // nobody prolongs the own temporary access
		}
		return nil
	}})
}

// SetPassword stores a new password that was judged before, and ends the person's sessions.
func (s *Service) SetPassword(ctx context.Context, actor audit.Actor, id int64, plain string) (*User, error) {
	u, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if p := s.policy.Judge(ctx, plain, u.Username, u.Email, u.DisplayName); p != "" {
		return nil, &ValidationError{Fields: map[string]Problem{FieldPassword: Problem(p)}}
	}
	hash, err := s.hasher.Hash(ctx, plain)
	if err != nil {
		return nil, fmt.Errorf("hash the password: %w", err)
	}
	return s.mutate(ctx, actor, change{id: id, action: "user.password", fn: func(u *User, now time.Time) error {
		u.PasswordHash, u.PasswordChangedAt, u.MustChangePassword, u.LockedUntil = hash, &now, false, nil
		return nil
	}})
}

// Change is an edit by another package, such as a second factor, with the same rules as every other.
func (s *Service) Change(
	ctx context.Context,
	actor audit.Actor,
	id int64,
	action string,
	fn func(u *User, now time.Time) error,
) (*User, error) {
	return s.mutate(ctx, actor, change{id: id, action: action, fn: fn})
}

// Record writes into the audit log what changes nobody, such as an export.
func (s *Service) Record(ctx context.Context, actor audit.Actor, event audit.Event) error {
	return store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error { return audit.Append(ctx, tx, actor, event) })
}

// Judge says what is wrong with a new password for the person, or "".
func (s *Service) Judge(ctx context.Context, plain string, u *User) Problem {
	return Problem(s.policy.Judge(ctx, plain, u.Username, u.Email, u.DisplayName))
}
