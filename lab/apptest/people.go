package apptest

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/internal/hostcontract"
)

// Password is a password that the policy accepts, for whoever a test signs in.
const Password = "seventeen violet kettles hum"

// Tester is the actor of what tests do.
var Tester = audit.Actor{Name: "tester"}

// World is an app's services on a database, without HTTP. Two of them on one database are two hosts.
type World struct {
	DB       *bun.DB
	Users    *users.Service
	Sessions *auth.Sessions
	Auth     *auth.Authenticator
	// Keys are those of Auth.
	Keys *auth.Keys
}

// NewWorld builds the services on a database.
func NewWorld(t testing.TB, db *bun.DB) *World {
	t.Helper()
	keys, err := auth.NewKeys(hostcontract.AppSecret{SetupSecret: SetupSecret, EncryptionKey: EncryptionKey})
	if err != nil {
		t.Fatal(err)
	}
	sessions := auth.NewSessions(db)
	people := users.New(
		db,
		sessions,
		password.NewHasher(password.Params{Memory: 64, Time: 1, Lanes: 1}),
		password.Policy{MinLength: 15},
	)
	return &World{DB: db, Users: people, Sessions: sessions, Auth: auth.NewAuthenticator(db, people, sessions, keys), Keys: keys}
}

// Person adds a person with Password.
func (w *World) Person(t testing.TB, name string, role users.Role) *users.User {
	t.Helper()
	u, err := w.Users.Create(context.Background(), Tester, users.Draft{
		Username: name, Email: name + "@example.org", DisplayName: "The " + name, Role: role, Status: users.StatusActive, Password: Password,
	})
	if err != nil {
		t.Fatalf("add %s: %v", name, err)
	}
	return u
}

// Crowd adds n people without passwords in one statement each hundred, for lists.
func (w *World) Crowd(t testing.TB, n int) {
	t.Helper()
	for from := 0; from < n; from += 500 {
		var rows []users.User
		for i := from; i < min(n, from+500); i++ {
			name := fmt.Sprintf("person%06d", i)
			rows = append(rows, users.User{
				Username: name, UsernameKey: users.UsernameKey(name), Email: name + "@example.org", EmailKey: users.EmailKey(name + "@example.org"),
				DisplayName: fmt.Sprintf("Person %d", i%97), Role: users.RoleUser, Status: users.Statuses[i%2], Version: 1,
				CreatedAt: epoch.AddDate(0, 0, i%50), UpdatedAt: epoch, CreatedBy: "tester",
			})
			if i%7 == 0 {
				end := epoch.AddDate(200, 0, i%20)
				rows[len(rows)-1].ExpiresAt = &end
			}
			if i%3 == 0 {
				at := epoch.AddDate(1, 0, i%20)
				rows[len(rows)-1].LastLoginAt = &at
			}
		}
		if _, err := w.DB.NewInsert().Model(&rows).Exec(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}
