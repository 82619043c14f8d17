package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
)

// attempts is how often a transaction is tried when the database gives it up as a deadlock's victim.
const attempts = 4

// InTx runs fn in a transaction and tries it again, a few times with a growing pause, when the database broke it off for
// a deadlock, a lock wait, or a table that the next release changed meanwhile. fn must therefore have no effect outside its
// transaction.
func InTx(ctx context.Context, db *bun.DB, fn func(ctx context.Context, tx bun.Tx) error) error {
	var err error
	for attempt := range attempts {
		err = db.RunInTx(ctx, nil, fn)
		if !isRetryable(err) {
			return err
		}
		pause := time.Duration(5+rand.IntN(20)) * time.Millisecond << attempt //nolint:gosec // spreads load, guards nothing
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("%w: %w", ErrBusy, err)
}

var (
	// ErrBusy says that the database kept breaking a transaction off; trying later can succeed.
	ErrBusy = errors.New("the database is too busy with the same rows")
	// ErrLockTaken says that another host holds the named lock.
	ErrLockTaken = errors.New("another host holds the lock")
)

func isRetryable(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && (my.Number == 1213 || my.Number == 1205 || my.Number == 1020 || my.Number == 1412)
}

// IsDuplicate says whether a unique key refused the row, and which key.
func IsDuplicate(err error) (key string, ok bool) {
	var my *mysql.MySQLError
	if !errors.As(err, &my) || my.Number != 1062 {
		return "", false
	}
	// "Duplicate entry 'x' for key 'users.uq_name'": MySQL writes the table before the key, MariaDB does not.
	message, quote := my.Message, byte('\'')
	if n := len(message); n > 1 && message[n-1] == quote {
		message = message[:n-1]
	}
	for i := len(message) - 1; i >= 0; i-- {
		if message[i] == quote || message[i] == '.' {
			return message[i+1:], true
		}
	}
	return message, true
}

// IsUnavailable says whether the error means that the database cannot be used right now: away, out of connections,
// starting, or refusing the account.
func IsUnavailable(err error) bool {
	if err == nil {
		return false
	}
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch my.Number {
		case 1040, 1053, 1203, 1226, 1045, 1044, 1049, 1290, 1792, 1836, 1317, 1927, 1969, 3024:
			return true
		}
		return false
	}
	var netErr net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(
			err,
			context.DeadlineExceeded,
		) || errors.As(err, &netErr) || errors.Is(err, ErrBusy) || errors.Is(err, ErrNoCredentials)
}

// ErrNoCredentials says that the database's account could not be read.
var ErrNoCredentials = errors.New("the database credentials cannot be read")

// WithLock runs fn while this host alone holds the named lock, in all hosts on this database. It waits for the lock at
// most the given time, rounded to seconds. The lock sits on a connection of its own and goes with it if the host dies.
func WithLock(ctx context.Context, db *bun.DB, name string, wait time.Duration, fn func(ctx context.Context) error) error {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect for the lock %s: %w", name, err)
	}
	defer func() { _ = conn.Close() }()
	var schema sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&schema); err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	// Lock names are the server's, not the database's, and at most 64 characters on MySQL.
	sum := sha256.Sum256([]byte(schema.String + "\x00" + name))
	key := "ums-" + hex.EncodeToString(sum[:20])
	if err := takeLock(ctx, conn, key, wait); err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", key)
	}()
	return fn(ctx)
}

// lockSlice keeps one wait for a lock shorter than the connection's read timeout.
const lockSlice = 10 * time.Second

func takeLock(ctx context.Context, conn *sql.Conn, key string, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; {
		slice := min(lockSlice, max(0, time.Until(deadline)))
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", key, int(slice.Seconds())).Scan(&got); err != nil {
			return err
		}
		if got.Int64 == 1 {
			return nil
		}
		if !time.Now().Before(deadline) {
			return ErrLockTaken
		}
	}
}
