package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/app/users"
)

var (
	givenNames = strings.Fields(
		"Ada Grace Alan Katherine Edsger Barbara Donald Hedy Linus Margaret Dennis Radia Ken Frances Tim Anita Niklaus Jean Claude Mary Örjan " +
			"Zoë Łucja İpek",
	)
	familyNames = strings.Fields(
		"Lovelace Hopper Turing Johnson Dijkstra Liskov Knuth Lamarr Torvalds Hamilton Ritchie Perlman Thompson Allen Lee Borg Wirth Bartik " +
			"Shannon Jackson Åberg Müller Nowak Yılmaz",
	)
)

// makePeople adds people who differ in everything that the list can filter by. The same seed makes the same people.
func makePeople(ctx context.Context, db *bun.DB, n int) error {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // made-up people
	return store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
		now, err := store.Now(ctx, tx)
		if err != nil {
			return err
		}
		var people []users.User
		for i := range n {
			people = append(people, person(random, now, i))
		}
		if _, err := tx.NewInsert().Model(&people).Exec(ctx); err != nil {
			return fmt.Errorf("make people up: %w", err)
		}
		if err := signIns(ctx, tx, random, now, n); err != nil {
			return err
		}
		return audit.Append(
			ctx,
			tx,
			audit.System("app-dev"),
			audit.Event{Action: "dev.seed", Changes: []audit.Change{{Field: "people", After: strconv.Itoa(n)}}},
		)
	})
}

func person(random *rand.Rand, now time.Time, i int) users.User {
	given, family := givenNames[random.IntN(len(givenNames))], familyNames[random.IntN(len(familyNames))]
	name := fmt.Sprintf("%s%03d", ascii(given), i+1)
	address := name + "@example.org"
	u := users.User{
		Username: name, UsernameKey: users.UsernameKey(name), Email: address, EmailKey: users.EmailKey(address), DisplayName: given + " " +
			family,
		PasswordHash: "!", Role: users.RoleUser, Status: users.StatusActive, Version: 1, CreatedBy: "app-dev",
		CreatedAt: now.AddDate(0, 0, -random.IntN(700)), UpdatedAt: now,
	}
	switch i % 12 {
	case 3:
		u.Status = users.StatusDisabled
	case 5:
		u.PasswordHash = ""
	case 7:
		at := now.AddDate(0, 0, -3)
		u.TOTPEnabledAt = &at
	case 9: // temporary access; of some it has ended
		end := now.AddDate(0, 0, i%60-20)
		u.ExpiresAt = &end
	case 11:
		until := now.Add(15 * time.Minute)
		u.LockedUntil = &until
	}
	if i%40 == 9 {
		u.DeletedAt = &now
	}
	if i%4 != 0 {
		at := now.Add(-time.Duration(random.IntN(200*24)) * time.Hour)
		u.LastLoginAt = &at
	}
	return u
}

// ascii keeps of a name what a username may hold.
func ascii(s string) string {
	s = strings.ToLower(strings.NewReplacer("Ö", "O", "ë", "e", "Ł", "L", "İ", "I").Replace(s))
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, s)
}

func signIns(ctx context.Context, tx bun.Tx, random *rand.Rand, now time.Time, n int) error {
	for day := range 14 {
		for range min(n, 10+random.IntN(30)) {
			outcome := "ok"
			if random.IntN(6) == 0 {
				outcome = "wrong"
			}
			at := now.AddDate(0, 0, -day).Add(-time.Duration(random.IntN(600)) * time.Minute)
			_, err := tx.NewRaw("INSERT INTO sign_ins (at, user_id, outcome, method, ip, user_agent, request_id) VALUES (?, ?, ?, 'password', "+
				"'192.0.2.7', 'Firefox/140 Linux', '')",
				at, 1+random.IntN(n), outcome).
				Exec(ctx)
			if err != nil {
				return fmt.Errorf("make sign-ins up: %w", err)
			}
		}
	}
	return nil
}
