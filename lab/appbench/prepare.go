package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/auth"
	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/migrations"
	"usermanagement.dev/stack/app/password"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/database"
)

// running is the app with somebody signed in.
type running struct {
	*process
	token, session string
}

const benchPassword = "seventeen violet kettles hum"

// signers is how many people the login measurement takes in turn.
const signers = 500

// prepare fills a database, signs an administrator in and starts the app on it.
func prepare(ctx context.Context, db *database.Server, binary, name string, size int) (*running, error) {
	cfg, err := config.Parse(map[string]string{"UMS_DATABASE_URL": db.URL(name), "UMS_ENCRYPTION_KEY": benchKey()})
	if err != nil {
		return nil, err
	}
	pool, err := store.Open(cfg, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pool.Close() }()
	if _, err := migrations.Run(ctx, cfg, nil); err != nil {
		return nil, err
	}
	cost, err := password.ParseParams(cfg.Argon2)
	if err != nil {
		return nil, err
	}
	keys, err := auth.NewKeys(hostcontract.AppSecret{EncryptionKey: benchKey()})
	if err != nil {
		return nil, err
	}
	sessions := auth.NewSessions(pool)
	people := users.New(pool, sessions, password.NewHasher(cost), password.Policy{MinLength: 15})
	authenticator := auth.NewAuthenticator(pool, people, sessions, keys)
	admin, err := people.Create(ctx, audit.System("bench"), users.Draft{
		Username: "admin", Email: "admin@example.org", Role: users.RoleAdmin, Status: users.StatusActive, Password: benchPassword,
	})
	if err != nil {
		return nil, err
	}
	for from := 0; from < size; from += 1000 {
		rows := make([]users.User, 0, 1000)
		for i := from; i < min(size, from+1000); i++ {
			rows = append(rows, made(admin, i))
		}
		if _, err := pool.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return nil, fmt.Errorf("fill the database: %w", err)
		}
	}
	r := &running{}
	if r.token, err = authenticator.CreateToken(ctx, audit.System("bench"), admin, "bench", auth.Scopes, 1); err != nil {
		return nil, err
	}
	signedIn, err := authenticator.SignIn(ctx, "admin", benchPassword, auth.Client{IP: "192.0.2.1"})
	if err != nil {
		return nil, err
	}
	r.session = signedIn.Token
	r.process, err = startApp(ctx, binary, db.URL(name))
	return r, err
}

// made is a person with the administrator's password hash, so that filling the database hashes once.
func made(admin *users.User, i int) users.User {
	name, address := person(i), person(i)+"@example.org"
	return users.User{
		Username: name, UsernameKey: users.UsernameKey(name), Email: address, EmailKey: users.EmailKey(address), DisplayName: "Person " + name,
		PasswordHash: admin.PasswordHash, Role: users.RoleUser, Status: users.StatusActive, Version: 1, CreatedAt: admin.CreatedAt,
		UpdatedAt: admin.UpdatedAt, CreatedBy: "bench",
	}
}

// login signs people in, each from an address of its own, as the limits are per person and per address.
func (r *running) login(ctx context.Context) func(n int) (*http.Request, error) {
	anonymous := auth.NewToken()
	return func(n int) (*http.Request, error) {
		form := url.Values{"login": {person(n % signers)}, "password": {benchPassword}, "_csrf": {auth.CSRFToken(anonymous)}}
		return request(ctx, http.MethodPost, r.url+"/login", strings.NewReader(form.Encode()), map[string]string{
			"Content-Type": "application/x-www-form-urlencoded", "Cookie": "__Host-anon=" + anonymous,
			"X-Forwarded-For": fmt.Sprintf("198.18.%d.%d", n/250%250, n%250),
		})
	}
}
