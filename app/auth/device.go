package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

// NoticeDays is for how long the owner of an account is told of a new device.
const NoticeDays = 30

// Notice tells the owner of an account of a sign-in from a browser that the account did not know.
type Notice struct {
	SignInID  int64     `bun:"sign_in_id"`
	At        time.Time `bun:"at"`
	IP        string    `bun:"ip"`
	UserAgent string    `bun:"user_agent"`
}

func knows(ctx context.Context, db bun.IDB, userID int64, device string) (bool, error) {
	if device == "" {
		return false, nil
	}
	known, err := db.NewSelect().Table("known_devices").Where("hash = ?", hash(device)).Where("user_id = ?", userID).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look the device up: %w", err)
	}
	return known, nil
}

// meetDevice remembers the browser of a sign-in that is complete. If the account did not know it, and has been signed in
// to before, its owner is to be told. A cookie that this app gave out, to whomever, is kept: several people may share a
// browser. Any other is replaced, so that nobody can plant one that is known elsewhere.
func (a *Authenticator) meetDevice(ctx context.Context, tx bun.Tx, res *Result, signIn int64, client Client) error {
	u := res.User
	res.Device, res.NewDevice = "", false
	if known, err := knows(ctx, tx, u.ID, client.Device); err != nil || known {
		return err
	}
	device := client.Device
	issued, err := tx.NewSelect().Table("known_devices").Where("hash = ?", hash(device)).Exists(ctx)
	if err != nil {
		return fmt.Errorf("look the device up: %w", err)
	}
	if !issued {
		device = NewToken()
		res.Device = device
	}
	now, err := store.Now(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.NewRaw("INSERT INTO known_devices (hash, user_id, created_at) VALUES (?, ?, ?)", hash(device), u.ID, now).
		Exec(ctx); err != nil {
		return fmt.Errorf("remember the device: %w", err)
	}
	if u.LastLoginAt == nil {
		return nil
	}
	res.NewDevice, res.At = true, now
	if _, err := tx.NewRaw("INSERT INTO device_notices (sign_in_id, user_id, device, at) VALUES (?, ?, ?, ?)", signIn, u.ID,
		hash(device), now).Exec(ctx); err != nil {
		return fmt.Errorf("note the new device: %w", err)
	}
	return nil
}

// openNotice chooses the notices that a browser may see and put away: those of browsers that came after it. Whoever got
// in with a stolen password can thus not hide from the owner that it happened, from however many browsers.
const openNotice = "n.user_id = ? AND n.dismissed_at IS NULL AND n.at > UTC_TIMESTAMP(6) - INTERVAL ? DAY AND EXISTS (SELECT 1 FROM " +
	"known_devices AS d WHERE d.hash = ? AND d.user_id = n.user_id AND d.hash <> n.device AND d.created_at < n.at)"

// noticeLimit is how many notices a page shows.
const noticeLimit = 3

// Notices are what the owner of an account, with this browser, has not put away yet; the newest first.
func (a *Authenticator) Notices(ctx context.Context, userID int64, device string) ([]Notice, error) {
	var list []Notice
	err := a.db.NewRaw("SELECT n.sign_in_id, n.at, si.ip, si.user_agent FROM device_notices AS n JOIN sign_ins AS si ON si.id = n.sign_in_id "+
		"WHERE "+openNotice+" ORDER BY n.sign_in_id DESC LIMIT ?", userID, NoticeDays, hash(device), noticeLimit).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("list notices of new devices: %w", err)
	}
	return list, nil
}

// DismissNotice puts a notice away and records it.
func (a *Authenticator) DismissNotice(ctx context.Context, u *users.User, signIn int64, client Client) error {
	return store.InTx(ctx, a.db, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewRaw("UPDATE device_notices AS n SET n.dismissed_at = UTC_TIMESTAMP(6) WHERE n.sign_in_id = ? AND "+openNotice,
			signIn, u.ID, NoticeDays, hash(client.Device)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("put a notice away: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(users.ErrNotFound, err)
		}
		return audit.Append(ctx, tx, client.actor(u.ID, u.Username),
			audit.Event{Action: "notice.dismiss", TargetID: u.ID, Target: u.Username})
	})
}
