package database

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestServerServesAndLeavesNothingBehind(t *testing.T) {
	ctx := context.Background()
	srv, err := Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Stop() })
	name, err := srv.NewDatabase(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.CreateDatabase(ctx, "bad`name"); err == nil {
		t.Error("a database name with a quote in it was accepted")
	}
	db, err := sql.Open("mysql", srv.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var bind, zone string
	if err := db.QueryRowContext(ctx, "SELECT @@bind_address, @@time_zone").Scan(&bind, &zone); err != nil {
		t.Fatal(err)
	}
	if bind != "127.0.0.1" || zone != "+00:00" {
		t.Errorf("bind address %s, time zone %s: want loopback and UTC", bind, zone)
	}
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(srv.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %s is still there after Stop", srv.dir)
	}
}

func TestServerKeepsItsDataInAFolderOfTheCaller(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), strings.Repeat("a-long-path", 10))
	for round := range 2 {
		srv, err := Start(ctx, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("mysql", srv.DSN(""))
		if err != nil {
			t.Fatal(err)
		}
		var kept int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name='kept'").
			Scan(&kept); err != nil {
			t.Error(err)
		}
		if kept != round {
			t.Errorf("start %d: the database made earlier is there %d times", round+1, kept)
		}
		if err := srv.CreateDatabase(ctx, "kept"); err != nil {
			t.Error(err)
		}
		_ = db.Close()
		if err := srv.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServerIsTheOneAskedFor(t *testing.T) {
	for engine, mariaDB := range map[string]bool{"mysql": os.Getenv(MySQLVariable) == "", EngineMariaDB: true} {
		srv, err := Start(context.Background(), Options{Engine: engine})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = srv.Stop() })
		var version string
		if err := srv.admin.QueryRowContext(context.Background(), "SELECT VERSION()").Scan(&version); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(version, "MariaDB") != mariaDB {
			t.Errorf("asked for %s: got %s", engine, version)
		}
	}
}

func TestAFolderWithoutMySQLIsRefused(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(MySQLVariable, folder)
	if _, err := Start(context.Background(), Options{}); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("error %v: want one that names %s", err, folder)
	}
}

// A start that was cut off leaves a folder that is not whole; the next one begins it again.
func TestServerBeginsAnUnfinishedFolderAgain(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	unfinished := filepath.Join(dir, "data.unfinished", "mysql")
	if err := os.MkdirAll(unfinished, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(unfinished, "user.frm"), []byte("half a table"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv, err := Start(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Stop() })
	if _, err := os.Stat(filepath.Dir(unfinished)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished folder is still there: %v", err)
	}
}

// A server that starts removes the temporary tables it finds, those of others among them.
func TestServersStartAtTheSameTime(t *testing.T) {
	var all errgroup.Group
	for range 8 {
		all.Go(func() error {
			srv, err := Start(context.Background(), Options{})
			if err != nil {
				return err
			}
			return srv.Stop()
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
}

func TestMissingServerIsExplained(t *testing.T) {
	if _, err := findProgram("no-such-database-server"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("got %v, want the sentence that says how to install it", err)
	}
}
