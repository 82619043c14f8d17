package users

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrNotFound says that there is no such person, or none the caller may know of.
	ErrNotFound = errors.New("no such user")
	// ErrLastAdmin refuses a change after which nobody could administer the system.
	ErrLastAdmin = errors.New("this is the last active administrator")
	// ErrSelf refuses what an administrator may not do to the own account.
	ErrSelf = errors.New("not possible for your own account")
	// ErrTooMany refuses a bulk action on more people than it takes at once.
	ErrTooMany = errors.New("too many users at once")
	// ErrOtherPeople refuses a bulk action that would change another number of people than its preview told.
	ErrOtherPeople = errors.New("the selection has changed since the preview")
	// ErrGone says that an operation can no longer be undone or a stored import has expired.
	ErrGone = errors.New("no longer available")
)

// ValidationError lists the fields that are not accepted.
type ValidationError struct{ Fields map[string]Problem }

// Error implements error.
func (e *ValidationError) Error() string {
	var parts []string
	for field, problem := range e.Fields {
		parts = append(parts, field+": "+string(problem))
	}
	slices.Sort(parts)
	return "not accepted: " + strings.Join(parts, ", ")
}

// ConflictError says that the person was changed by someone else since the caller looked.
type ConflictError struct{ Current User }

// Error implements error.
func (e *ConflictError) Error() string { return "changed by someone else in the meantime" }

func notFoundAs(err, as error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return as
	}
	return fmt.Errorf("read from the database: %w", err)
}

// isLeftAlone says whether an undo passes a person by: gone, or changed again since.
func isLeftAlone(err error) bool {
	var conflict *ConflictError
	return errors.Is(err, ErrNotFound) || errors.As(err, &conflict)
}

func newHandle() string { return rand.Text() }
