package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/lab/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// statements keeps the SQL that runs on a database.
type statements struct {
	mu   sync.Mutex
	list []string
}

func (*statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (s *statements) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, e.Query)
}

// TestStatementsAreThoseOfMySQLOnMariaDBToo does one of everything that writes. Bun writes RETURNING where it finds MariaDB
// and not on MySQL, where fields would stay empty that tests on MariaDB see filled.
func TestStatementsAreThoseOfMySQLOnMariaDBToo(t *testing.T) {
	ctx := context.Background()
	seen := &statements{}
	db := apptest.DB(t).WithQueryHook(seen)
	w := apptest.NewWorld(t, db)
	u := w.Person(t, "ada", users.RoleAdmin)
	read, err := w.Users.Get(ctx, u.ID)
	if err != nil || u.ID == 0 || read.Username != "ada" || !read.CreatedAt.Equal(u.CreatedAt) || read.Version != u.Version {
		t.Errorf("what an insertion left in the row in memory is %+v, in the database %+v, error %v", u, read, err)
	}
	if _, err := w.Auth.CreateToken(ctx, apptest.Tester, u, "t", []string{"users:read"}, 1); err != nil {
		t.Fatal(err)
	}
	if list, err := w.Auth.Tokens(ctx, u.ID); err != nil || len(list) != 1 || list[0].ID == 0 {
		t.Errorf("tokens %+v, error %v", list, err)
	}
	importAndPurge(ctx, t, w)
	for _, statement := range seen.list {
		if strings.Contains(strings.ToUpper(statement), "RETURNING") {
			t.Errorf("MySQL does not know this: %s", statement)
		}
	}
	if len(seen.list) < 10 {
		t.Errorf("only %d statements were seen", len(seen.list))
	}
}

// importAndPurge adds two people by a file and removes one of them for good.
func importAndPurge(ctx context.Context, t *testing.T, w *apptest.World) {
	t.Helper()
	if _, err := w.Users.Import(ctx, apptest.Tester, []byte("username,email\nbob,bob@example.org\ncarol,carol@example.org\n")); err != nil {
		t.Fatal(err)
	}
	bob, err := w.Users.ByLogin(ctx, "bob")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Users.Delete(ctx, apptest.Tester, bob.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.Users.Purge(ctx, apptest.Tester, bob.ID, 0); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := audit.List(ctx, w.DB, audit.Query{TargetID: bob.ID, Limit: 9}); err != nil || len(entries) != 3 {
		t.Errorf("%d entries tell of Bob, error %v: want his import, deletion and removal", len(entries), err)
	}
}

func TestDuplicatesAreKnownAsBothServersTellThem(t *testing.T) {
	for message, want := range map[string]string{
		"Duplicate entry 'ada-1' for key 'users.uq_users_username'": "uq_users_username", // MySQL 8
		"Duplicate entry 'ada-1' for key 'uq_users_username'":       "uq_users_username", // MariaDB
		"Duplicate entry 'a'b.c' for key 'uq_users_email'":          "uq_users_email",
	} {
		if key, ok := store.IsDuplicate(&mysql.MySQLError{Number: 1062, Message: message}); !ok || key != want {
			t.Errorf("%s: %q, %v", message, key, ok)
		}
	}
	if _, ok := store.IsDuplicate(errors.New("Duplicate entry")); ok {
		t.Error("any error is taken for a duplicate")
	}
}

// TestADeadlockIsTriedAgain has two transactions take two rows in opposite order.
func TestADeadlockIsTriedAgain(t *testing.T) {
	ctx := context.Background()
	db := apptest.DB(t)
	w := apptest.NewWorld(t, db)
	first, second := w.Person(t, "ada", users.RoleUser), w.Person(t, "bob", users.RoleUser)
	var tries [2]int
	var both sync.WaitGroup // until each holds its first row
	both.Add(2)
	take := func(i int, order []int64) error {
		return store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
			tries[i]++
			for n, id := range order {
				if _, err := tx.ExecContext(ctx, "UPDATE users SET display_name = CONCAT(display_name, '.') WHERE id = ?", id); err != nil {
					return err
				}
				if n == 0 && tries[i] == 1 {
					both.Done()
					both.Wait()
				}
			}
			return nil
		})
	}
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { errs[0] = take(0, []int64{first.ID, second.ID}) })
	wg.Go(func() { errs[1] = take(1, []int64{second.ID, first.ID}) })
	wg.Wait()
	if errs[0] != nil || errs[1] != nil || tries[0]+tries[1] < 3 {
		t.Errorf("errors %v, tries %v: want both to succeed, one of them at a later try", errs, tries)
	}
	u, err := w.Users.Get(ctx, first.ID)
	if err != nil || u.DisplayName != "The ada.." {
		t.Errorf("the row holds %q, error %v: want each change once", u.DisplayName, err)
	}
}

// TestALockIsHeldOnceAndGoesWithItsHolder takes the same lock on two hosts, and cuts a holder's connection.
func TestALockIsHeldOnceAndGoesWithItsHolder(t *testing.T) {
	ctx := context.Background()
	cfg := apptest.Config(t)
	a, b := apptest.Open(t, cfg), apptest.Open(t, cfg)
	err := store.WithLock(ctx, a, "job", 0, func(ctx context.Context) error {
		if err := store.WithLock(ctx, b, "job", 0, func(context.Context) error { return nil }); !errors.Is(err, store.ErrLockTaken) {
			t.Errorf("a lock that another host holds: %v", err)
		}
		if err := store.WithLock(ctx, b, "another", 0, func(context.Context) error { return nil }); err != nil {
			t.Errorf("another lock: %v", err)
		}
		// The other host waits. This one loses its connection, as if it had died.
		taken := make(chan error, 1)
		go func() {
			taken <- store.WithLock(ctx, b, "job", 30*time.Second, func(context.Context) error { return nil })
		}()
		if err := apptest.Server(t).KillConnections(ctx); err != nil {
			return err
		}
		if err := <-taken; err != nil && !store.IsUnavailable(err) {
			return err
		}
		// Whether or not the waiting connection was cut as well, the lock is free now.
		return store.WithLock(ctx, b, "job", 30*time.Second, func(context.Context) error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
}

// TestATransactionGoesOnAfterATableWasChangedUnderIt has a table rebuilt, as a migration of the next release does, between two
// readings of a transaction: the database then refuses the second.
func TestATransactionGoesOnAfterATableWasChangedUnderIt(t *testing.T) {
	ctx, db := context.Background(), apptest.DB(t)
	rounds, settings := 0, 0
	err := store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
		var people int
		if err := tx.NewRaw("SELECT COUNT(*) FROM users").Scan(ctx, &people); err != nil {
			return err
		}
		if rounds++; rounds == 1 {
			if _, err := db.ExecContext(ctx, "ALTER TABLE settings FORCE"); err != nil {
				return err
			}
		}
		return tx.NewRaw("SELECT COUNT(*) FROM settings").Scan(ctx, &settings)
	})
	if err != nil || settings == 0 || rounds != 2 {
		t.Errorf("after %d rounds there are %d settings, error %v; want them in the second round", rounds, settings, err)
	}
}
