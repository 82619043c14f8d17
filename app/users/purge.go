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
		if err := eraseFromTables(ctx, tx, id, u.Username); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(u).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("purge user %d: %w", id, err)
		}
		return recordPurge(ctx, tx, actor, id)
	})
}

func eraseFromTables(ctx context.Context, tx bun.Tx, id int64, username string) error {
	number := strconv.FormatInt(id, 10)
	for _, statement := range erasure {
		if _, err := tx.NewRaw(statement, id, username, "#"+number, `{"id":`+number+`,%`).Exec(ctx); err != nil {
			return fmt.Errorf("purge user %d: %w", id, err)
		}
	}
	return nil
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

const (
	finishSetting = "removals_finished_until"
	// finishBatch is how many removals one transaction finishes.
	finishBatch = 20
)

// FinishPurges takes whoever was removed for good on a host of an earlier release out of what that release did not know of:
// later tables, and the entries of the audit log with seals. Such a host serves while this release is rolled out, and after it
// was withdrawn. Its own entries of a removal have no seals; that is how they are told. It returns how many removals it
// finished; more may wait as long as there were any.
func (s *Service) FinishPurges(ctx context.Context) (int, error) {
	count := 0
	err := store.InTx(ctx, s.db, func(ctx context.Context, tx bun.Tx) error {
		from, until, err := lockFinished(ctx, tx)
		if err != nil {
			return err
		}
		var removals []audit.Entry
		err = tx.NewSelect().Model(&removals).Column("id", "target_id", "target").Where("id > ?", from).Where("id <= ?", until).
			Where("action = ?", audit.ActionPurge).Where("target_seal IS NULL").Order("id").Limit(finishBatch).Scan(ctx)
		if err != nil {
			return fmt.Errorf("look for removals of an earlier release: %w", err)
		}
		if count = len(removals); count == finishBatch {
			until = removals[count-1].ID
		}
		for i := range removals {
			if err := finishPurge(ctx, tx, &removals[i]); err != nil {
				return err
			}
		}
		_, err = tx.NewRaw("UPDATE settings SET value = ? WHERE name = ?", strconv.FormatInt(until, 10), finishSetting).Exec(ctx)
		if err != nil {
			return fmt.Errorf("note which removals are finished: %w", err)
		}
		return nil
	})
	return count, err
}

// lockFinished returns the entry of the audit log up to which removals are finished, and the last one that there is.
func lockFinished(ctx context.Context, tx bun.Tx) (from, until int64, err error) {
	if _, err := tx.NewRaw("INSERT IGNORE INTO settings (name, value) VALUES (?, '0')", finishSetting).Exec(ctx); err != nil {
		return 0, 0, fmt.Errorf("note which removals are finished: %w", err)
	}
	err = tx.NewRaw("SELECT CAST(value AS UNSIGNED), (SELECT last_id FROM audit_head WHERE id = 1) FROM settings WHERE name = ? FOR UPDATE",
		finishSetting).Scan(ctx, &from, &until)
	if err != nil {
		return 0, 0, fmt.Errorf("read which removals are finished: %w", err)
	}
	return from, until, nil
}

func finishPurge(ctx context.Context, tx bun.Tx, removal *audit.Entry) error {
	if err := eraseFromTables(ctx, tx, removal.TargetID, removal.Target); err != nil {
		return err
	}
	_, err := audit.Erase(ctx, tx, removal.TargetID)
	return err
}
