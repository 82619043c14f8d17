// Package apptest gives the app's tests a real MariaDB: one server for each test binary, one migrated database for each
// test. Nothing outside of tests imports it.
package apptest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/migrations"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/lab/database"
)

var (
	once     sync.Once
	server   *database.Server
	errStart error
)

// Main runs a package's tests and stops the server that they started, if any. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if server != nil {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Server is the test binary's MariaDB.
func Server(t testing.TB) *database.Server {
	t.Helper()
	once.Do(func() { server, errStart = database.Start(context.Background(), database.Options{}) })
	if errStart != nil {
		t.Fatal(errStart)
	}
	return server
}

var epoch = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)

// EncryptionKey and SetupSecret are what Config gives.
const (
	EncryptionKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	SetupSecret   = "setup-secret-for-tests"
)

// Config is valid settings with an empty database of their own and a cheap password hash.
func Config(t testing.TB, overrides ...string) *config.Config {
	t.Helper()
	name, err := Server(t).NewDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"UMS_DATABASE_URL": Server(t).URL(name), "UMS_ENCRYPTION_KEY": EncryptionKey, "UMS_SETUP_SECRET": SetupSecret,
		"UMS_HOST_ID": "host-a", "UMS_ZONE": "zone-a", "UMS_ARGON2": "m=64,t=1,p=1", "UMS_DRAIN": "0s",
		"UMS_TRUSTED_PROXIES": "127.0.0.0/8",
	}
	for i := 0; i+1 < len(overrides); i += 2 {
		environment[overrides[i]] = overrides[i+1]
	}
	cfg, err := config.Parse(environment)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Open connects to the database of the settings and migrates it.
func Open(t testing.TB, cfg *config.Config) *bun.DB {
	t.Helper()
	db, err := store.Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := migrations.Run(context.Background(), cfg, nil); err != nil {
		t.Fatal(err)
	}
	return db
}

// DB is a migrated database of the test's own.
func DB(t testing.TB) *bun.DB {
	t.Helper()
	return Open(t, Config(t))
}
