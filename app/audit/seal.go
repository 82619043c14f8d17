package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// An entry has two parts that tell of people: who acted, from where, and upon whom, from which value to which. The chain
// does not cover these texts but a seal of each: a hash of the text and of a random salt. Erasing a part takes its text
// and its salt. The seal that is left proves nothing of the text any more, as without the salt it cannot be guessed, and
// the chain holds as before.

// saltSize is 128 bits: enough that no list of names can be tried.
const saltSize = 16

// ActionPurge is the act after which a person's parts are erased, and without which they must not be.
const ActionPurge = "user.purge"

// erasedChanges is what stands in place of changes that were erased.
const erasedChanges = "[]"

func newSalt() []byte {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	return salt
}

// seal is the SHA-256 of a salt and, as a JSON array, of texts.
func seal(salt []byte, texts ...string) ([]byte, error) {
	text, err := json.Marshal(texts)
	if err != nil {
		return nil, fmt.Errorf("seal a part of an audit entry: %w", err)
	}
	sum := sha256.Sum256(append(bytes.Clone(salt), text...))
	return sum[:], nil
}

// sealParts gives a new entry its seals.
func (e *Entry) sealParts() error {
	e.ActorSalt, e.TargetSalt = newSalt(), newSalt()
	var errActor, errTarget error
	e.ActorSeal, errActor = seal(e.ActorSalt, e.Actor, e.IP)
	e.TargetSeal, errTarget = seal(e.TargetSalt, e.Target, e.Changes)
	return errors.Join(errActor, errTarget)
}

func (e *Entry) isSealed() bool { return e.ActorSeal != nil || e.TargetSeal != nil }

// ActorErased says whether it was erased who acted.
func (e *Entry) ActorErased() bool { return e.isSealed() && e.ActorSalt == nil }

// TargetErased says whether it was erased upon whom, and what changed.
func (e *Entry) TargetErased() bool { return e.isSealed() && e.TargetSalt == nil }

// partsHold says whether what stands in the entry is what was sealed, or nothing where it was erased.
func (e *Entry) partsHold() (bool, error) {
	if !e.isSealed() {
		return true, nil
	}
	if e.ActorErased() {
		if e.Actor != "" || e.IP != "" {
			return false, nil
		}
	} else if sum, err := seal(e.ActorSalt, e.Actor, e.IP); err != nil || !bytes.Equal(sum, e.ActorSeal) {
		return false, err
	}
	if e.TargetErased() {
		return e.Target == "" && e.Changes == erasedChanges, nil
	}
	sum, err := seal(e.TargetSalt, e.Target, e.Changes)
	return bytes.Equal(sum, e.TargetSeal), err
}

// owners are the people whose removal explains what was erased of the entry. What nobody in particular did, such as asking
// for a link without being signed in, belongs to the person it was about.
func (e *Entry) owners() []int64 {
	var ids []int64
	if e.ActorErased() {
		id := e.ActorID
		if id == 0 {
			id = e.TargetID
		}
		ids = append(ids, id)
	}
	if e.TargetErased() {
		ids = append(ids, e.TargetID)
	}
	return ids
}

// Erase takes a person's name, addresses and values out of the log, in the transaction that removes the person for good and
// that appends an entry of ActionPurge. What, when, in which request and the person's id stay. It returns how many entries
// cannot be erased, because they were written before there were seals.
func Erase(ctx context.Context, tx bun.Tx, personID int64) (int, error) {
	if _, err := lockHead(ctx, tx); err != nil { // before the entries: whoever appends takes the two in this order
		return 0, err
	}
	for _, statement := range []string{
		"UPDATE audit_log SET target = '', changes = '" + erasedChanges + "', target_salt = NULL WHERE target_id = ? AND target_seal IS NOT NULL",
		"UPDATE audit_log SET actor = '', ip = '', actor_salt = NULL WHERE actor_id = ? AND actor_seal IS NOT NULL",
		"UPDATE audit_log SET actor = '', ip = '', actor_salt = NULL WHERE target_id = ? AND actor_id = 0 AND actor_seal IS NOT NULL",
	} {
		if _, err := tx.NewRaw(statement, personID).Exec(ctx); err != nil {
			return 0, fmt.Errorf("erase person %d from the audit log: %w", personID, err)
		}
	}
	var kept int
	err := tx.NewRaw("SELECT COUNT(*) FROM audit_log WHERE (target_id = ?0 OR actor_id = ?0) AND target_seal IS NULL", personID).
		Scan(ctx, &kept)
	if err != nil {
		return 0, fmt.Errorf("count what is kept of person %d in the audit log: %w", personID, err)
	}
	return kept, nil
}

// erasures watches, entry by entry, that only people who were removed for good are erased.
type erasures map[int64]int64 // person to the first entry that lacks a part

func (p erasures) see(e *Entry) {
	for _, id := range e.owners() {
		if _, ok := p[id]; !ok {
			p[id] = e.ID
		}
	}
	if e.Action == ActionPurge {
		delete(p, e.TargetID)
	}
}

// unexplained returns the first entry that lacks a part of somebody who was never removed. Removals since the log's head
// was read count too.
func (p erasures) unexplained(ctx context.Context, db *bun.DB, last int64) error {
	var first *BrokenError
	for person, entry := range p {
		removed, err := db.NewSelect().Model((*Entry)(nil)).Where("id > ?", last).Where("action = ?", ActionPurge).
			Where("target_id = ?", person).Exists(ctx)
		if err != nil {
			return fmt.Errorf("look for the removal of person %d: %w", person, err)
		}
		if !removed && (first == nil || entry < first.ID) {
			first = &BrokenError{ID: entry, Reason: fmt.Sprintf("a part was erased, but user %d was never removed for good", person)}
		}
	}
	if first != nil {
		return first
	}
	return nil
}
