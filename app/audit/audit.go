// Package audit keeps the record of what was changed, by whom, from which value to which. Each entry carries the hash of
// the one before it, so that an entry changed, removed or put in between afterwards is found by Verify.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Actor is who does something, and in which request.
type Actor struct {
	ID        int64
	Name      string
	RequestID string
	IP        string
}

// System is the actor of the command line and of background jobs.
func System(name string) Actor { return Actor{Name: name} }

// Change is a field's value before and after. Values of secret fields are never recorded: Secret stands in their place.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Secret is what the log shows in place of a value that must not be seen.
const Secret = "•••"

// Event is what happened, before it becomes an entry.
type Event struct {
	Action   string
	TargetID int64
	Target   string
	Changes  []Change
}

// Entry is one line of the log.
type Entry struct {
	bun.BaseModel `bun:"table:audit_log,alias:a"`

	ID        int64     `bun:"id,pk"`
	At        time.Time `bun:"at"`
	ActorID   int64     `bun:"actor_id"`
	Actor     string    `bun:"actor"`
	Action    string    `bun:"action"`
	TargetID  int64     `bun:"target_id"`
	Target    string    `bun:"target"`
	Changes   string    `bun:"changes"`
	RequestID string    `bun:"request_id"`
	IP        string    `bun:"ip"`
	PrevHash  []byte    `bun:"prev_hash"`
	Hash      []byte    `bun:"hash"`
	// Seals of the parts that tell of people, and the salts without which they were erased; nil in entries of before.
	ActorSalt  []byte `bun:"actor_salt"`
	ActorSeal  []byte `bun:"actor_seal"`
	TargetSalt []byte `bun:"target_salt"`
	TargetSeal []byte `bun:"target_seal"`
}

// ChangeList is the changes in a form that can be shown.
func (e *Entry) ChangeList() []Change {
	var changes []Change
	_ = json.Unmarshal([]byte(e.Changes), &changes) // Verify is what reports a damaged entry
	return changes
}

type head struct {
	bun.BaseModel `bun:"table:audit_head"`

	ID     int64  `bun:"id,pk"`
	LastID int64  `bun:"last_id"`
	Hash   []byte `bun:"hash"`
}

// Append writes events in the transaction of the change they tell of: either both are there or neither. It locks the
// chain's head until the transaction ends, so call it last.
func Append(ctx context.Context, tx bun.Tx, actor Actor, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	h, err := lockHead(ctx, tx)
	if err != nil {
		return err
	}
	var now time.Time
	if err := tx.NewRaw("SELECT UTC_TIMESTAMP(6)").Scan(ctx, &now); err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	entries := make([]Entry, 0, len(events))
	for _, event := range events {
		entry, err := newEntry(h, now.UTC(), actor, event)
		if err != nil {
			return err
		}
		h.LastID, h.Hash = entry.ID, entry.Hash
		entries = append(entries, entry)
	}
	if _, err := tx.NewInsert().Model(&entries).Exec(ctx); err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	if _, err := tx.NewUpdate().Model(&h).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("move the audit log's head: %w", err)
	}
	return nil
}

// lockHead lets one transaction write to the log at a time, on all hosts.
func lockHead(ctx context.Context, tx bun.Tx) (head, error) {
	var h head
	if err := tx.NewSelect().Model(&h).Where("id = 1").For("UPDATE").Scan(ctx); err != nil {
		return h, fmt.Errorf("lock the audit log: %w", err)
	}
	return h, nil
}

func newEntry(h head, now time.Time, actor Actor, event Event) (Entry, error) {
	changes := event.Changes
	if changes == nil {
		changes = []Change{}
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return Entry{}, fmt.Errorf("write changes for the audit log: %w", err)
	}
	entry := Entry{
		ID: h.LastID + 1, At: now, ActorID: actor.ID, Actor: actor.Name, Action: event.Action, TargetID: event.TargetID,
		Target: event.Target, Changes: string(text), RequestID: actor.RequestID, IP: actor.IP, PrevHash: h.Hash,
	}
	if err := entry.sealParts(); err != nil {
		return entry, err
	}
	entry.Hash, err = entry.digest()
	return entry, err
}

// digest is the SHA-256 of the entry's fields as a JSON array, the hash of the entry before it included. What tells of
// people is in it by its seals, or, in entries of before there were any, as it stands.
func (e *Entry) digest() ([]byte, error) {
	at := e.At.UTC().Format("2006-01-02T15:04:05.000000Z")
	fields := []any{e.ID, at, e.ActorID, e.Actor, e.Action, e.TargetID, e.Target, e.Changes, e.RequestID, e.IP, e.PrevHash}
	if e.isSealed() {
		fields = []any{"sealed", e.ID, at, e.ActorID, e.Action, e.TargetID, e.RequestID, e.ActorSeal, e.TargetSeal, e.PrevHash}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("hash an audit entry: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// BrokenError tells at which entry the chain does not hold.
type BrokenError struct {
	ID     int64
	Reason string
}

// Error implements error.
func (e *BrokenError) Error() string { return fmt.Sprintf("audit entry %d: %s", e.ID, e.Reason) }

// verifyBatch bounds the memory that Verify takes.
const verifyBatch = 500

// Verify reads the whole log and returns how many entries hold together, and a *BrokenError for the first that does not.
func Verify(ctx context.Context, db *bun.DB) (int64, error) {
	prev, last, erased := make([]byte, sha256.Size), int64(0), erasures{}
	var h head
	// The head is read first: entries written meanwhile come after it and are left out.
	if err := db.NewSelect().Model(&h).Where("id = 1").Scan(ctx); err != nil {
		return 0, fmt.Errorf("read the audit log's head: %w", err)
	}
	for {
		var batch []Entry
		err := db.NewSelect().Model(&batch).Where("id > ?", last).Where("id <= ?", h.LastID).Order("id").Limit(verifyBatch).Scan(ctx)
		if err != nil {
			return last, fmt.Errorf("read the audit log after entry %d: %w", last, err)
		}
		for i := range batch {
			if err := batch[i].check(last, prev); err != nil {
				return last, err
			}
			last, prev = batch[i].ID, batch[i].Hash
			erased.see(&batch[i])
		}
		if len(batch) < verifyBatch {
			break
		}
	}
	if last != h.LastID || !bytes.Equal(prev, h.Hash) {
		return last, &BrokenError{ID: last + 1, Reason: fmt.Sprintf("missing: the log should end with entry %d", h.LastID)}
	}
	return last, erased.unexplained(ctx, db, last)
}

func (e *Entry) check(last int64, prev []byte) error {
	if e.ID != last+1 {
		return &BrokenError{ID: last + 1, Reason: "missing"}
	}
	if !bytes.Equal(e.PrevHash, prev) {
		return &BrokenError{ID: e.ID, Reason: "does not follow from the entry before it"}
	}
	sum, err := e.digest()
	if err != nil {
		return errors.Join(&BrokenError{ID: e.ID, Reason: "unreadable"}, err)
	}
	whole, err := e.partsHold()
	if err != nil {
		return errors.Join(&BrokenError{ID: e.ID, Reason: "unreadable"}, err)
	}
	if !whole || !bytes.Equal(sum, e.Hash) {
		return &BrokenError{ID: e.ID, Reason: "was changed after it was written"}
	}
	return nil
}

// Query chooses entries, newest first.
type Query struct {
	TargetID int64  // of this person, if not zero
	PersonID int64  // of or by this person, if not zero
	Actor    string // by this name, if not empty
	Action   string // actions that begin so, if not empty
	Before   int64  // older than this entry, if not zero
	Limit    int
}

// List returns entries and whether there are more.
func List(ctx context.Context, db bun.IDB, q Query) ([]Entry, bool, error) {
	limit := min(max(q.Limit, 1), 200)
	var entries []Entry
	sel := db.NewSelect().Model(&entries).Order("id DESC").Limit(int64(limit) + 1)
	if q.TargetID != 0 {
		sel.Where("target_id = ?", q.TargetID)
	}
	if q.PersonID != 0 {
		sel.Where("target_id = ? OR actor_id = ?", q.PersonID, q.PersonID)
	}
	if q.Actor != "" {
		sel.Where("actor = ?", q.Actor)
	}
	if q.Action != "" {
		sel.Where("LEFT(action, ?) = ?", len(q.Action), q.Action)
	}
	if q.Before != 0 {
		sel.Where("id < ?", q.Before)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, false, fmt.Errorf("read the audit log: %w", err)
	}
	if len(entries) > limit {
		return entries[:limit], true, nil
	}
	return entries, false, nil
}
