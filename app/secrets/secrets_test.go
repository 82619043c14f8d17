package secrets_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/app/config"
	"usermanagement.dev/stack/app/secrets"
	"usermanagement.dev/stack/app/store"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/apptest"
	"usermanagement.dev/stack/lab/database"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// vault stands for Secrets Manager.
type vault map[string]string

func (v vault) Get(_ context.Context, arn string) (string, error) {
	if text, ok := v[arn]; ok {
		return text, nil
	}
	return "", errors.New("AccessDeniedException")
}

func TestARotatedPasswordIsFollowedWithoutARestart(t *testing.T) {
	ctx := context.Background()
	srv, err := database.Start(ctx, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Stop() })
	put := func(v vault) {
		text, err := json.Marshal(hostcontract.DatabaseSecret{Username: srv.Username(), Password: srv.Password()})
		if err != nil {
			t.Fatal(err)
		}
		v["arn:db"] = string(text)
	}
	v := vault{}
	put(v)
	cfg := &config.Config{DatabaseHost: "127.0.0.1", DatabasePort: srv.Port(), DatabaseTLS: config.TLSDisabled, DatabaseConns: 4}
	db, err := store.Open(cfg, secrets.NewDatabaseAccount(v, "arn:db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := store.Now(ctx, db); err != nil {
		t.Fatal(err)
	}
	if err := srv.SetPassword(ctx, "rotated-password"); err != nil {
		t.Fatal(err)
	}
	put(v)
	if _, err := store.Now(ctx, db); err != nil {
		t.Errorf("an open connection: %v", err)
	}
	if err := srv.KillConnections(ctx); err != nil {
		t.Fatal(err)
	}
	deadline := 40
	for ; deadline > 0; deadline-- {
		if _, err = store.Now(ctx, db); err == nil {
			break
		}
		if !store.IsUnavailable(err) {
			t.Fatalf("while the password is read anew, the error should mean that the database is away: %v", err)
		}
		waitABit(t)
	}
	if err != nil {
		t.Errorf("after the rotation: %v", err)
	}
}

func TestTheAppSecretIsCheckedAndNeverRepeated(t *testing.T) {
	ctx := context.Background()
	for text, want := range map[string]string{
		`{"setup_secret":"canary-canary-canary","encryption_key":"` + apptest.EncryptionKey + `"}`: "",
		`{"setup_secret":"canary","encryption_key":"` + apptest.EncryptionKey + `"}`:               "at least 16",
		`{"setup_secret":"canary-canary-canary","encryption_key":"canary"}`:                        "not 32 bytes",
		`canary`: "not the JSON object",
	} {
		cfg := &config.Config{AppSecretARN: "arn:app"}
		err := secrets.FillAppSecret(ctx, cfg, vault{"arn:app": text})
		if want == "" {
			if err != nil || cfg.SetupSecret.Reveal() != "canary-canary-canary" {
				t.Errorf("a good secret: %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q and nothing of the secret", text, err, want)
		}
	}
	if err := secrets.FillAppSecret(ctx, &config.Config{AppSecretARN: "arn:none"}, vault{}); err == nil {
		t.Error("a secret that cannot be read was passed over")
	}
}

// TestARotatedAppSecretIsHandedOn also tries secrets that must not be taken.
func TestARotatedAppSecretIsHandedOn(t *testing.T) {
	ctx := context.Background()
	known := hostcontract.AppSecret{SetupSecret: "first-setup-secret", EncryptionKey: apptest.EncryptionKey}
	next := hostcontract.AppSecret{
		SetupSecret: "second-setup-secret", EncryptionKey: "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
		PreviousEncryptionKeys: []string{apptest.EncryptionKey},
	}
	text := func(s hostcontract.AppSecret) string {
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for _, c := range []struct {
		what, text string
		changed    bool
		problem    string
	}{
		{"the same", text(known), false, ""},
		{"a rotated one", text(next), true, ""},
		{"one whose earlier key is none", strings.ReplaceAll(text(next), `["`, `["canary`), false, "the previous encryption key 1"},
		{"none", "canary", false, "not the JSON object"},
	} {
		v := &counted{vault: vault{"arn:app": c.text}}
		var taken []hostcontract.AppSecret
		secret := secrets.NewAppSecret(v, "arn:app", known, func(s hostcontract.AppSecret) error {
			taken = append(taken, s)
			return nil
		})
		changed, err := secret.Refresh(ctx)
		if changed != c.changed || len(taken) > 0 != c.changed {
			t.Errorf("%s: changed %v, taken %d times", c.what, changed, len(taken))
		}
		if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("%s: %v, want %q", c.what, err, c.problem)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error quotes the secret: %v", c.what, err)
		}
		if _, err := secret.Refresh(ctx); err != nil || v.asked != 1 {
			t.Errorf("%s: asked %d times within a moment, error %v", c.what, v.asked, err)
		}
	}
}

// waitABit lets some time of the pause between two reads of the secret pass.
func waitABit(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 250*time.Millisecond)
	defer cancel()
	<-ctx.Done()
}

// counted is a vault that counts how often it is asked.
type counted struct {
	vault
	asked int
}

func (c *counted) Get(ctx context.Context, arn string) (string, error) {
	c.asked++
	return c.vault.Get(ctx, arn)
}

// TestARefusedAccountIsAskedForAgainAtOnce if it may have been rotated, and not again and again if it has not.
func TestARefusedAccountIsAskedForAgainAtOnce(t *testing.T) {
	v := &counted{vault: vault{"arn:db": `{"username":"a","password":"first"}`}}
	account := secrets.NewDatabaseAccount(v, "arn:db")
	if _, err := account.Credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := account.Refresh(t.Context()); err != nil || got.Password != "first" {
		t.Fatalf("before a rotation the account is %v: %v", got, err)
	}
	account.Accepted()
	v.vault["arn:db"] = `{"username":"a","password":"second"}`
	for range 20 {
		got, err := account.Refresh(t.Context())
		if err != nil || got.Password != "second" {
			t.Fatalf("after a rotation soon after the start the account is %v: %v", got, err)
		}
	}
	if v.asked > 4 {
		t.Errorf("a refused account was asked for %d times in a moment", v.asked)
	}
}
