package users

import (
	"context"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

// erasure are the statements that take a person out of every table but users and audit_log. ?0 is the id, ?1 the username,
// ?2 what stands in its place, ?3 how an answer begins that the API gave when it made the person.
var erasure = []string{
	"DELETE FROM sessions WHERE user_id = ?0",
	"DELETE FROM api_tokens WHERE user_id = ?0",
	"DELETE FROM links WHERE user_id = ?0",
	"DELETE FROM recovery_codes WHERE user_id = ?0",
	"DELETE FROM known_devices WHERE user_id = ?0",
	"DELETE FROM device_notices WHERE user_id = ?0",
	"DELETE FROM saved_views WHERE user_id = ?0",
	"DELETE FROM idempotency_keys WHERE user_id = ?0 OR body LIKE ?3",
	"DELETE FROM imports WHERE actor_id = ?0",
	"DELETE FROM bulk_operations WHERE actor_id = ?0",
	// What the person did to others names the person. Somebody else may have the name by now, so the log is asked who did it.
	"UPDATE links SET created_by = ?2 WHERE created_by = ?1 AND user_id IN (SELECT target_id FROM audit_log WHERE actor_id = ?0 AND " +
		"action IN ('link.invite', 'link.reset'))",
	"UPDATE users SET created_by = ?2 WHERE created_by = ?1 AND id IN (SELECT target_id FROM audit_log WHERE actor_id = ?0 AND " +
		"action IN ('user.create', 'user.import') OR action = 'user.import_legacy')",
	// The counts of sign-ins stay.
	"UPDATE sign_ins SET user_id = NULL, ip = '', user_agent = '' WHERE user_id = ?0",
}

// Purge removes a deleted person for good, with everything that hangs on the account. The audit log keeps what happened and
// when, under the id, but no name, no address and no value.
func (s *Service) Purge(ctx context.Context, actor audit.Actor, id, version int64) error {
	return store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		u, err := lockUser(ctx, tx, change{id: id, version: version, deleted: true})
		if err != nil {
			return err
		}
		if u.DeletedAt == nil {
			return ErrNotFound // only what was deleted first can be purged
		}
		number := strconv.FormatInt(id, 10)
		for _, statement := range erasure {
			if _, err := tx.NewRaw(statement, id, u.Username, "#"+number, `{"id":`+number+`,%`).Exec(ctx); err != nil {
				return fmt.Errorf("purge user %d: %w", id, err)
			}
		}
		if _, err := tx.NewDelete().Model(u).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("purge user %d: %w", id, err)
		}
		return recordPurge(ctx, tx, actor, id)
	})
}

// recordPurge erases the person from the audit log and says so there; also how many entries are too old to be erased.
func recordPurge(ctx context.Context, tx bun.Tx, actor audit.Actor, id int64) error {
	kept, err := audit.Erase(ctx, tx, id)
	if err != nil {
		return err
	}
	event := audit.Event{Action: audit.ActionPurge, TargetID: id}
	if kept > 0 {
		event.Changes = []audit.Change{{Field: "entries_kept", After: strconv.Itoa(kept)}}
	}
	return audit.Append(ctx, tx, actor, event)
}
